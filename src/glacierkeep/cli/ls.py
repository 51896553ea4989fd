"""gk ls."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from glacierkeep.cli import options, params
from glacierkeep.cli.epilog import epilog
from glacierkeep.errors import Exit

if TYPE_CHECKING:
    from glacierkeep.cli.render.tables import Column
    from glacierkeep.cli.wiring import Wiring
    from glacierkeep.operations.ls import Listed


@click.command(
    "ls",
    epilog=epilog(
        "gk ls",
        "gk ls photos/2019",
        "gk ls -r --versions documents/letter.txt",
        "gk ls --at 2026-01-31 documents",
        exits=(Exit.DONE, Exit.FAILED, Exit.OUTDATED),
    ),
)
@click.argument("names", nargs=-1, metavar="[NAME...]")
@click.option("-r", "--recursive", is_flag=True, help="All that lies below.")
@click.option("--versions", is_flag=True, help="Every version, not just the last.")
@click.option("--at", "at", type=params.Moment(), help="As things were on that day.")
@click.option("--deleted", is_flag=True, help="Also files that are gone from disk by now.")
@options.everywhere
@options.with_wiring
def command(
    wiring: "Wiring",
    names: tuple[str, ...],
    recursive: bool,
    versions: bool,
    at: datetime | None,
    deleted: bool,
) -> None:
    """List what is archived.

    Without a NAME, the roots; of a folder, what is in it. Offline, from the catalog.
    """
    from glacierkeep.operations.ls import ls
    from glacierkeep.operations.selection import Moment

    moment = Moment(at=at, deleted=deleted, history=versions)
    listed = ls(names, catalog=wiring.catalog, host=wiring.host, recursive=recursive, moment=moment)
    wiring.table(listed, columns(), empty="nothing is archived yet" if not names else "")


def columns() -> "list[Column[Any]]":
    """How versions, folders and roots stand in a table."""
    from glacierkeep.cli.render.tables import Column
    from glacierkeep.operations.ls import shown_name

    return [
        Column("KIND", _kind),
        Column("SIZE", _size, right=True),
        Column("MODIFIED", _modified),
        Column("NAME", lambda listed: shown_name(listed) + _note(listed)),
    ]


def _kind(listed: "Listed") -> str:
    from glacierkeep.domain.records import Version
    from glacierkeep.operations.ls import RootListed

    if isinstance(listed, Version):
        return listed.kind.word
    return "root" if isinstance(listed, RootListed) else "folder"


def _size(listed: "Listed") -> str:
    from glacierkeep.cli.render.words import size
    from glacierkeep.operations.ls import RootListed, is_folder

    if isinstance(listed, RootListed):
        return size(listed.size)
    return "-" if is_folder(listed) else size(listed.size)  # type: ignore[union-attr]


def _modified(listed: "Listed") -> str:
    from glacierkeep.cli.render.words import mtime
    from glacierkeep.domain.records import Version

    return mtime(listed.mtime_ns) if isinstance(listed, Version) else "-"


def _note(listed: "Listed") -> str:
    """What a person should know beside the name: the target of a link, that it is gone, whose root it is."""
    from glacierkeep.domain.names import printable
    from glacierkeep.domain.records import Version
    from glacierkeep.operations.ls import RootListed

    if isinstance(listed, RootListed):
        return f"  ({listed.host or 'any machine'}:{printable(listed.source)})"
    if not isinstance(listed, Version):
        return ""
    target = f" -> {printable(listed.target)}" if listed.target is not None else ""
    if listed.retired_at:
        return f"{target}  (deleted {listed.retired_at:%Y-%m-%d})"
    return f"{target}  (gone since {listed.gone_at:%Y-%m-%d})" if listed.gone_at else target
