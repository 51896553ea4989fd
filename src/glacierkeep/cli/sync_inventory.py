"""gk sync-inventory."""

from typing import TYPE_CHECKING

import click

from glacierkeep.cli import options, params
from glacierkeep.cli.epilog import epilog
from glacierkeep.errors import Exit

if TYPE_CHECKING:
    from glacierkeep.cli.choosing import ChosenVault
    from glacierkeep.cli.wiring import Wiring
    from glacierkeep.operations.sync_inventory import InventorySync

_EXITS = (
    Exit.DONE,
    Exit.FAILED,
    Exit.WAITING,
    Exit.FINDINGS,
    Exit.NO_VAULT,
    Exit.LOCKED,
    Exit.CREDENTIALS,
)


@click.command(
    "sync-inventory",
    epilog=epilog(
        "gk sync-inventory",
        "gk sync-inventory --wait photos",
        "gk sync-inventory --mark-lost photos",
        exits=_EXITS,
    ),
)
@click.argument("vaults", nargs=-1, type=params.VaultText(), metavar="[VAULT...]")
@click.option(
    "--mark-lost",
    is_flag=True,
    help="Record archives that two inventories lack as lost, so that the next upload sends their files again.",
)
@options.vault
@options.yes
@options.wait
@options.lock_wait
@options.retry_for
@options.everywhere
@options.with_wiring
def command(wiring: "Wiring", vaults: tuple[str, ...], mark_lost: bool) -> None:
    """Request and collect inventories; reconcile the catalog with them.

    The service takes hours to bring an inventory (exit 4 until then; gk poll collects it). Archives of ours that the
    catalog does not know are taken in from their descriptions. What cannot be settled without you is exit 5.
    """
    chosen = [wiring.vault(name) for name in vaults] or [wiring.vault()]
    wiring.leave(*[_sync(wiring, each, mark_lost) for each in chosen])


def _sync(wiring: "Wiring", chosen: "ChosenVault", mark_lost: bool) -> Exit:
    from glacierkeep.operations.reconcile import Wishes
    from glacierkeep.operations.sync_inventory import sync_inventory

    store = wiring.store(chosen, create=False)
    with wiring.catalog.read() as records:
        vault = records.vaults.get(str(chosen.address))
    if vault is None:
        store.describe_vault()
        with wiring.catalog.write() as records:
            vault = records.vaults.remember(str(chosen.address))
    outcome = sync_inventory(
        vault,
        catalog=wiring.catalog,
        store=store,
        clock=wiring.clock,
        host=wiring.host,
        wishes=Wishes(mark_lost=mark_lost, accept_losses=wiring.options.yes),
        wait=bool(wiring.options.wait),
        lock_wait=wiring.options.lock_wait,
        tell=wiring.listener,
        stop=wiring.stop,
    )
    wiring.report(outcome, _told)
    return outcome.exit


def _told(outcome: "InventorySync") -> str:
    from glacierkeep.cli.render.words import count, moment

    if outcome.date is None:
        how = "waiting for its inventory: gk poll collects it" if outcome.waiting else "has no inventory yet"
        return f"{outcome.vault}: {how}"
    found = (
        ", ".join(f"{number:,} {word}" for word, number in sorted(outcome.findings.items()))
        or "nothing listed"
    )
    return f"{outcome.vault}: {count(outcome.archives, 'archive')} in the inventory of {moment(outcome.date)}: {found}"
