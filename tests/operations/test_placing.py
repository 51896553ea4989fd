"""Placing what came back: never over a different file unless told, never outside, never unchecked."""

import os
from pathlib import Path

import pytest

from glacierkeep.domain.limits import MIB
from glacierkeep.errors import DiskTrouble, Exit
from glacierkeep.events import FileKept, Trouble
from support.world import World, a_world


def test_what_is_there_and_the_same_is_kept(world: World, folder: Path, back: Path) -> None:
    """A second retrieval into the same folder changes nothing and is exit 0."""
    world.upload(folder)
    world.retrieve("photos", to=back)
    before = (back / "photos/small.txt").stat().st_ino

    again = world.retrieve("photos", to=back)

    assert (again.different, again.failed, again.exit) == (0, 0, Exit.DONE)
    assert (back / "photos/small.txt").stat().st_ino == before


def test_what_is_there_and_differs_is_left_alone(world: World, folder: Path, back: Path) -> None:
    """Content, link or folder of somebody else's under the name: left as it is, told, exit 3; the rest is placed."""
    world.upload(folder)
    back.joinpath("photos").mkdir(parents=True)
    back.joinpath("photos/small.txt").write_text("mine")
    back.joinpath("photos/bigger.raw").symlink_to("nowhere")
    back.joinpath("photos/empty").mkdir()

    outcome = world.retrieve("photos", to=back)

    assert (outcome.different, outcome.exit) == (3, Exit.PARTLY)
    assert back.joinpath("photos/small.txt").read_text() == "mine"
    assert back.joinpath("photos/bigger.raw").is_symlink()
    assert back.joinpath("photos/2019/tiny.txt").read_bytes() == b"t"
    kept = {each.path for each in world.told if isinstance(each, FileKept) and not each.same}
    assert kept == {b"photos/small.txt", b"photos/bigger.raw", b"photos/empty"}


def test_overwrite_replaces_files_and_nothing_else(world: World, folder: Path, back: Path) -> None:
    """--overwrite replaces a different file or link by name; a folder in the way stays."""
    world.upload(folder)
    back.joinpath("photos").mkdir(parents=True)
    back.joinpath("photos/small.txt").write_text("mine")
    back.joinpath("photos/bigger.raw").symlink_to("nowhere")
    back.joinpath("photos/empty").mkdir()
    back.joinpath("photos/empty/precious").write_text("keep me")

    outcome = world.retrieve("photos", to=back, overwrite=True)

    assert outcome.exit is Exit.PARTLY
    assert back.joinpath("photos/small.txt").read_bytes() == b"small"
    assert back.joinpath("photos/bigger.raw").stat().st_size == 3 * MIB
    assert not back.joinpath("photos/bigger.raw").is_symlink()
    assert back.joinpath("photos/empty/precious").read_text() == "keep me"


def test_a_link_on_the_way_is_not_followed(world: World, folder: Path, back: Path, tmp_path: Path) -> None:
    """A symlink where a folder should be does not lead files out of the target, overwritten or not."""
    world.upload(folder)
    outside = tmp_path / "outside"
    outside.mkdir()
    back.joinpath("photos").mkdir(parents=True)
    back.joinpath("photos/2019").symlink_to(outside)

    outcome = world.retrieve("photos/2019", to=back, overwrite=True)

    assert outcome.exit is Exit.PARTLY
    assert list(outside.iterdir()) == []


def test_bytes_that_came_back_wrong_are_not_placed(tmp_path: Path, folder: Path, back: Path) -> None:
    """A damaged archive: exit 7; the damaged file gets no name, the members that are right are placed."""
    with a_world(tmp_path / "w") as world:
        folder.joinpath("small.txt").write_bytes(b"words found nowhere else")
        world.upload(folder)
        flip(tmp_path / "w/local", b"words found nowhere else")
        flip(tmp_path / "w/local", b"b" * 4096)

        outcome = world.retrieve("photos", to=back)

    assert outcome.exit is Exit.MISMATCH
    assert outcome.failed == 2
    assert not back.joinpath("photos/small.txt").exists()
    assert not back.joinpath("photos/2019/big.raw").exists()
    assert back.joinpath("photos/2019/tiny.txt").read_bytes() == b"t"
    assert back.joinpath("photos/bigger.raw").stat().st_size == 3 * MIB
    troubled = {each.path for each in world.told if isinstance(each, Trouble)}
    assert {b"photos/small.txt", b"photos/2019/big.raw"} <= troubled


def flip(folder: Path, content: bytes) -> None:
    """Damage one byte of *content* wherever it lies in stored pieces."""
    for file in folder.rglob("*"):
        if not file.is_file() or file.suffix.startswith(".db"):
            continue
        at = file.read_bytes().find(content)
        if at >= 0 and "sqlite" not in file.name:
            with open(file, "r+b") as opened:
                opened.seek(at)
                opened.write(b"X")


def test_a_target_that_cannot_be_written(world: World, folder: Path, tmp_path: Path) -> None:
    """A file where the target folder should be: an error that names it, before anything is asked for."""
    world.upload(folder)
    tmp_path.joinpath("back").write_text("a file")
    with pytest.raises(DiskTrouble, match="back"):
        world.retrieve("photos/small.txt", to=tmp_path / "back")
    assert world.service.done["InitiateJob"] == 0


def test_times_and_modes_of_folders_come_last(world: World, folder: Path, back: Path) -> None:
    """Folders have the times and modes they had, although files were placed in them."""
    (folder / "2019").chmod(0o750)
    os.utime(folder / "2019", ns=(1_500_000_000_123_456_789, 1_500_000_000_123_456_789))
    world.upload(folder)
    world.retrieve("photos", to=back)
    for name in ("2019", "hollow", "."):
        was, now = (folder / name).stat(), (back / "photos" / name).stat()
        assert (now.st_mtime_ns, now.st_mode) == (was.st_mtime_ns, was.st_mode), name


def test_nothing_of_the_work_stays(world: World, folder: Path, back: Path) -> None:
    """After a retrieval only what was archived lies in the target."""
    world.upload(folder)
    world.retrieve("photos", to=back)
    assert [each.name for each in back.iterdir()] == ["photos"]
    assert {each.relative_to(back / "photos") for each in (back / "photos").rglob("*")} == {
        each.relative_to(folder) for each in folder.rglob("*")
    }


def test_what_is_there_needs_no_job(world: World, folder: Path, back: Path) -> None:
    """What lies in its place already, or must stay there, is not asked for and paid."""
    world.upload(folder)
    world.retrieve("photos/bigger.raw", "photos/2019/big.raw", to=back)
    back.joinpath("photos/bigger.raw").write_bytes(b"mine")
    world.service.done.clear()

    outcome = world.retrieve("photos/bigger.raw", "photos/2019/big.raw", to=back)

    assert (outcome.kept, outcome.different, outcome.failed, outcome.exit) == (1, 1, 0, Exit.PARTLY)
    assert world.service.done["InitiateJob"] == 0
    with world.catalog.read() as records:
        assert records.jobs.open() == []


def test_a_folder_recorded_after_its_content(world: World, folder: Path, back: Path) -> None:
    """A folder whose mode changed has a younger version than what lies in it: it gets mode and time all the same."""
    folder.joinpath("2019/link").symlink_to("tiny.txt")
    world.upload(folder)
    folder.joinpath("2019").chmod(0o751)
    world.upload(folder)

    assert world.retrieve("photos", to=back).exit is Exit.DONE

    placed, wanted = back.joinpath("photos/2019").stat(), folder.joinpath("2019").stat()
    assert (placed.st_mode, placed.st_mtime_ns) == (wanted.st_mode, wanted.st_mtime_ns)
