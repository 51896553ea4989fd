"""gk show."""

from typing import TYPE_CHECKING

import click

from glacierkeep.cli import options
from glacierkeep.cli.epilog import epilog
from glacierkeep.errors import Exit

if TYPE_CHECKING:
    from glacierkeep.cli.wiring import Wiring
    from glacierkeep.operations.show import ArchiveShown, Holding, VersionShown


@click.command(
    "show",
    epilog=epilog(
        "gk show photos/2019/a.jpg", "gk show archive:-aBcD...", exits=(Exit.DONE, Exit.FAILED, Exit.OUTDATED)
    ),
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@options.everywhere
@options.with_wiring
def command(wiring: "Wiring", names: tuple[str, ...]) -> None:
    """Show all that is known of a file or an archive.

    Every version with its hashes, the archives it lies in, and how surely these are safe. Offline, from the catalog.
    """
    from glacierkeep.operations.show import show

    for name in names:
        for shown in show(name, catalog=wiring.catalog, host=wiring.host):
            wiring.show(shown, _told)


def _told(shown: "VersionShown | ArchiveShown") -> str:
    from glacierkeep.operations.show import ArchiveShown

    return _archive(shown) if isinstance(shown, ArchiveShown) else _version(shown)


def _version(shown: "VersionShown") -> str:
    from glacierkeep.cli.render.words import moment, mtime, size
    from glacierkeep.domain.names import printable

    version = shown.version
    lines = [
        printable(version.path),
        f"  kind      {version.kind.word}" + ("" if version.current else " (not the current version)"),
        f"  size      {size(version.size)} ({version.size:,} bytes)",
        f"  modified  {mtime(version.mtime_ns)}   mode {version.mode:04o}",
        f"  archived  {moment(version.first_seen)}",
    ]
    for word, when in (("gone", version.gone_at), ("deleted", version.retired_at)):
        if when:
            lines.append(f"  {word:8}  {moment(when)}")
    for word, digest in (("md5", version.md5), ("tree hash", version.tree_hash)):
        if digest:
            lines.append(f"  {word:9} {digest.hex()}")
    if version.target is not None:
        lines.append(f"  target    {printable(version.target)}")
    return "\n".join(lines + [_holding(each) for each in shown.holdings])


def _holding(holding: "Holding") -> str:
    return (
        f"  lies in   {holding.vault}  archive:{holding.archive_id}\n"
        f"            {holding.kind}, {holding.state}, evidence: {holding.evidence.value}"
    )


def _archive(shown: "ArchiveShown") -> str:
    from glacierkeep.cli.render.words import count, moment, safe, size

    archive = shown.archive
    lines = [
        f"archive:{safe(archive.archive_id)}",
        f"  vault        {shown.vault}",
        f"  kind         {archive.kind}, {archive.state.value}, evidence: {shown.evidence.value}",
        f"  size         {size(archive.size)} ({archive.size:,} bytes)",
        f"  created      {moment(archive.created_at)}",
        f"  tree hash    {archive.tree_hash.hex()}",
        f"  holds        {count(shown.live_versions, 'version')}, {size(shown.live_bytes)}",
        f"  description  {safe(archive.description)}",
    ]
    return "\n".join(lines)
