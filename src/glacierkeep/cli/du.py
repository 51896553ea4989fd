"""gk du."""

from typing import TYPE_CHECKING

import click

from glacierkeep.cli import options
from glacierkeep.cli.epilog import epilog
from glacierkeep.errors import Exit

if TYPE_CHECKING:
    from glacierkeep.cli.render.tables import Column
    from glacierkeep.cli.wiring import Wiring
    from glacierkeep.operations.du import Usage, VaultUsage


@click.command(
    "du",
    epilog=epilog(
        "gk du", "gk du photos/2019", "gk du --vaults", exits=(Exit.DONE, Exit.FAILED, Exit.OUTDATED)
    ),
)
@click.argument("names", nargs=-1, metavar="[NAME...]")
@click.option("--vaults", is_flag=True, help="By vault: the archives that are stored there.")
@options.everywhere
@options.with_wiring
def command(wiring: "Wiring", names: tuple[str, ...], vaults: bool) -> None:
    """Show how much is archived.

    Of each NAME, or of every root. Offline, from the catalog.
    """
    from glacierkeep.operations.du import du, du_vaults

    if vaults:
        wiring.table(du_vaults(catalog=wiring.catalog), _vault_columns(), empty="no vaults yet")
        return
    wiring.table(
        du(names, catalog=wiring.catalog, host=wiring.host), _columns(), empty="nothing is archived yet"
    )


def _columns() -> "list[Column[Usage]]":
    from glacierkeep.cli.render.tables import Column
    from glacierkeep.cli.render.words import size
    from glacierkeep.domain.names import printable

    return [
        Column("FILES", lambda usage: f"{usage.files:,}", right=True),
        Column("SIZE", lambda usage: size(usage.size), right=True),
        Column("NAME", lambda usage: printable(usage.path)),
    ]


def _vault_columns() -> "list[Column[VaultUsage]]":
    from glacierkeep.cli.render.tables import Column
    from glacierkeep.cli.render.words import size

    return [
        Column("ARCHIVES", lambda usage: f"{usage.archives:,}", right=True),
        Column("STORED", lambda usage: size(usage.stored), right=True),
        Column("FILES", lambda usage: f"{usage.files:,}", right=True),
        Column("SIZE", lambda usage: size(usage.size), right=True),
        Column("VAULT", lambda usage: usage.vault),
    ]
