"""gk verify."""

from typing import TYPE_CHECKING

import click

from glacierkeep.cli import options, params
from glacierkeep.cli.epilog import epilog
from glacierkeep.errors import Exit

if TYPE_CHECKING:
    from glacierkeep.cli.wiring import Wiring
    from glacierkeep.operations.verify import Verification

_EXITS = (Exit.DONE, Exit.FAILED, Exit.PARTLY, Exit.FINDINGS, Exit.MISMATCH, Exit.OUTDATED)


@click.command("verify", epilog=epilog("gk verify", "gk verify ~/photos/2019", exits=_EXITS))
@click.argument("paths", nargs=-1, type=params.PathName(), metavar="[PATH...]")
@options.progress_interval
@options.everywhere
@options.with_wiring
def command(wiring: "Wiring", paths: tuple[bytes, ...]) -> None:
    """Compare local files with the catalog.

    Reads the files at PATH (or all that was archived from this machine) and compares their content with the hashes
    recorded when they were archived. A file with the recorded size and time and other content is damaged: exit 7.
    """
    from glacierkeep.operations.verify import verify

    found = verify(paths, catalog=wiring.catalog, host=wiring.host, tell=wiring.listener, stop=wiring.stop)
    wiring.report(found, _told)
    wiring.leave(found.exit)


def _told(found: "Verification") -> str:
    from glacierkeep.cli.render.words import count, size

    parts = [f"{count(found.checked, 'file')} compared ({size(found.size)} read)"]
    for number, word in (
        (found.damaged, "damaged"),
        (found.changed, "changed"),
        (found.missing, "missing"),
        (found.unreadable, "unreadable"),
    ):
        if number:
            parts.append(f"{number:,} {word}")
    return ", ".join(parts) if len(parts) > 1 else parts[0] + ", all as archived"
