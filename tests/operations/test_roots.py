"""Which root a path belongs to, and which label a new one gets."""

from pathlib import Path

import pytest

from glacierkeep.errors import NoSuchFile, UsageError
from glacierkeep.operations.roots import Scope, check_label, choose_scope, settle_root
from support.world import HOST, World


def choose(world: World, path: Path, label: str | None = None) -> Scope:
    return choose_scope(bytes(path), label=label, host=HOST, catalog=world.catalog)


def unclaimed(world: World, label: str) -> int:
    """A root as adoption makes it."""
    with world.catalog.write() as records:
        return records.roots.add(label, "", label.encode()).root_id


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


def test_a_folder_claims_the_root_that_waits_for_it(world: World, photos: Path) -> None:
    """A root that adoption made becomes that of the folder with its label: same root, this host, this path."""
    root_id = unclaimed(world, "photos")
    scope = choose(world, photos)
    assert (scope.label, scope.path) == ("photos", bytes(photos))

    root = settle_root(scope, host=HOST, catalog=world.catalog)

    assert (root.root_id, root.label, root.host, root.path) == (root_id, "photos", HOST, bytes(photos))
    assert choose(world, photos).root == root


def test_choosing_claims_nothing(world: World, photos: Path) -> None:
    """A dry run sees what the root holds, and writes nothing down."""
    root_id = unclaimed(world, "photos")
    scope = choose(world, photos)
    assert scope.root is not None
    assert scope.root.root_id == root_id
    with world.catalog.read() as records:
        assert records.roots.by_id(root_id).host == ""


def test_a_label_claims_by_its_name(world: World, photos: Path) -> None:
    """--label names the root to claim, whatever the folder is called."""
    root_id = unclaimed(world, "holidays")
    root = settle_root(choose(world, photos, "holidays"), host=HOST, catalog=world.catalog)
    assert (root.root_id, root.path) == (root_id, bytes(photos))


def test_a_single_file_claims_its_folders_root(world: World, photos: Path) -> None:
    """A file's parent is the root, and claims like one."""
    root_id = unclaimed(world, "photos")
    (photos / "a.jpg").write_text("a")
    scope = choose(world, photos / "a.jpg")
    assert (scope.start, scope.single) == (b"a.jpg", True)
    assert settle_root(scope, host=HOST, catalog=world.catalog).root_id == root_id


def test_claimed_once(world: World, photos: Path, tmp_path: Path) -> None:
    """The second folder of that name is another root; the first keeps what it claimed."""
    unclaimed(world, "photos")
    other = tmp_path / "other/photos"
    other.mkdir(parents=True)
    first = settle_root(choose(world, photos), host=HOST, catalog=world.catalog)
    second = settle_root(choose(world, other), host=HOST, catalog=world.catalog)
    assert (first.label, second.label) == ("photos", f"photos@{HOST}")


def test_two_that_meant_to_claim_it_at_once(world: World, photos: Path, tmp_path: Path) -> None:
    """Chosen by both before either wrote: the second is told that the label is taken."""
    unclaimed(world, "photos")
    other = tmp_path / "other/photos"
    other.mkdir(parents=True)
    scopes = choose(world, photos), choose(world, other)
    settle_root(scopes[0], host=HOST, catalog=world.catalog)
    with pytest.raises(UsageError, match="taken"):
        settle_root(scopes[1], host=HOST, catalog=world.catalog)


def test_a_known_root_claims_nothing(world: World, photos: Path) -> None:
    """A folder that is a root already stays that root; what waits goes on waiting."""
    settle_root(choose(world, photos, "pictures"), host=HOST, catalog=world.catalog)
    root_id = unclaimed(world, "photos")
    assert settle_root(choose(world, photos), host=HOST, catalog=world.catalog).label == "pictures"
    with world.catalog.read() as records:
        assert records.roots.by_id(root_id).host == ""


def test_a_root_of_another_machine_is_not_claimed(world: World, photos: Path) -> None:
    """Only what no machine has is free."""
    with world.catalog.write() as records:
        records.roots.add("photos", "elsewhere", bytes(photos))
    root = settle_root(choose(world, photos), host=HOST, catalog=world.catalog)
    assert root.label == f"photos@{HOST}"


def test_a_path_inside_a_root_belongs_to_it(world: World, photos: Path) -> None:
    """A subfolder or file of a known root is a part of it, also by way of a symlink."""
    root = settle_root(choose(world, photos), host=HOST, catalog=world.catalog)
    (photos / "2019").mkdir()
    (photos / "2019/a").write_text("a")
    (photos.parent / "shortcut").symlink_to(photos / "2019")
    assert (choose(world, photos / "2019").root, choose(world, photos / "2019").start) == (root, b"2019")
    assert choose(world, photos / "2019/a").start == b"2019/a"
    assert choose(world, photos.parent / "shortcut").start == b"2019"
    with pytest.raises(UsageError, match="belongs to the root"):
        choose(world, photos / "2019", "other")


@pytest.mark.parametrize("label", ["", ".", "..", ".hidden", "a/b", "a\0b", "\x1b[31m", "x" * 256, "a\nb"])
def test_what_cannot_be_a_label(label: str) -> None:
    """A label is the first component of every name as archived: one plain, printable word."""
    with pytest.raises(UsageError):
        check_label(label)


def test_a_path_that_is_not_there(world: World, tmp_path: Path) -> None:
    """Nothing there is an error that names it, not a new root."""
    with pytest.raises(NoSuchFile, match="nowhere"):
        choose(world, tmp_path / "nowhere")
