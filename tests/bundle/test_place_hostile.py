"""Target: whatever a manifest says, nothing is written outside, and nothing through a link."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from glacierkeep.bundle.content import write_pieces
from glacierkeep.bundle.outcome import CannotPlace, Kept, Placed
from glacierkeep.bundle.place import Target
from glacierkeep.domain.hashes import hash_content
from glacierkeep.errors import GlacierkeepError

EVIL = b"evil"

Place = Callable[[Target, bytes], object]


def _file(target: Target, path: bytes) -> object:
    return target.place_file(
        path, write_pieces([EVIL]), expected=hash_content(EVIL), mtime_ns=0, mode=0o666, overwrite=True
    )


def _partial(target: Target, path: bytes) -> object:
    with target.open_partial("t") as file:
        file.write(EVIL)
    return target.place_partial(
        "t", path, expected=hash_content(EVIL), mtime_ns=0, mode=0o666, overwrite=True
    )


def _symlink(target: Target, path: bytes) -> object:
    return target.place_symlink(path, b"/", mtime_ns=0, overwrite=True)


def _hardlink(target: Target, path: bytes) -> object:
    write = write_pieces([EVIL])
    return target.place_hardlink(
        path, b"f", write, expected=hash_content(EVIL), mtime_ns=0, mode=0, overwrite=True
    )


def _folder(target: Target, path: bytes) -> object:
    return target.place_folder(path)


def _finish(target: Target, path: bytes) -> object:
    return target.finish_folder(path, mtime_ns=0, mode=0o777)


def _look(target: Target, path: bytes) -> object:
    return target.look(path, hash_content(b"secret"))


PLACES: list[Place] = [_file, _partial, _symlink, _hardlink, _folder, _finish, _look]
PATHS = [
    b"",
    b".",
    b"..",
    b"../outside/f",
    b"a/../../outside/f",
    b"/tmp/f",
    b"//f",
    b"a//f",
    b"./f",
    b"a/",
    b"a/.",
    b"a\0b",
    b".glacierkeep-partial",
    b".glacierkeep-partial/part-x",
    b".GlacierKeep-Partial/x",
]


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A folder beside the target, which must be as it was."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "f").write_bytes(b"secret")
    before = (outside.stat(), (outside / "f").stat())
    yield outside
    assert (outside.stat(), (outside / "f").stat()) == before
    assert sorted(os.listdir(tmp_path)) == ["outside", "target"]
    assert os.listdir(outside) == ["f"]
    assert (outside / "f").read_bytes() == b"secret"


@pytest.fixture
def target(tmp_path: Path, outside: Path) -> Iterator[Target]:
    """A target beside it."""
    with Target(os.fsencode(tmp_path / "target")) as target:
        yield target


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("path", PATHS, ids=repr)
def test_paths_that_lead_out(target: Target, place: Place, path: bytes) -> None:
    """A path that leads out, or into the work folder, is refused by everything."""
    with pytest.raises(CannotPlace):
        place(target, path)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", [b"../outside", b".", b"real"])
def test_through_a_symlink(target: Target, tmp_path: Path, place: Place, text: bytes) -> None:
    """No symlink is followed, whether it leads out or not, and whoever laid it."""
    (tmp_path / "target" / "real").mkdir()
    target.place_symlink(b"link", text, mtime_ns=0)
    for path in (b"link/f", b"link/d/f"):
        with pytest.raises(CannotPlace, match="is where a folder is needed"):
            place(target, path)
    assert os.listdir(tmp_path / "target" / "real") == []


@pytest.mark.parametrize("place", [_file, _partial, _symlink, _hardlink])
def test_in_the_place_of_a_symlink(target: Target, tmp_path: Path, place: Place) -> None:
    """What overwrites a symlink replaces it, not what it leads to."""
    target.place_symlink(b"link", b"../outside/f", mtime_ns=0)
    assert place(target, b"link") == Placed()


def test_finishing_a_symlink(target: Target) -> None:
    """A symlink to a folder outside is not finished in that one's place."""
    target.place_symlink(b"link", b"../outside", mtime_ns=0)
    with pytest.raises(CannotPlace):
        _finish(target, b"link")


def test_folder_becomes_a_symlink(target: Target, tmp_path: Path) -> None:
    """A folder that is swapped for a symlink between two files takes neither of them out."""
    _file(target, b"d/1")
    _file(target, b"e/1")
    os.rename(tmp_path / "target" / "d", tmp_path / "target" / "old")
    os.symlink(tmp_path / "outside", tmp_path / "target" / "d")
    with pytest.raises(CannotPlace):
        _file(target, b"d/2")


@pytest.mark.parametrize("first", [b"../outside/f", b"/etc/hostname", b"link", b"linked/f", b".."])
def test_hard_links_out(target: Target, tmp_path: Path, first: bytes) -> None:
    """A hard link to something outside, by path or by symlink, is never made: a copy of ours, or an error."""
    target.place_symlink(b"link", b"../outside/f", mtime_ns=0)
    target.place_symlink(b"linked", b"../outside", mtime_ns=0)
    with pytest.raises(CannotPlace):
        target.place_hardlink(b"g", first, None, expected=hash_content(b"secret"), mtime_ns=0, mode=0o600)
    assert not os.path.lexists(tmp_path / "target" / "g")


def test_work_folder_is_a_symlink(tmp_path: Path, outside: Path) -> None:
    """A work folder that someone laid as a symlink is not used."""
    (tmp_path / "target").mkdir()
    os.symlink(outside, tmp_path / "target" / ".glacierkeep-partial")
    with Target(os.fsencode(tmp_path / "target")) as target, pytest.raises(GlacierkeepError):
        _file(target, b"f")


def test_partial_is_a_symlink(tmp_path: Path, outside: Path) -> None:
    """A partial that someone laid as a symlink is not written through."""
    work = tmp_path / "target" / ".glacierkeep-partial"
    work.mkdir(parents=True)
    os.symlink(outside / "f", work / "part-t")
    with Target(os.fsencode(tmp_path / "target")) as target, pytest.raises(GlacierkeepError):
        _partial(target, b"f")


def test_the_same_name_twice(target: Target, tmp_path: Path) -> None:
    """Of two members of one name the first stays, unless the second may overwrite it."""
    _file(target, b"f")
    other = hash_content(b"other")
    outcome = target.place_file(b"f", write_pieces([b"other"]), expected=other, mtime_ns=0, mode=0o600)
    assert outcome == Kept(same=False)
    assert (tmp_path / "target" / "f").read_bytes() == EVIL


@pytest.mark.parametrize("place", [_file, _partial, _symlink, _hardlink, _folder])
def test_file_where_a_folder_is_needed(target: Target, place: Place) -> None:
    """A file in the place of a folder is that one path's trouble."""
    _file(target, b"f")
    with pytest.raises(CannotPlace, match="not a folder"):
        place(target, b"f/below")
    assert place(target, b"g") == Placed()
