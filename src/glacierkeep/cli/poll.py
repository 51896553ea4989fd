"""gk poll."""

from typing import TYPE_CHECKING

import click

from glacierkeep.cli import options
from glacierkeep.cli.epilog import epilog
from glacierkeep.errors import Exit

if TYPE_CHECKING:
    from glacierkeep.cli.wiring import Wiring
    from glacierkeep.operations.poll import PollOutcome

_EXITS = (Exit.DONE, Exit.FAILED, Exit.PARTLY, Exit.FINDINGS, Exit.MISMATCH, Exit.CHANGED, Exit.CREDENTIALS)


@click.command("poll", epilog=epilog("gk poll", "gk poll --json", exits=_EXITS))
@options.jobs
@options.limit_download
@options.max_transfer
@options.max_duration
@options.vault
@options.retry_for
@options.progress_interval
@options.everywhere
@options.with_wiring
def command(wiring: "Wiring", jobs: int | None) -> None:
    """Move everything outstanding on by one pass.

    For cron: collects what is ready, asks for what was not asked yet, finishes deletions, and ends. Does nothing
    twice, never waits for the service, runs beside an upload, and is silent when all is well.
    """
    from glacierkeep.domain.records import Vault
    from glacierkeep.operations.poll import poll
    from glacierkeep.stores.store import Store

    def store_of(vault: Vault) -> Store:
        return wiring.store(wiring.vault_at(vault.address))

    wiring.limits.heed()
    named = wiring.named_vault()
    with wiring.catalog.read() as records:
        vault = records.vaults.get(str(named.address)) if named else None
    outcome = poll(
        catalog=wiring.catalog,
        store_of=store_of,
        clock=wiring.clock,
        host=wiring.host,
        staging=wiring.staging,
        vault=vault,
        unseal=wiring.unseal,
        fetching=wiring.fetching(jobs),
        tell=wiring.listener,
        stop=wiring.stop,
    )
    wiring.report(outcome, _told)
    wiring.leave(outcome.exit)


def _told(outcome: "PollOutcome") -> str:
    from glacierkeep.cli.render.words import count

    parts = []
    if outcome.retrievals_finished:
        placed = count(outcome.placed, "item")
        parts.append(f"{count(outcome.retrievals_finished, 'retrieval')} finished, {placed} placed")
    if outcome.retrievals_waiting:
        parts.append(f"{count(outcome.retrievals_waiting, 'retrieval')} waiting")
    if outcome.inventories_finished:
        parts.append(f"{count(outcome.inventories_finished, 'inventory', 'inventories')} reconciled")
    if outcome.inventories_waiting:
        parts.append(f"{count(outcome.inventories_waiting, 'inventory', 'inventories')} waiting")
    if outcome.rebuilds_finished:
        parts.append(f"the records of {count(outcome.rebuilds_finished, 'vault')} rebuilt")
    if outcome.rebuilds_waiting:
        parts.append(f"{count(outcome.rebuilds_waiting, 'rebuild')} waiting")
    if outcome.deletions:
        parts.append(f"{count(outcome.deletions, 'archive')} deleted")
    if outcome.failed:
        parts.append(f"{outcome.failed:,} failed")
    return ", ".join(parts) or "nothing is outstanding"
