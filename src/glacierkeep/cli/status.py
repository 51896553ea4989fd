"""gk status."""

import os
from typing import TYPE_CHECKING

import click

from glacierkeep.cli import options
from glacierkeep.cli.epilog import epilog
from glacierkeep.errors import Exit

if TYPE_CHECKING:
    from glacierkeep.cli.wiring import Wiring
    from glacierkeep.operations.status import Status, VaultStatus


@click.command("status", epilog=epilog("gk status", "gk status --json", exits=(Exit.DONE, Exit.OUTDATED)))
@options.vault
@options.everywhere
@options.with_wiring
def command(wiring: "Wiring") -> None:
    """Show what is in flight, waiting, ready or wrong.

    Offline, from the catalog.
    """
    from glacierkeep.operations.status import status

    named = wiring.named_vault()
    with wiring.catalog.read() as records:
        vault = records.vaults.get(str(named.address)) if named else None
    wiring.show(status(catalog=wiring.catalog, vault=vault), _told)


def _told(status: "Status") -> str:
    lines = [line for vault in status.vaults for line in _vault_lines(vault)]
    lines += [f"at work   {lease.activity} (process {lease.pid} on {lease.host})" for lease in status.at_work]
    return "\n".join(lines) or "nothing is archived yet: gk upload FOLDER begins"


def _vault_lines(vault: "VaultStatus") -> list[str]:
    from glacierkeep.cli.render.words import count, moment, safe, size

    lines = [
        vault.vault,
        f"  holds      {count(vault.files, 'file')} in {count(vault.archives, 'archive')}, {size(vault.stored)}",
        f"  inventory  {moment(vault.inventory_date) if vault.inventory_date else 'none reconciled yet'}",
    ]
    outstanding = (
        (vault.unfinished_uploads, "upload to be finished: run gk upload again"),
        (vault.uncertain_uploads, "upload of unknown outcome: the next inventory will tell"),
        (vault.jobs_waiting, "job waiting for the service"),
        (vault.jobs_ready, "job ready: gk poll collects"),
        (vault.rebuilds, "rebuild of the records: gk poll goes on"),
        (vault.deleting, "archive to be deleted: gk poll goes on"),
        (vault.findings, "finding of the last reconciliation: gk sync-inventory looks again"),
    )
    for number, what in outstanding:
        if number:
            noun, _, rest = what.partition(" ")
            lines.append(f"  open       {count(number, noun)} {rest}")
    for retrieval in vault.retrievals:
        target = safe(os.fsdecode(retrieval.target))
        lines.append(
            f"  open       retrieval {retrieval.retrieval_id} into {target}: {retrieval.waiting:,} waiting"
        )
    if vault.next_expiry:
        lines.append(f"  expires    the first ready job's output, {moment(vault.next_expiry)}")
    return lines
