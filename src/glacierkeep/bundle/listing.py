"""The listing of a staged archive: what it holds, for a run that goes on after this one was killed.

It lies beside the archive in staging and is never sent: who sealed an archive cannot open it to look.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from glacierkeep.bundle.files import as_disk_trouble, close_durably, open_new, sync_parent
from glacierkeep.bundle.read import lines_of
from glacierkeep.bundle.tail import manifest_head
from glacierkeep.domain.manifest import BadManifest, Member, all_good, read_lines
from glacierkeep.domain.segments import Segment


def listing_of(staged: Path) -> Path:
    """Where the listing of the archive *staged* lies."""
    return staged.with_suffix(".jsonl")


def write_listing(staged: Path, segments: list[Segment], members: int, lines: Iterable[bytes]) -> None:
    """Write the listing of *staged*, durably: a manifest with its segments. Raises DiskTrouble."""
    path = listing_of(staged)
    with as_disk_trouble("a listing"):
        path.unlink(missing_ok=True)
        with open_new(path) as out:
            out.write(manifest_head(members, segments))
            out.writelines(lines)
            close_durably(out)
        sync_parent(path)


@contextmanager
def open_listing(staged: Path) -> Iterator[tuple[list[Segment], Iterator[Member]]]:
    """The segments and members of the archive *staged*. Raises BadManifest, also if there is no listing."""
    try:
        file = listing_of(staged).open("rb")
    except OSError as error:
        raise BadManifest(f"its listing cannot be read: {error.strerror}") from error
    with file:
        segments, members = read_lines(lines_of(file))
        yield segments, all_good(members)
