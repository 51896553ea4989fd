"""gk find."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from glacierkeep.cli import options, params
from glacierkeep.cli.epilog import epilog
from glacierkeep.domain.files import KIND_WORDS
from glacierkeep.errors import Exit

if TYPE_CHECKING:
    from glacierkeep.cli.wiring import Wiring


@click.command(
    "find",
    epilog=epilog(
        "gk find holiday",
        "gk find '*.jpg' --larger 10MiB",
        "gk find --in photos --kind symlink",
        exits=(Exit.DONE, Exit.FAILED, Exit.OUTDATED),
    ),
)
@click.argument("pattern", required=False)
@click.option("--in", "label", metavar="LABEL", help="Only in that root.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(list(KIND_WORDS)), help="Only that kind.")
@click.option("--larger", type=params.ByteSize(), help="At least that big.")
@click.option("--smaller", type=params.ByteSize(), help="At most that big.")
@click.option("--newer", type=params.Moment(), help="Modified since then.")
@click.option("--older", type=params.Moment(), help="Modified before then.")
@click.option("--at", "at", type=params.Moment(), help="As things were on that day.")
@click.option("--deleted", is_flag=True, help="Also files that are gone from disk by now.")
@click.option("--versions", is_flag=True, help="Every version, not just the last.")
@options.everywhere
@options.with_wiring
def command(
    wiring: "Wiring",
    pattern: str | None,
    label: str | None,
    kinds: tuple[str, ...],
    larger: int | None,
    smaller: int | None,
    newer: datetime | None,
    older: datetime | None,
    at: datetime | None,
    deleted: bool,
    versions: bool,
) -> None:
    """Search for names.

    PATTERN is a part of a name, or a glob; case does not matter. Offline, from the catalog.
    """
    from glacierkeep.cli.ls import columns
    from glacierkeep.operations.find import Wanted, find
    from glacierkeep.operations.selection import Moment

    wanted = Wanted(
        pattern=pattern,
        label=label,
        kinds=tuple(KIND_WORDS[word] for word in kinds),
        least_size=larger,
        most_size=smaller,
        modified_from=newer,
        modified_until=older,
    )
    found = find(wanted, catalog=wiring.catalog, moment=Moment(at=at, deleted=deleted, history=versions))
    wiring.table(found, columns(), empty="nothing fits")
