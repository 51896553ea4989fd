"""Target: putting things in their places."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol

import pytest

from glacierkeep.bundle.content import Write, write_pieces
from glacierkeep.bundle.descent import Descent
from glacierkeep.bundle.outcome import CannotPlace, Kept, Placed
from glacierkeep.bundle.partials import Scratch
from glacierkeep.bundle.place import Target
from glacierkeep.bundle.spots import Spot
from glacierkeep.domain.hashes import Hashes, hash_content
from glacierkeep.errors import BytesMismatch, DiskTrouble

MTIME = 1_500_000_000_123_456_789
NASTY = [
    b"latin\xe9",
    b"new\nline",
    b"-rf",
    b"\x1b[31m",
    b"n" * 255,
    "nfc\u00e9".encode(),
    "nfce\u0301".encode(),
]


class Put(Protocol):
    """Places a file with a content."""

    def __call__(
        self, path: bytes, content: bytes, *, mode: int = ..., overwrite: bool = ...
    ) -> Placed | Kept: ...


@pytest.fixture
def folder(tmp_path: Path) -> bytes:
    """The target's path."""
    return os.fsencode(tmp_path / "target")


@pytest.fixture
def target(folder: bytes) -> Iterator[Target]:
    """A target that is missing at first."""
    with Target(folder) as target:
        yield target


@pytest.fixture
def put(target: Target) -> Put:
    """Places a file in the target."""

    def call(path: bytes, content: bytes, *, mode: int = 0o640, overwrite: bool = False) -> Placed | Kept:
        return target.place_file(
            path,
            write_pieces([content]),
            expected=hash_content(content),
            mtime_ns=MTIME,
            mode=mode,
            overwrite=overwrite,
        )

    return call


def _read(path: bytes) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _never(file: BinaryIO) -> Hashes:
    raise AssertionError(f"{file.name} should not have been written")


def test_new_file(folder: bytes, put: Put) -> None:
    """A file gets its content, time to the nanosecond and mode; its folders are private until finished."""
    assert put(b"a/b/f", b"content") == Placed()
    status = os.stat(folder + b"/a/b/f")
    assert _read(folder + b"/a/b/f") == b"content"
    assert (status.st_mtime_ns, stat.S_IMODE(status.st_mode), status.st_nlink) == (MTIME, 0o640, 1)
    assert stat.S_IMODE(os.stat(folder + b"/a").st_mode) == 0o700


@pytest.mark.parametrize("size", [0, 1, 1024 * 1024 - 1, 1024 * 1024, 1024 * 1024 + 1])
def test_sizes(folder: bytes, put: Put, size: int) -> None:
    """A file of any size is placed, and found to be the same afterwards."""
    content = os.urandom(size)
    assert put(b"f", content) == Placed()
    assert _read(folder + b"/f") == content
    assert put(b"f", content) == Kept(same=True)


@pytest.mark.parametrize("name", NASTY, ids=repr)
def test_nasty_names(folder: bytes, put: Put, name: bytes) -> None:
    """Names are the bytes they were."""
    assert put(name + b"/" + name, b"x") == Placed()
    assert os.listdir(folder + b"/" + name) == [name]


def test_twins(folder: bytes, put: Put) -> None:
    """Names that differ in case or accents are different names where the file system says so."""
    twins = [b"A", b"a", "\u00e9".encode(), "e\u0301".encode()]
    placed = [put(name, name) for name in twins if not os.path.lexists(folder + b"/" + name)]
    assert placed == [Placed()] * len(placed)
    assert len(os.listdir(folder)) == len(placed) + 1


def test_exact_names(tmp_path: Path) -> None:
    """What tells twins apart where the file system does not: whether the folder lists just this name."""
    (tmp_path / "Name").touch()
    top = os.open(tmp_path, os.O_RDONLY)
    descent = Descent(top)
    assert descent.lists(b"Name")
    assert not descent.lists(b"name")
    (tmp_path / "later").touch()
    assert descent.lists(b"later")
    descent.close()
    os.close(top)


def test_nothing_left_behind(folder: bytes) -> None:
    """Closing removes the work folder."""
    with Target(folder) as target:
        target.place_file(b"f", write_pieces([b"x"]), expected=hash_content(b"x"), mtime_ns=0, mode=0o600)
        assert sorted(os.listdir(folder)) == [b".glacierkeep-partial", b"f"]
    assert os.listdir(folder) == [b"f"]


def test_special_bits(folder: bytes, put: Put) -> None:
    """Set-uid, set-gid and sticky bits are never given, and said not to be lost by accident."""
    put(b"f", b"x", mode=0o7755)
    assert stat.S_IMODE(os.stat(folder + b"/f").st_mode) == 0o755


def test_wrong_content(folder: bytes, target: Target) -> None:
    """Content that is not what was expected gets no name at all."""
    with pytest.raises(BytesMismatch):
        target.place_file(
            b"f", write_pieces([b"bad"]), expected=hash_content(b"good"), mtime_ns=0, mode=0o600
        )
    assert os.listdir(folder) == [b".glacierkeep-partial"]
    assert os.listdir(folder + b"/.glacierkeep-partial") == []


def test_private_until_checked(folder: bytes, target: Target) -> None:
    """While it is written a file has neither its name nor a mode that others could read it with."""

    def write(file: BinaryIO) -> Hashes:
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600
        assert not os.path.exists(folder + b"/f")
        return write_pieces([b"x"])(file)

    target.place_file(b"f", write, expected=hash_content(b"x"), mtime_ns=0, mode=0o644)
    assert stat.S_IMODE(os.stat(folder + b"/f").st_mode) == 0o644


def test_same_is_kept(folder: bytes, target: Target, put: Put) -> None:
    """A file with the same content is left alone, its metadata too, and nothing is written."""
    os.makedirs(folder, exist_ok=True)
    with open(folder + b"/f", "wb") as file:
        file.write(b"same")
    before = os.stat(folder + b"/f")
    outcome = target.place_file(
        b"f", _never, expected=hash_content(b"same"), mtime_ns=MTIME, mode=0, overwrite=True
    )
    assert outcome == Kept(same=True)
    assert os.stat(folder + b"/f") == before


def _lay_file(path: bytes) -> None:
    with open(path, "wb") as file:
        file.write(b"mine")


def _lay_folder(path: bytes) -> None:
    os.mkdir(path)
    _lay_file(path + b"/mine")


def _lay_symlink(path: bytes) -> None:
    os.symlink(b"/etc/hostname", path)


@pytest.mark.parametrize("lay", [_lay_file, _lay_folder, _lay_symlink, os.mkfifo])
def test_different_is_kept(folder: bytes, target: Target, lay: Callable[[bytes], None]) -> None:
    """Whatever else is there is left alone, and nothing is written."""
    lay(folder + b"/f")
    before = os.lstat(folder + b"/f")
    outcome = target.place_file(b"f", _never, expected=hash_content(b"good"), mtime_ns=0, mode=0o600)
    assert outcome == Kept(same=False)
    assert os.lstat(folder + b"/f") == before


@pytest.mark.parametrize("lay", [_lay_file, _lay_symlink, os.mkfifo, os.mkdir])
def test_overwrite(folder: bytes, put: Put, lay: Callable[[bytes], None]) -> None:
    """Asked to, a file takes the place of a file, a symlink itself, a FIFO or an empty folder."""
    lay(folder + b"/f")
    assert put(b"f", b"new", overwrite=True) == Placed()
    assert not os.path.islink(folder + b"/f")
    assert _read(folder + b"/f") == b"new"


def test_full_folder_stays(folder: bytes, put: Put) -> None:
    """A folder with something in it is never removed, even when asked to overwrite."""
    _lay_folder(folder + b"/f")
    with pytest.raises(CannotPlace, match="not empty"):
        put(b"f", b"new", overwrite=True)
    assert _read(folder + b"/f/mine") == b"mine"


@pytest.mark.parametrize("content", [b"good", b"other"])
def test_someone_else_is_faster(folder: bytes, target: Target, content: bytes) -> None:
    """A file that comes to the same place while ours is written is kept, and judged."""

    def write(file: BinaryIO) -> Hashes:
        with open(folder + b"/f", "wb") as other:
            other.write(content)
        return write_pieces([b"good"])(file)

    outcome = target.place_file(b"f", write, expected=hash_content(b"good"), mtime_ns=0, mode=0o600)
    assert outcome == Kept(same=content == b"good")
    assert _read(folder + b"/f") == content


def test_look(folder: bytes, target: Target, put: Put) -> None:
    """What is in the way is known before anything is fetched, and looking creates nothing."""
    put(b"a/f", b"x")
    assert target.look(b"a/f", hash_content(b"x")) == Kept(same=True)
    assert target.look(b"a/f", hash_content(b"y")) == Kept(same=False)
    assert target.look(b"a", hash_content(b"y")) == Kept(same=False)
    assert target.look(b"a/g", hash_content(b"x")) is None
    assert target.look(b"b/c/d", hash_content(b"x")) is None
    assert not os.path.exists(folder + b"/b")


def test_odd_times(folder: bytes, target: Target) -> None:
    """A time the file system cannot hold does not keep the content from its place; that is told."""
    for name, mtime_ns in ((b"old", -1_500_000_001), (b"beyond", (1 << 63) - 1)):
        outcome = target.place_file(
            name, write_pieces([b"x"]), expected=hash_content(b"x"), mtime_ns=mtime_ns, mode=0o600
        )
        assert outcome == Placed(times_kept=os.stat(folder + b"/" + name).st_mtime_ns == mtime_ns)


def test_symlinks(folder: bytes, target: Target) -> None:
    """Symlinks get their text and time, wherever they lead; the same is kept, another only overwritten if asked."""
    assert target.place_symlink(b"d/l", b"../../\xff", mtime_ns=MTIME) == Placed()
    assert os.readlink(folder + b"/d/l") == b"../../\xff"
    assert os.lstat(folder + b"/d/l").st_mtime_ns == MTIME
    assert target.place_symlink(b"d/l", b"../../\xff", mtime_ns=0) == Kept(same=True)
    assert target.place_symlink(b"d/l", b"other", mtime_ns=0) == Kept(same=False)
    assert target.place_symlink(b"d/l", b"other", mtime_ns=0, overwrite=True) == Placed()
    assert os.readlink(folder + b"/d/l") == b"other"


def _link(
    target: Target, path: bytes, first: bytes, write: Write | None, content: bytes = b"x"
) -> Placed | Kept:
    return target.place_hardlink(
        path, first, write, expected=hash_content(content), mtime_ns=MTIME, mode=0o640
    )


def test_hard_links(folder: bytes, target: Target, put: Put) -> None:
    """Another name of a file that is there is a link to it."""
    put(b"a/f", b"x")
    assert _link(target, b"b/g", b"a/f", None) == Placed()
    assert os.path.samefile(folder + b"/a/f", folder + b"/b/g")
    assert _link(target, b"b/g", b"a/f", None) == Kept(same=True)
    assert os.listdir(folder + b"/.glacierkeep-partial") == []


def test_hard_link_without_its_first(folder: bytes, target: Target, put: Put) -> None:
    """Another name of a file that is not there, or is another now, becomes a copy, or is told of."""
    put(b"f", b"changed")
    for first in (b"missing", b"no/folder", b"f", b"f/below"):
        with pytest.raises(CannotPlace, match="not here"):
            _link(target, b"g", first, None)
        assert _link(target, b"g", first, write_pieces([b"x"])) == Placed()
        assert _read(folder + b"/g") == b"x"
        os.unlink(folder + b"/g")
    assert _read(folder + b"/f") == b"changed"


def test_folders(folder: bytes, target: Target, put: Put) -> None:
    """Folders are created, or kept; once finished they have their mode and time, whatever was put into them."""
    assert target.place_folder(b"a/b") == Placed()
    assert target.place_folder(b"a/b") == Kept(same=True)
    put(b"a/f", b"x")
    assert target.place_folder(b"a/f") == Kept(same=False)
    assert list(target.created_folders()) == [b"a/b", b"a"]
    for path in target.created_folders():
        target.finish_folder(path, mtime_ns=MTIME, mode=0o7550)
    for name in (b"/a", b"/a/b"):
        status = os.stat(folder + name)
        assert (status.st_mtime_ns, stat.S_IMODE(status.st_mode)) == (MTIME, 0o550)


def test_finishing_without_time(folder: bytes, target: Target) -> None:
    """A folder whose time is not known gets its mode alone; one that is not there is told of."""
    target.place_folder(b"a")
    before = os.stat(folder + b"/a").st_mtime_ns
    target.finish_folder(b"a", mtime_ns=None, mode=0o755)
    assert (os.stat(folder + b"/a").st_mtime_ns, stat.S_IMODE(os.stat(folder + b"/a").st_mode)) == (
        before,
        0o755,
    )
    with pytest.raises(CannotPlace):
        target.finish_folder(b"missing", mtime_ns=None, mode=493)


def test_long_paths(folder: bytes, put: Put, target: Target) -> None:
    """Paths longer than the system takes are placed, found again and linked to."""
    deep = b"/".join([b"d" * 240] * 17)
    assert put(deep + b"/f", b"x") == Placed()
    assert target.look(deep + b"/f", hash_content(b"x")) == Kept(same=True)
    assert _link(target, deep + b"/g", deep + b"/f", None) == Placed()
    target.finish_folder(deep, mtime_ns=0, mode=0o700)


def test_too_long_a_name(put: Put, folder: bytes) -> None:
    """A name this file system does not take is that file's trouble alone."""
    with pytest.raises(CannotPlace, match="too long") as caught:
        put(b"d/" + b"n" * 256, b"x")
    assert caught.value.path == b"d/" + b"n" * 256
    assert put(b"d/f", b"x") == Placed()


def test_no_folder(tmp_path: Path) -> None:
    """A target that cannot be a folder is told of at once."""
    (tmp_path / "file").touch()
    with pytest.raises(DiskTrouble, match="cannot be used"):
        Target(os.fsencode(tmp_path / "file" / "below"))


def test_no_rights(public_folder: Path, unprivileged: Callable[[], AbstractContextManager[None]]) -> None:
    """A folder below that may not be written to is the trouble of what goes there alone."""
    (public_folder / "open").mkdir()
    (public_folder / "open").chmod(0o777)
    (public_folder / "open" / "shut").mkdir()
    (public_folder / "open" / "shut").chmod(0o555)
    with unprivileged(), Target(os.fsencode(public_folder / "open")) as target:
        for path, fits in ((b"shut/f", False), (b"shut/d/f", False), (b"f", True)):
            try:
                target.place_file(
                    path, write_pieces([b"x"]), expected=hash_content(b"x"), mtime_ns=0, mode=0o600
                )
            except CannotPlace:
                assert not fits
            else:
                assert fits
    assert sorted(os.listdir(public_folder / "open")) == ["f", "shut"]


@pytest.mark.parametrize("taken", [False, True])
def test_scratch_that_cannot_be_linked(
    public_folder: Path, unprivileged: Callable[[], AbstractContextManager[None]], taken: bool
) -> None:
    """Where hard links are refused, as Linux does for other people's files, a name is taken only if it is free."""
    public_folder.chmod(0o777)
    (public_folder / "scratch").write_bytes(b"new")
    if taken:
        (public_folder / "f").write_bytes(b"old")
    folder = os.open(public_folder, os.O_RDONLY)
    with unprivileged():
        assert Spot(b"f", folder, b"f").take(Scratch(folder, b"scratch")) is not taken
    os.close(folder)
    assert (public_folder / "f").read_bytes() == (b"old" if taken else b"new")


def test_first_that_cannot_be_linked(
    public_folder: Path, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    """Where hard links are refused, as Linux does for other people's files, another name becomes a copy."""
    public_folder.chmod(0o777)
    (public_folder / "first").write_bytes(b"x")
    (public_folder / "first").chmod(0o644)
    with unprivileged(), Target(os.fsencode(public_folder)) as target:
        assert _link(target, b"second", b"first", None) == Placed()
    assert (public_folder / "second").read_bytes() == b"x"
    assert sorted(os.listdir(public_folder)) == ["first", "second"]
