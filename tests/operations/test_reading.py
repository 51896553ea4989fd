"""ls, find, show, du, status and jobs: the catalog read, offline."""

from datetime import timedelta
from pathlib import Path

import pytest

from glacierkeep.domain.files import FileKind
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.records import Version
from glacierkeep.domain.service import Tier
from glacierkeep.errors import NoSuchName
from glacierkeep.operations.delete import delete
from glacierkeep.operations.du import Usage, du, du_vaults
from glacierkeep.operations.evidence import Evidence
from glacierkeep.operations.find import Wanted, find
from glacierkeep.operations.jobs import jobs
from glacierkeep.operations.ls import FolderListed, Listed, RootListed, is_folder, ls, shown_name
from glacierkeep.operations.selection import Moment
from glacierkeep.operations.show import ArchiveShown, VersionShown, show
from glacierkeep.operations.status import status
from support.world import HOST, World


def listed(world: World, *names: str, **said: object) -> list[str]:
    return [shown_name(each) for each in rows(world, *names, **said)]


def rows(world: World, *names: str, **said: object) -> list[Listed]:
    return list(ls(names, catalog=world.catalog, host=HOST, **said))  # type: ignore[arg-type]


def found(world: World, **wanted: object) -> set[bytes]:
    return {each.path for each in find(Wanted(**wanted), catalog=world.catalog)}  # type: ignore[arg-type]


def test_ls(world: World, folder: Path) -> None:
    """Nothing named: the roots. A folder: what is directly in it. A file: itself. Recursive: everything."""
    assert rows(world) == []
    world.upload(folder)
    (root,) = rows(world)
    assert isinstance(root, RootListed)
    assert (root.path, root.host, root.files) == (b"photos", HOST, 6)
    assert listed(world, "photos") == [
        "photos/2019/",
        "photos/bigger.raw",
        "photos/empty",
        "photos/hollow/",
        "photos/link",
        "photos/small.txt",
    ]
    assert listed(world, "photos/2019") == ["photos/2019/big.raw", "photos/2019/tiny.txt"]
    assert listed(world, "photos/small.txt") == ["photos/small.txt"]
    assert {"photos/2019/tiny.txt", "photos/empty"} <= set(listed(world, "photos", recursive=True))
    with pytest.raises(NoSuchName):
        listed(world, "photos/nothing")


def test_ls_at_another_time(world: World, folder: Path) -> None:
    """--at lists the folder of that day, --deleted what is gone as well."""
    world.upload(folder)
    then = world.clock.now()
    world.clock.turn(days=1)
    (folder / "small.txt").unlink()
    (folder / "new.txt").write_text("new")
    world.upload(folder)
    assert "photos/small.txt" not in listed(world, "photos")
    assert "photos/small.txt" in listed(world, "photos", moment=Moment(deleted=True))
    day = listed(world, "photos", moment=Moment(at=then))
    assert "photos/small.txt" in day
    assert "photos/new.txt" not in day


def test_names_are_safe_to_print(world: World, tmp_path: Path) -> None:
    """Control characters and stray bytes are escaped."""
    root = tmp_path / "photos"
    root.mkdir()
    (root / "a\x1b[31m\n.txt").write_text("x")
    world.upload(root)
    assert listed(world, "photos") == ["photos/a\\x1b[31m\\n.txt"]


def test_a_folder_without_a_version(world: World, folder: Path) -> None:
    """A folder of which only the name is known is listed by its name."""
    assert is_folder(FolderListed(b"photos/x"))
    assert shown_name(FolderListed(b"photos/x")) == "photos/x/"


def test_find(world: World, folder: Path) -> None:
    """By a part of the name, a glob, the kind, the size, the time, the root."""
    world.upload(folder)
    assert found(world, pattern="TINY") == {b"photos/2019/tiny.txt"}
    assert found(world, pattern="*.raw") == {b"photos/2019/big.raw", b"photos/bigger.raw"}
    assert found(world, kinds=(FileKind.SYMLINK,)) == {b"photos/link"}
    assert found(world, least_size=2 * MIB) == {b"photos/bigger.raw"}
    assert b"photos/empty" in found(world, most_size=0, kinds=(FileKind.FILE,))
    assert found(world, pattern="tiny", label="photos") == {b"photos/2019/tiny.txt"}
    assert found(world, modified_from=world.clock.now(), kinds=(FileKind.FILE,)) == set()
    with pytest.raises(NoSuchName):
        found(world, label="letters")


def test_show_a_file(world: World, folder: Path) -> None:
    """Every version of it, and for each in which archives it lies, how surely."""
    world.upload(folder)
    (folder / "small.txt").write_text("another text")
    world.upload(folder)
    shown = list(show("photos/small.txt", catalog=world.catalog, host=HOST))
    assert len(shown) == 2
    sizes = set()
    for each in shown:
        assert isinstance(each, VersionShown)
        (holding,) = each.holdings
        assert (holding.vault, holding.kind, holding.evidence) == ("local:photos", "bundle", Evidence.LOCAL)
        sizes.add(each.version.size)
    assert sizes == {5, 12}


def test_show_an_archive(world: World, folder: Path) -> None:
    """What of it is still needed: bytes and versions."""
    world.upload(folder)
    big = next(each for each in world.catalog.archive_rows(world.vault.vault_id) if each.size == 3 * MIB)
    (shown,) = show(f"archive:{big.archive_id}", catalog=world.catalog, host=HOST)
    assert isinstance(shown, ArchiveShown)
    assert (shown.live_bytes, shown.live_versions) == (3 * MIB, 1)
    delete(
        ["photos/bigger.raw"], catalog=world.catalog, store_of=world.store_of, clock=world.clock, host=HOST
    )
    (after,) = show(f"archive:{big.archive_id}", catalog=world.catalog, host=HOST)
    assert isinstance(after, ArchiveShown)
    assert (after.live_bytes, after.live_versions, after.evidence) == (0, 0, Evidence.NONE)


def test_du(world: World, folder: Path) -> None:
    """Roots, or what is named, by files and bytes; vaults by archives and what they hold."""
    world.upload(folder)
    total = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file() and not each.is_symlink())
    (root,) = du([], catalog=world.catalog, host=HOST)
    assert root == Usage(b"photos", 6, total)
    assert list(du(["photos/2019", "photos/bigger.raw"], catalog=world.catalog, host=HOST)) == [
        Usage(b"photos/2019", 2, MIB + 8),
        Usage(b"photos/bigger.raw", 1, 3 * MIB),
    ]
    (vault,) = du_vaults(catalog=world.catalog)
    assert (vault.vault, vault.archives, vault.files) == ("local:photos", 3, 6)
    assert vault.stored > vault.size >= total


def test_status_and_jobs(slow_world: World, folder: Path, back: Path) -> None:
    """What waits, what is ready and until when, what is wrong; jobs newest first with what they bring."""
    world = slow_world
    assert status(catalog=world.catalog).vaults[0].archives == 0
    world.upload(folder)
    world.clock.turn(days=2)
    world.retrieve("photos/bigger.raw", to=back, tier=Tier.BULK)
    world.sync()
    (now,) = status(catalog=world.catalog).vaults
    assert (now.archives, now.files, now.jobs_waiting, now.jobs_ready, len(now.retrievals)) == (3, 6, 2, 0, 1)
    inventory, archive = jobs(catalog=world.catalog)
    assert (inventory.action, inventory.size, archive.action, archive.tier) == (
        "inventory",
        None,
        "archive",
        "Bulk",
    )
    assert archive.size == 3 * MIB

    world.clock.turn(hours=9)
    world.poll()
    (later,) = status(catalog=world.catalog).vaults
    assert (later.jobs_waiting, later.jobs_ready, later.retrievals) == (0, 0, ())
    assert later.inventory_date is not None
    done = next(iter(jobs(catalog=world.catalog, limit=5)))
    assert done.progress == "collected"
    assert done.completed_at is not None
    assert done.expires_at == done.completed_at + timedelta(days=1)


def test_nothing_here_asks_the_service(world: World, folder: Path) -> None:
    """All of it works offline: not one request is made."""
    world.upload(folder)
    before = world.service.done.copy()
    listed(world, "photos")
    found(world, pattern="a")
    list(show("photos", catalog=world.catalog, host=HOST))
    list(du([], catalog=world.catalog, host=HOST))
    list(du_vaults(catalog=world.catalog))
    status(catalog=world.catalog)
    list(jobs(catalog=world.catalog))
    assert world.service.done == before
    assert all(isinstance(each, Version) for each in rows(world, "photos/small.txt"))
