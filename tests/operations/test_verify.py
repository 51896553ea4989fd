"""gk verify: the disk against the catalog, by content."""

import os
from pathlib import Path

import pytest

from glacierkeep.errors import Exit, NoSuchName
from glacierkeep.events import FindingMade
from glacierkeep.operations.verify import Verification, verify
from support.world import HOST, World


def check(world: World, *paths: Path) -> Verification:
    world.told.clear()
    given = [bytes(each) for each in paths]
    return verify(given, catalog=world.catalog, host=HOST, tell=world.told.append)


def told(world: World) -> dict[str, str]:
    return {each.name: each.kind for each in world.told if isinstance(each, FindingMade)}


def test_all_is_well(world: World, folder: Path) -> None:
    """Every file is read and agrees: exit 0, nothing told, and the service is not asked."""
    world.upload(folder)
    before = world.service.done.copy()
    found = check(world)
    assert (found.checked, found.exit, told(world)) == (6, Exit.DONE, {})
    assert found.size == sum(each.stat().st_size for each in folder.rglob("*.*") if each.is_file())
    assert world.service.done == before


def test_rot_is_found(world: World, folder: Path) -> None:
    """The size and time that were archived, and other content: damaged, exit 7."""
    world.upload(folder)
    was = (folder / "bigger.raw").stat()
    with open(folder / "bigger.raw", "r+b") as opened:
        opened.seek(2_000_000)
        opened.write(b"?")
    os.utime(folder / "bigger.raw", ns=(was.st_atime_ns, was.st_mtime_ns))
    found = check(world)
    assert (found.damaged, found.exit) == (1, Exit.MISMATCH)
    assert told(world) == {"photos/bigger.raw": "damaged"}


def test_changed_and_missing(world: World, folder: Path) -> None:
    """What was edited, relinked or removed since is told apart from damage: exit 5."""
    world.upload(folder)
    (folder / "small.txt").write_text("edited")
    (folder / "link").unlink()
    (folder / "link").symlink_to("elsewhere")
    (folder / "2019/tiny.txt").unlink()
    found = check(world)
    assert (found.changed, found.missing, found.damaged, found.exit) == (2, 1, 0, Exit.FINDINGS)
    assert told(world) == {
        "photos/small.txt": "changed",
        "photos/link": "changed",
        "photos/2019/tiny.txt": "missing",
    }


def test_a_file_where_a_folder_was(world: World, folder: Path) -> None:
    """Kinds that changed are findings too, never a crash."""
    world.upload(folder)
    for each in (folder / "2019").iterdir():
        each.unlink()
    (folder / "2019").rmdir()
    (folder / "2019").write_text("a file now")
    (folder / "small.txt").unlink()
    (folder / "small.txt").mkdir()
    found = check(world)
    assert found.damaged == 0
    assert found.exit in (Exit.FINDINGS, Exit.PARTLY)
    assert set(told(world)) == {"photos/small.txt", "photos/2019/tiny.txt", "photos/2019/big.raw"}


def test_only_what_is_named(world: World, folder: Path) -> None:
    """PATH limits it to a folder or a file; one in no root is not known."""
    world.upload(folder)
    (folder / "small.txt").write_text("edited")
    assert check(world, folder / "2019").checked == 2
    assert check(world, folder / "small.txt").changed == 1
    with pytest.raises(NoSuchName):
        check(world, folder.parent)


def test_a_disk_that_is_not_mounted(world: World, folder: Path) -> None:
    """A root that is not there is one finding, not one for each of its files."""
    world.upload(folder)
    folder.rename(folder.with_name("moved"))
    found = check(world)
    assert (found.missing, found.checked, found.exit) == (1, 0, Exit.FINDINGS)
    assert told(world) == {"photos": "missing"}


def test_other_machines_roots_are_not_looked_for(world: World, folder: Path) -> None:
    """Without PATH only roots of this machine are verified; standard input is no path."""
    world.upload(folder)
    with world.catalog.write() as records:
        records.roots.add("theirs", "elsewhere", b"/nowhere")
        records.roots.add("stdin", HOST, b"-")
    assert check(world).exit is Exit.DONE


def test_it_can_be_stopped(world: World, folder: Path) -> None:
    """Asked to stop, it says what it found so far."""
    world.upload(folder)
    found = verify([], catalog=world.catalog, host=HOST, stop=lambda: True)
    assert found.checked == 0
