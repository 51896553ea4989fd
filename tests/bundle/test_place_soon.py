"""Target: many small files, made durable together and then given their names."""

import itertools
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from glacierkeep.bundle.content import write_pieces
from glacierkeep.bundle.outcome import CannotPlace, Kept, Placed
from glacierkeep.bundle.place import Target
from glacierkeep.domain.hashes import hash_content
from glacierkeep.errors import BytesMismatch, DiskTrouble

MTIME = 1_500_000_000_123_456_789


@pytest.fixture
def folder(tmp_path: Path) -> bytes:
    """The target's path."""
    return os.fsencode(tmp_path / "target")


class Soon:
    """Places files soon, and keeps what became of them by their paths."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.became: dict[bytes, Any] = {}

    def put(
        self, path: bytes, content: bytes = b"x", *, expected: bytes = b"", overwrite: bool = False
    ) -> Any:
        return self.target.place_soon(
            path,
            write_pieces([content]),
            expected=hash_content(expected or content),
            mtime_ns=MTIME,
            mode=0o640,
            overwrite=overwrite,
            then=lambda place: self._note(path, place),
        )

    def _note(self, path: bytes, place: Callable[[], Placed | Kept]) -> None:
        try:
            self.became[path] = place()
        except CannotPlace as error:
            self.became[path] = error


def _files(folder: bytes) -> set[bytes]:
    found = (os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)
    return {os.path.relpath(path, folder) for path in found if b".glacierkeep-partial" not in path}


def test_names_come_with_the_flush(folder: bytes) -> None:
    """Until it is flushed no file has its name; afterwards each has it, with content, time and mode."""
    with Target(folder) as target:
        soon = Soon(target)
        assert [soon.put(b"a/%d" % number, b"%d" % number) for number in range(9)] == [None] * 9
        assert (_files(folder), soon.became) == (set(), {})
        target.flush()
        assert soon.became == {b"a/%d" % number: Placed() for number in range(9)}
    for number in range(9):
        path = folder + b"/a/%d" % number
        with open(path, "rb") as file:
            assert file.read() == b"%d" % number
        status = os.stat(path)
        assert (status.st_mtime_ns, status.st_mode & 0o777, status.st_nlink) == (MTIME, 0o640, 1)
    assert os.listdir(folder) == [b"a"]


def test_no_name_before_the_disk_has_it(folder: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """All files of a batch are synced before the first gets its name, and the folders after the last."""
    order: list[str] = []
    for name in ("fsync", "link"):
        real = getattr(os, name)

        def noting(*said: Any, name: str = name, real: Any = real, **more: Any) -> None:
            order.append(name)
            real(*said, **more)

        monkeypatch.setattr(os, name, noting)
    with Target(folder) as target:
        soon = Soon(target)
        for number in range(5):
            soon.put(b"%d/f" % number)
        order.clear()
        target.flush()
        assert [(name, len(list(each))) for name, each in itertools.groupby(order)] == [
            ("fsync", 5),
            ("link", 5),
            ("fsync", 6),
        ]


def test_a_batch_has_an_end(folder: bytes) -> None:
    """However many there are, only so many wait: descriptors and bytes are bounded."""
    with Target(folder) as target:
        soon = Soon(target)
        most = 0
        for number in range(300):
            soon.put(b"%03d" % number)
            most = max(most, len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0)
        assert len(soon.became) > 200
        assert most < 160
    assert len(soon.became) == 300


def test_wrong_content_does_not_wait(folder: bytes) -> None:
    """Content that is not what was expected is refused at once, and the others are placed."""
    with Target(folder) as target:
        soon = Soon(target)
        soon.put(b"a")
        with pytest.raises(BytesMismatch):
            soon.put(b"b", b"bad", expected=b"good")
        soon.put(b"c")
    assert _files(folder) == {b"a", b"c"}
    assert set(os.listdir(folder)) == {b"a", b"c"}


@pytest.mark.parametrize(("there", "same"), [(b"x", True), (b"other", False)])
@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_what_is_there_is_kept(folder: bytes, there: bytes, same: bool, when: str) -> None:
    """A file that is there, or comes while ours waits, is left alone and judged."""
    os.makedirs(folder)

    def lay() -> None:
        with open(folder + b"/f", "wb") as file:
            file.write(there)

    with Target(folder) as target:
        soon = Soon(target)
        if when == "before":
            lay()
        became = soon.put(b"f")
        if when == "meanwhile":
            lay()
        target.flush()
        assert (became or soon.became[b"f"]) == Kept(same)
    with open(folder + b"/f", "rb") as file:
        assert file.read() == there


def test_overwriting(folder: bytes) -> None:
    """Asked to, a file takes the place of another; a folder that is not empty stays, and only that one fails."""
    os.makedirs(folder + b"/full/below")
    with open(folder + b"/f", "wb") as file:
        file.write(b"old")
    with Target(folder) as target:
        soon = Soon(target)
        soon.put(b"f", b"new", overwrite=True)
        soon.put(b"full", b"new", overwrite=True)
        target.flush()
        assert soon.became[b"f"] == Placed()
        assert isinstance(soon.became[b"full"], CannotPlace)
    with open(folder + b"/f", "rb") as file:
        assert file.read() == b"new"


def test_twice_the_same_path(folder: bytes) -> None:
    """Of two files with one name the first is placed, and the second is judged."""
    with Target(folder) as target:
        soon = Soon(target)
        soon.put(b"f", b"first")
        assert soon.put(b"f", b"second") == Kept(same=False)
        assert soon.became == {b"f": Placed()}


def test_what_waits_was_first(folder: bytes) -> None:
    """A folder, or something below one, that would take the name of a file that waits does not get it."""
    with Target(folder) as target:
        soon = Soon(target)
        soon.put(b"f")
        assert target.place_folder(b"f") == Kept(same=False)
        soon.put(b"g")
        with pytest.raises(CannotPlace):
            soon.put(b"g/a/b")
        soon.put(b"h")
        assert target.place_symlink(b"h", b"elsewhere", mtime_ns=0) == Kept(same=False)
    assert _files(folder) == {b"f", b"g", b"h"}


def test_a_hard_link_to_one_that_waits(folder: bytes) -> None:
    """Another name of a file that waits is a link to it all the same."""
    with Target(folder) as target:
        soon = Soon(target)
        soon.put(b"f")
        linked = target.place_hardlink(
            b"g", b"f", None, expected=hash_content(b"x"), mtime_ns=MTIME, mode=0o640
        )
        assert linked == Placed()
    assert os.path.samefile(folder + b"/f", folder + b"/g")


def test_after_an_error_nothing_is_placed(folder: bytes) -> None:
    """Left by an error, what waited gets no name, and nothing of it stays."""
    with suppress(KeyboardInterrupt), Target(folder) as target:
        soon = Soon(target)
        soon.put(b"f")
        raise KeyboardInterrupt
    assert soon.became == {}
    assert os.listdir(folder) == []


def test_a_disk_that_fails_to_sync(folder: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk does not take the bytes, no file of the batch gets a name, and it is trouble for all."""

    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with Target(folder) as target:
        soon = Soon(target)
        soon.put(b"f")
        soon.put(b"g")
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", fail)
            with pytest.raises(DiskTrouble):
                target.place_written()
    assert (soon.became, _files(folder)) == ({}, set())
