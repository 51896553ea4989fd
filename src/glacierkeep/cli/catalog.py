"""gk catalog."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glacierkeep.cli import options
from glacierkeep.cli.epilog import epilog
from glacierkeep.cli.groups import Group
from glacierkeep.errors import Exit

if TYPE_CHECKING:
    from glacierkeep.cli.wiring import Wiring

_EXITS = (Exit.DONE, Exit.FAILED, Exit.LOCKED, Exit.OUTDATED)


@dataclass(frozen=True, slots=True)
class CatalogUpgraded:
    """The catalog has this gk's schema; *backup* is the copy made before, None if nothing had to be done."""

    catalog: Path
    backup: Path | None


@click.group("catalog", cls=Group, epilog=epilog("gk catalog upgrade", exits=_EXITS))
def command() -> None:
    """Bring the catalog up to date with this gk."""


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


def _told(upgraded: CatalogUpgraded) -> str:
    if upgraded.backup is None:
        return "the catalog is up to date"
    return f"the catalog is up to date now; it was copied to {upgraded.backup} first"
