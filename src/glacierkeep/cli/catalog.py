"""gk catalog."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glacierkeep.cli import options, params
from glacierkeep.cli.epilog import epilog
from glacierkeep.cli.groups import Group
from glacierkeep.errors import Exit

if TYPE_CHECKING:
    from glacierkeep.cli.wiring import Wiring
    from glacierkeep.operations.rebuild import CatalogRebuilt

_EXITS = (Exit.DONE, Exit.FAILED, Exit.LOCKED, Exit.OUTDATED)
_REBUILD_EXITS = (
    Exit.DONE,
    Exit.FAILED,
    Exit.WAITING,
    Exit.FINDINGS,
    Exit.BUDGET,
    Exit.MISMATCH,
    Exit.NO_VAULT,
    Exit.LOCKED,
    Exit.CREDENTIALS,
)


@dataclass(frozen=True, slots=True)
class CatalogUpgraded:
    """The catalog has this gk's schema; *backup* is the copy made before, None if nothing had to be done."""

    catalog: Path
    backup: Path | None


@click.group(
    "catalog", cls=Group, epilog=epilog("gk catalog upgrade", "gk catalog rebuild -V photos", exits=_EXITS)
)
def command() -> None:
    """Bring the catalog up to date with this gk, or have its records back from a vault."""


@command.command("upgrade", epilog=epilog("gk catalog upgrade", exits=_EXITS))
@options.everywhere
@options.with_wiring
def upgrade(wiring: "Wiring") -> None:
    """Bring the catalog of an older gk to this one's schema.

    The file is backed up first, beside itself. A catalog that is up to date stays as it is.
    """
    from glacierkeep.catalog.upgrade import upgrade as bring_up_to_date
    from glacierkeep.cli.building import catalog_path

    path = catalog_path(wiring.settings, wiring.homes)
    upgraded = CatalogUpgraded(path, bring_up_to_date(path, clock=wiring.clock))
    wiring.report(upgraded, _told)


@command.command(
    "rebuild",
    epilog=epilog(
        "gk catalog rebuild -V photos",
        "gk catalog rebuild -V glacier://eu-west-1/photos --wait --yes",
        "gk catalog rebuild -V photos --before 2026-01-31",
        exits=_REBUILD_EXITS,
    ),
)
@click.option("--catalog", "catalog_id", metavar="ID", help="Take the copies of the catalog with that id.")
@click.option("--before", type=params.Moment(), help="Take a copy that was made before that time.")
@click.option("--cancel", is_flag=True, help="Give up the rebuild that is under way.")
@options.limit_download
@options.vault
@options.yes
@options.wait
@options.lock_wait
@options.retry_for
@options.progress_interval
@options.everywhere
@options.with_wiring
def rebuild(wiring: "Wiring", catalog_id: str | None, before: datetime | None, cancel: bool) -> None:
    """Have a vault's records back from the vault alone, after the catalog was lost.

    Each upload leaves a copy of the records in the vault. This asks for the inventory, then, in one round of jobs, for
    the newest full copy and what followed it, and reconciles the rest with the inventory. That takes hours at Amazon:
    the command ends with exit 4, and it or gk poll goes on later; --wait waits. A sealed copy needs its identity.
    """
    from glacierkeep.operations.rebuild import Choice, give_up
    from glacierkeep.operations.rebuild import rebuild as have_back

    chosen = wiring.vault()
    if cancel:
        with wiring.catalog.write() as records:
            vault = records.vaults.remember(str(chosen.address))
        return give_up(vault, catalog=wiring.catalog)
    wiring.consent(chosen, "a rebuild, which asks for an inventory and some jobs,")
    with wiring.catalog.write() as records:
        vault = records.vaults.remember(str(chosen.address))
    done = have_back(
        vault,
        catalog=wiring.catalog,
        store=wiring.store(chosen, create=False),
        staging=wiring.staging(),
        clock=wiring.clock,
        host=wiring.host,
        choice=Choice(catalog_id, before),
        unseal=wiring.unseal,
        fetching=wiring.fetching(None),
        wait=bool(wiring.options.wait),
        lock_wait=wiring.options.lock_wait,
        tell=wiring.listener,
        stop=wiring.stop,
    )
    wiring.report(done, _rebuilt)
    wiring.leave(done.exit)


def _rebuilt(done: "CatalogRebuilt") -> str:
    from glacierkeep.cli.render.words import count, moment

    if done.waiting:
        return f"{done.vault}: waiting for the service; gk poll goes on, or the same command"
    if done.made_at is None:
        return f"{done.vault}: the records are back"
    told = f"; {count(done.later, 'more archive')} known by description alone" if done.later else ""
    return (
        f"{done.vault}: records as of {moment(done.made_at)} are back, from {count(done.copies, 'copy', 'copies')} of"
        f" catalog {done.catalog}{told}"
    )


def _told(upgraded: CatalogUpgraded) -> str:
    if upgraded.backup is None:
        return "the catalog is up to date"
    return f"the catalog is up to date now; it was copied to {upgraded.backup} first"
