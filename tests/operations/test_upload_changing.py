"""Files that change between the scan and their reading, or while they are read: once more, then reported."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from glacierkeep.domain.limits import MIB
from glacierkeep.errors import Exit
from glacierkeep.events import ArchiveStored, BytesSent, Event, Trouble, UploadPlanned
from support.compare import differences, facts_of
from support.world import World

Deed = Callable[[Path], object]


def _grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _shrink(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 10)


def _replace(path: Path) -> None:
    new = path.with_name(path.name + ".new")
    new.write_bytes(bytes(reversed(path.read_bytes())))
    os.utime(new, ns=(1, path.stat().st_mtime_ns))
    new.replace(path)


def _rewrite(path: Path) -> None:
    before = path.stat()
    path.write_bytes(b"R" * before.st_size)
    os.utime(path, ns=(1, before.st_mtime_ns - 1_000_000_007))


def _becomes_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _becomes_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _becomes_symlink(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hostname")


CHANGES = pytest.mark.parametrize(
    "change", [_grow, _shrink, _replace, _rewrite], ids=lambda deed: deed.__name__.strip("_")
)
ENDS = pytest.mark.parametrize(
    "end",
    [Path.unlink, _becomes_folder, _becomes_fifo, _becomes_symlink],
    ids=lambda deed: deed.__name__.strip("_"),
)
SIZES = pytest.mark.parametrize("size", [100_000, 3 * MIB + 5], ids=["in-bundle", "own-archive"])


class When:
    """A listener that does *deed* to *path* at the first event of that kind, or at each."""

    def __init__(self, kind: type[Event], deed: Deed, path: Path, *, always: bool = False) -> None:
        self.kind, self.deed, self.path, self.always = kind, deed, path, always
        self.told: list[Event] = []

    def __call__(self, event: Event) -> None:
        first = not any(isinstance(each, self.kind) for each in self.told)
        self.told.append(event)
        if isinstance(event, self.kind) and (first or self.always):
            self.deed(self.path)

    @property
    def troubles(self) -> list[tuple[bytes, str]]:
        return [(each.path, each.code) for each in self.told if isinstance(each, Trouble)]


def _root(tmp_path: Path, size: int) -> tuple[Path, Path]:
    """A folder of three files, the middle one of *size* bytes; the folder and that file."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "a").write_bytes(b"before")
    (root / "m").write_bytes(b"%07d," * (size // 8) % tuple(range(size // 8)) + b"x" * (size % 8))
    (root / "z").write_bytes(b"after")
    return root, root / "m"


@SIZES
@CHANGES
def test_a_file_that_changes_once_is_read_again(
    world: World, tmp_path: Path, size: int, change: Deed
) -> None:
    """A change between scan and reading costs a second look; what is archived is what is there then."""
    root, file = _root(tmp_path, size)
    when = When(UploadPlanned, change, file)

    outcome = world.upload(root, tell=when)

    assert (outcome.exit, outcome.files, outcome.problems, when.troubles) == (Exit.DONE, 3, 0, [])
    assert world.retrieve("root/m", to=tmp_path / "back").exit is Exit.DONE
    assert (tmp_path / "back" / "root" / "m").read_bytes() == file.read_bytes()
    assert (tmp_path / "back" / "root" / "m").stat().st_mtime_ns == file.stat().st_mtime_ns


@SIZES
@ENDS
def test_a_file_that_ends_is_reported_and_the_rest_goes_on(
    world: World, tmp_path: Path, size: int, end: Deed
) -> None:
    """What vanished, or is no file any more, is named once with exit 3; the others are archived."""
    root, file = _root(tmp_path, size)
    when = When(UploadPlanned, end, file)

    outcome = world.upload(root, tell=when)

    assert (outcome.exit, outcome.files, outcome.problems) == (Exit.PARTLY, 2, 1)
    assert [path for path, _ in when.troubles] == [b"root/m"]
    assert world.upload(root).exit in (Exit.DONE, Exit.PARTLY)
    assert world.retrieve("root", to=tmp_path / "back").exit is Exit.DONE
    assert (tmp_path / "back/root/a").read_bytes() == b"before"
    assert (tmp_path / "back/root/z").read_bytes() == b"after"


@pytest.mark.parametrize("change", [_grow, _shrink, _rewrite], ids=lambda deed: deed.__name__.strip("_"))
def test_a_file_that_changes_at_every_part_is_given_up(world: World, tmp_path: Path, change: Deed) -> None:
    """A big file that changes twice while it is sent is reported; nothing of it stays, at the service or in records."""
    root, file = _root(tmp_path, 5 * MIB)
    when = When(BytesSent, change, file, always=True)

    outcome = world.upload(root, tell=when, jobs=1)

    assert (outcome.exit, outcome.files, outcome.problems) == (Exit.PARTLY, 2, 1)
    assert when.troubles == [(b"root/m", "changed-while-read")]
    assert list(world.store.list_uploads()) == []
    with world.catalog.read() as records:
        assert records.uploads.outstanding() == []
    assert [each.kind for each in when.told if isinstance(each, ArchiveStored)] == ["bundle"]


def test_a_file_replaced_while_it_is_sent_is_archived_as_it_was_opened(world: World, tmp_path: Path) -> None:
    """Renaming another file over it tears nothing: the old content is whole, and the next run sends the new."""
    root, file = _root(tmp_path, 5 * MIB)
    before = file.read_bytes()

    first = world.upload(root, tell=When(BytesSent, _replace, file), jobs=1)
    assert world.retrieve("root/m", to=tmp_path / "first").exit is Exit.DONE
    second = world.upload(root)
    assert world.retrieve("root/m", to=tmp_path / "second").exit is Exit.DONE

    assert (first.exit, second.exit, second.files) == (Exit.DONE, Exit.DONE, 1)
    assert (tmp_path / "first/root/m").read_bytes() == before
    assert (tmp_path / "second/root/m").read_bytes() == file.read_bytes() != before


def test_what_was_given_up_comes_with_the_next_run(world: World, tmp_path: Path) -> None:
    """Once it keeps still, the next upload sends what the last one could not."""
    root, file = _root(tmp_path, 5 * MIB)
    world.upload(root, tell=When(BytesSent, _grow, file, always=True), jobs=1)

    outcome = world.upload(root)

    assert (outcome.exit, outcome.files, outcome.unchanged) == (Exit.DONE, 1, 2)
    assert world.retrieve("root", to=tmp_path / "back").exit is Exit.DONE
    assert differences(root, tmp_path / "back" / "root") == []


@ENDS
def test_the_last_good_version_of_a_file_that_ends_stays(world: World, tmp_path: Path, end: Deed) -> None:
    """A file that vanishes while its change is sent is not taken for gone by that run: its last version stays."""
    root, file = _root(tmp_path, 1000)
    before = file.read_bytes()
    world.upload(root)
    _rewrite(file)

    outcome = world.upload(root, tell=When(UploadPlanned, end, file))

    assert (outcome.exit, outcome.gone) == (Exit.PARTLY, 0)
    assert world.retrieve("root/m", to=tmp_path / "back").exit is Exit.DONE
    assert (tmp_path / "back/root/m").read_bytes() == before


@CHANGES
def test_a_file_hashed_ahead_is_looked_at_again_too(world: World, tmp_path: Path, change: Deed) -> None:
    """A file read ahead, because one of its size is archived, has its second look as any other."""
    root, file = _root(tmp_path, 3 * MIB)
    world.upload(root)
    (root / "n").write_bytes(file.read_bytes())

    outcome = world.upload(root, tell=When(UploadPlanned, change, root / "n"))

    assert (outcome.exit, outcome.problems) == (Exit.DONE, 0)
    assert world.retrieve("root", to=tmp_path / "back").exit is Exit.DONE
    here, there = facts_of(root), facts_of(tmp_path / "back" / "root")
    assert (here[b"n"], here[b"m"]) == (there[b"n"], there[b"m"])


def test_a_folder_that_vanishes_is_reported(world: World, tmp_path: Path) -> None:
    """A folder removed between scan and reading: each file in it is named, the rest goes on."""
    root, _ = _root(tmp_path, 10)
    (root / "folder").mkdir()
    (root / "folder" / "one").write_bytes(b"1")
    (root / "folder" / "two").write_bytes(b"2")

    def remove(folder: Path) -> None:
        folder.rename(tmp_path / "elsewhere")

    when = When(UploadPlanned, remove, root / "folder")
    outcome = world.upload(root, tell=when)

    assert (outcome.exit, outcome.files) == (Exit.PARTLY, 3)
    assert when.troubles == [(b"root/folder/one", "vanished"), (b"root/folder/two", "vanished")]


def test_the_root_that_vanishes_loses_nothing(world: World, tmp_path: Path) -> None:
    """A root renamed away after the scan is still read: it is held open from the beginning."""
    root, _ = _root(tmp_path, 3 * MIB)

    def move(folder: Path) -> None:
        folder.rename(tmp_path / "moved")

    outcome = world.upload(root, tell=When(UploadPlanned, move, root))

    assert (outcome.exit, outcome.files) == (Exit.DONE, 3)


@SIZES
def test_a_hard_link_whose_twin_failed_brings_the_content_itself(
    world: World, tmp_path: Path, size: int
) -> None:
    """When the first name of a file vanishes, its second name is archived with the bytes."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "first").write_bytes(b"b" * size)
    os.link(root / "first", root / "second")

    outcome = world.upload(root, tell=When(UploadPlanned, Path.unlink, root / "first"))

    assert (outcome.exit, outcome.files) == (Exit.PARTLY, 1)
    assert world.retrieve("root/second", to=tmp_path / "back").exit is Exit.DONE
    assert (tmp_path / "back/root/second").read_bytes() == b"b" * size
