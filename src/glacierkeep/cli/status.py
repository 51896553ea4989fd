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
    from glacierkeep.operations.uploads import UploadListed


@click.command(
    "status", epilog=epilog("gk status", "gk status -v", "gk status --json", exits=(Exit.DONE, Exit.OUTDATED))
)
@options.vault
@options.everywhere
@options.with_wiring
def command(wiring: "Wiring") -> None:
    """Show what is in flight, waiting, ready or wrong.

    Unfinished uploads are named, with what goes on with them; -v names them all. Offline, from the catalog.
    """
    from glacierkeep.operations.status import status
    from glacierkeep.operations.uploads import uploads

    named = wiring.named_vault()
    with wiring.catalog.read() as records:
        vault = records.vaults.get(str(named.address)) if named else None
        vaults = [vault] if vault else records.vaults.all()
    left = [one for each in vaults for one in uploads(each, catalog=wiring.catalog, clock=wiring.clock)]
    everything = wiring.options.verbose > 0
    wiring.show(status(catalog=wiring.catalog, vault=vault), lambda found: _told(found, left, everything))
    if wiring.options.json:
        for upload in left:
            wiring.show(upload)


def _told(status: "Status", left: "list[UploadListed]", everything: bool) -> str:
    lines = []
    for vault in status.vaults:
        of_vault = [upload for upload in left if upload.vault == vault.vault]
        lines += [*_vault_lines(vault), *_upload_lines(of_vault, everything), *_last_lines(vault)]
    lines += [f"at work   {lease.activity} (process {lease.pid} on {lease.host})" for lease in status.at_work]
    return "\n".join(lines) or "nothing is archived yet: gk upload FOLDER begins"


def _vault_lines(vault: "VaultStatus") -> list[str]:
    from glacierkeep.cli.render.words import count, moment, size

    return [
        vault.vault,
        f"  holds      {count(vault.files, 'file')} in {count(vault.archives, 'archive')}, {size(vault.stored)}",
        f"  inventory  {moment(vault.inventory_date) if vault.inventory_date else 'none reconciled yet'}",
    ]


def _upload_lines(left: "list[UploadListed]", everything: bool) -> list[str]:
    """The unfinished uploads of a vault; those that only an inventory can settle apart."""
    from glacierkeep.cli.render.uploads import upload_lines
    from glacierkeep.cli.render.words import count

    open_ = [upload for upload in left if not upload.uncertain]
    in_doubt = [upload for upload in left if upload.uncertain]
    lines = []
    for uploads, what in (
        (open_, "to be finished; gk upload --abandon ends what is not wanted any more"),
        (in_doubt, "of unknown outcome: the next inventory will tell"),
    ):
        if uploads:
            lines.append(f"  open       {count(len(uploads), 'upload')} {what}")
            lines += [f"    {line}" for line in upload_lines(uploads, everything=everything)]
    return lines


def _last_lines(vault: "VaultStatus") -> list[str]:
    """What the service works on, what waits for gk poll, and what is wrong."""
    from glacierkeep.cli.render.words import count, moment, safe

    lines = []
    outstanding = (
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
