"""LinkTable and Spool: lists kept on disk."""

import os
import resource
from pathlib import Path

import pytest

from glacierkeep.bundle.links import LinkTable
from glacierkeep.bundle.spool import Spool
from glacierkeep.domain.files import Entry, FileKind
from glacierkeep.errors import DiskTrouble


def test_first_path() -> None:
    """The first path of a file is kept, whatever its bytes and however large its numbers."""
    with LinkTable() as table:
        assert table.first_path(1, 2**64 - 1, b"\xff\n") == b"\xff\n"
        assert table.first_path(1, 2**64 - 1, b"other") == b"\xff\n"
        assert table.first_path(2, 2**64 - 1, b"other") == b"other"


def test_many_links() -> None:
    """100,000 files are told apart."""
    with LinkTable() as table:
        for number in range(100_000):
            table.first_path(1, number, b"%d" % number)
        assert table.first_path(1, 77_777, b"again") == b"77777"


@pytest.mark.parametrize("count", [0, 1, 511, 512, 513, 5000])
def test_spool(tmp_path: Path, count: int) -> None:
    """A spool gives back what was appended, both ways, again and again, and has no name."""
    records = [Entry(b"%d\xff" % n, FileKind.FILE, n, -n, 0o644, n, 1, 1, 0, 0, None) for n in range(count)]
    with Spool[Entry](tmp_path) as spool:
        for record in records:
            spool.append(record)
        assert os.listdir(tmp_path) == []
        assert len(spool) == count
        assert list(spool) == list(spool) == records
        assert list(spool.backwards()) == records[::-1]
        spool.append(Entry(b"last", FileKind.FILE, 0, 0, 0, 0, 0, 1, 0, 0, None))
        assert [entry.path for entry in spool][-1] == b"last"


def test_two_readers(tmp_path: Path) -> None:
    """Two readers of a spool do not disturb each other."""
    with Spool[int](tmp_path) as spool:
        for number in range(2000):
            spool.append(number)
        assert list(zip(spool, spool.backwards(), strict=True)) == list(
            zip(range(2000), range(1999, -1, -1), strict=True)
        )


def test_full_disk(tmp_path: Path) -> None:
    """A spool that cannot be written says that the disk is the trouble."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Spool[bytes](tmp_path) as spool:
        for number in range(511):
            spool.append(b"%d" % number * 100)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
        try:
            with pytest.raises(DiskTrouble):
                spool.append(b"last")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
