"""Target: what is not complete yet, and the folder it lies in."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from glacierkeep.bundle.content import write_pieces
from glacierkeep.bundle.outcome import Kept, Placed
from glacierkeep.bundle.place import Target
from glacierkeep.domain.hashes import Hashes, hash_content
from glacierkeep.errors import BytesMismatch

MTIME = 1_500_000_000_123_456_789


@pytest.fixture
def folder(tmp_path: Path) -> bytes:
    """The target's path."""
    return os.fsencode(tmp_path / "target")


@pytest.fixture
def target(folder: bytes) -> Iterator[Target]:
    """A target that is missing at first."""
    with Target(folder) as target:
        yield target


def _lay_file(path: bytes, content: bytes = b"x") -> None:
    with open(path, "wb") as file:
        file.write(content)


def _read(path: bytes) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def test_partials(folder: bytes) -> None:
    """A partial stays from run to run until it is complete, and is private."""
    with Target(folder) as target, target.open_partial("token-1") as file:
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600
        file.write(b"first ")
    with Target(folder) as target:
        with target.open_partial("token-1") as file:
            assert file.seek(0, os.SEEK_END) == 6
            file.write(b"second")
        expected = hash_content(b"first second")
        assert (
            target.place_partial("token-1", b"d/f", expected=expected, mtime_ns=MTIME, mode=0o644) == Placed()
        )
    assert _read(folder + b"/d/f") == b"first second"
    assert (os.stat(folder + b"/d/f").st_mtime_ns, os.stat(folder + b"/d/f").st_nlink) == (MTIME, 1)
    assert os.listdir(folder) == [b"d"]


def test_wrong_partial(folder: bytes, target: Target) -> None:
    """A partial with other content is not placed, and stays to be mended or dropped."""
    with target.open_partial("t") as file:
        file.write(b"bad")
    with pytest.raises(BytesMismatch):
        target.place_partial("t", b"f", expected=hash_content(b"good"), mtime_ns=0, mode=0o600)
    assert os.listdir(folder + b"/.glacierkeep-partial") == [b"part-t"]
    target.drop_partial("t")
    target.drop_partial("t")
    assert os.listdir(folder + b"/.glacierkeep-partial") == []


@pytest.mark.parametrize(("there", "left"), [(b"good", []), (b"other", [b"part-t"])])
def test_partial_of_what_is_there(folder: bytes, target: Target, there: bytes, left: list[bytes]) -> None:
    """A partial goes if its file is there already, and stays if another is."""
    _lay_file(folder + b"/f", there)
    with target.open_partial("t") as file:
        file.write(b"good")
    outcome = target.place_partial("t", b"f", expected=hash_content(b"good"), mtime_ns=0, mode=0o600)
    assert outcome == Kept(same=there == b"good")
    assert os.listdir(folder + b"/.glacierkeep-partial") == left


@pytest.mark.parametrize("name", ["", "../f", "a/b", "\u00e9", "a" * 300, "a\0"])
def test_names_of_partials(target: Target, name: str) -> None:
    """The name of a partial cannot lead anywhere."""
    with pytest.raises(ValueError, match="no name for a partial"):
        target.open_partial(name)


def test_leftovers(folder: bytes) -> None:
    """What a killed run left is cleared by the next that is alone, partials excepted."""
    work = folder + b"/.glacierkeep-partial"
    os.makedirs(work)
    for name in (b"/new-0123", b"/part-t"):
        _lay_file(work + name)
    with Target(folder) as target:
        target.place_file(b"f", write_pieces([b"x"]), expected=hash_content(b"x"), mtime_ns=0, mode=0o600)
    assert os.listdir(work) == [b"part-t"]


def test_two_at_once(folder: bytes) -> None:
    """Two that use one target do not clear each other's files, and the first to close leaves the other its folder."""

    def write(file: BinaryIO) -> Hashes:
        with Target(folder) as other:
            other.place_file(b"g", write_pieces([b"y"]), expected=hash_content(b"y"), mtime_ns=0, mode=0o600)
        return write_pieces([b"x"])(file)

    with Target(folder) as target:
        assert target.place_file(b"f", write, expected=hash_content(b"x"), mtime_ns=0, mode=0o600) == Placed()
    assert sorted(os.listdir(folder)) == [b"f", b"g"]


def test_a_partial_that_was_placed_is_not_written_to(folder: bytes) -> None:
    """Killed between the final name and the removal of the first one, a run leaves both: the file is the user's."""
    with Target(folder) as target, target.open_partial("token-1") as file:
        file.write(b"whole")
    os.link(folder + b"/.glacierkeep-partial/part-token-1", folder + b"/f")
    with Target(folder) as target:
        with target.open_partial("token-1") as file:
            assert file.read() == b""
            file.write(b"other bytes")
        assert _read(folder + b"/f") == b"whole"
        target.drop_partial("token-1")
    assert os.listdir(folder) == [b"f"]


def test_an_empty_work_folder_of_a_killed_run_goes(folder: bytes) -> None:
    """A work folder with nothing in it is removed by the next run, also by one that does not need it."""
    os.makedirs(folder + b"/.glacierkeep-partial")
    with Target(folder):
        pass
    assert os.listdir(folder) == []
