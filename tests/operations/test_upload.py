"""gk upload, as an operation."""

import os
from pathlib import Path

import pytest

from glacierkeep.bundle.rules import Rules
from glacierkeep.domain.limits import MIB
from glacierkeep.errors import Exit, Stopped
from glacierkeep.operations.scan import Looking
from glacierkeep.operations.verify import verify
from support.world import HOST, World


def test_what_was_sent_is_not_sent_again(world: World, tmp_path: Path) -> None:
    """A second upload of an unchanged folder sends nothing."""
    root = tmp_path / "photos"
    root.mkdir()
    (root / "a.jpg").write_bytes(b"a" * 100)
    (root / "big.raw").write_bytes(b"b" * (3 << 20))

    first, second = world.upload(root), world.upload(root)

    assert (first.archives, first.files) == (2, 2)
    assert (second.archives, second.files, second.unchanged) == (0, 0, 2)


def test_a_missing_disk_is_refused_however_often_it_is_tried(world: World, tmp_path: Path) -> None:
    """Another disk's files at the root's place make nothing gone, the second time either, until someone says so."""
    root = _pictures(tmp_path, "old", 10)
    world.upload(root)
    for picture in root.iterdir():
        picture.unlink()
    _pictures(tmp_path, "other", 15)

    world.clock.turn(days=1)
    first = world.upload(root)
    world.clock.turn(days=1)
    second = world.upload(root)
    meant = world.upload(root, accept_losses=True)

    assert [(each.looks_empty, each.gone, each.exit) for each in (first, second)] == [
        (True, 0, Exit.FINDINGS),
        (True, 0, Exit.FINDINGS),
    ]
    assert (meant.gone, meant.exit) == (10, Exit.DONE)


def test_moved_files_are_not_missing(world: World, tmp_path: Path) -> None:
    """A folder that was renamed on disk is no missing disk: its content is there under other names."""
    root = _pictures(tmp_path, "old", 10)
    world.upload(root)
    for picture in list(root.iterdir()):
        picture.rename(root / f"renamed-{picture.name}")

    outcome = world.upload(root)

    assert (outcome.looks_empty, outcome.gone, outcome.same_content, outcome.archives) == (False, 10, 10, 0)


def test_what_gk_writes_to_while_it_reads_is_left_out(world: World, tmp_path: Path) -> None:
    """Files and folders of gk's own are not archived, and count as there."""
    root = _pictures(tmp_path, "p", 2)
    (root / "own").mkdir()
    (root / "own" / "state").write_bytes(b"state")
    own = frozenset((each.stat().st_dev, each.stat().st_ino) for each in (root / "own", root / "p-1.jpg"))

    outcome = world.upload(root, looking=Looking(Rules(), own=own))

    assert (outcome.files, outcome.problems) == (1, 0)


def _pictures(folder: Path, name: str, count: int) -> Path:
    root = folder / "pictures"
    root.mkdir(exist_ok=True)
    for number in range(count):
        (root / f"{name}-{number}.jpg").write_bytes(f"{name} {number}".encode() * 100)
    return root


@pytest.mark.parametrize("year", [1601, 1969, 1970, 2300])
def test_old_and_far_times_are_no_change(world: World, tmp_path: Path, year: int) -> None:
    """A time that no 64-bit count of nanoseconds holds does not make a file look changed for ever."""
    root = _pictures(tmp_path, "p", 2)
    seconds = (year - 1970) * 31_556_952
    for path in (*root.iterdir(), root):
        os.utime(path, (seconds, seconds))
    world.upload(root)

    again = world.upload(root)

    assert (again.archives, again.changed, again.unchanged) == (0, 0, 2)
    assert verify([bytes(root)], catalog=world.catalog, host=HOST).exit is Exit.DONE


def test_content_behind_a_hard_link_is_looked_at_with_its_file(world: World, tmp_path: Path) -> None:
    """With --checksum, other content at the old time is found, and every name of the file gets it."""
    root = _pictures(tmp_path, "p", 1)
    picture = root / "p-0.jpg"
    os.link(picture, root / "z-link.jpg")
    os.utime(picture, (1, 1))
    world.upload(root)
    picture.write_bytes(bytes(reversed(picture.read_bytes())))
    os.utime(picture, (1, 1))
    looking = Looking(Rules(), checksum=True)

    changed, again = world.upload(root, looking=looking), world.upload(root, looking=looking)
    world.retrieve("pictures", to=tmp_path / "back")

    assert (changed.archives, again.archives) == (1, 0)
    assert (tmp_path / "back/pictures/z-link.jpg").read_bytes() == picture.read_bytes()
    assert (tmp_path / "back/pictures/p-0.jpg").samefile(tmp_path / "back/pictures/z-link.jpg")


def test_a_wish_to_stop_is_heard_while_files_are_compared(world: World, tmp_path: Path) -> None:
    """Reading files to see whether their content is known ends soon after somebody wants it to."""
    root = _pictures(tmp_path, "p", 1)
    (root / "big").write_bytes(b"b" * (8 * MIB))
    world.upload(root)
    (root / "same-size").write_bytes(b"c" * (8 * MIB))
    asked = iter(range(100))

    with pytest.raises(Stopped):
        world.upload(root, stop=lambda: next(asked) > 6)

    assert next(asked) < 20
