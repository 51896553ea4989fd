"""What the catalog holds to: roots that look empty, content that several names share, two vaults of one folder."""

import shutil
from pathlib import Path

import pytest

from support.compare import differences
from support.process import run
from support.runner import Gk

VAULT = "local:states"


@pytest.fixture
def root(tmp_path: Path, gk: Gk) -> Path:
    """Four files and a folder, archived."""
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    for name in ("one", "two", "three", "folder/four"):
        (root / name).write_bytes(name.encode())
    assert gk("upload", root, "-V", VAULT).exit_code == 0
    return root


def _names(gk: Gk, *options: str) -> list[str]:
    return [said["path"] for said in gk("ls", "-r", "root", "--json", *options).objects]


def _clear(root: Path) -> None:
    """As when a disk is not mounted: the mount point is there, and empty."""
    shutil.rmtree(root)
    root.mkdir()


def test_an_unmounted_root_loses_nothing(root: Path, gk: Gk) -> None:
    """A root found empty is exit 5 and a note; nothing is recorded as gone."""
    before = _names(gk)
    _clear(root)

    result = gk("upload", root, "--json")

    outcome = result.the("upload-outcome")
    assert result.exit_code == 5
    assert (outcome["looks_empty"], outcome["gone"]) == (True, 0)
    assert _names(gk) == before


def test_a_root_that_is_not_there_loses_nothing(root: Path, gk: Gk) -> None:
    """A known root whose folder itself is missing is exit 5 too: mount points often vanish with their disk."""
    before = _names(gk)
    shutil.rmtree(root)

    result = gk("upload", root)

    assert result.exit_code == 5, result
    assert "is its disk mounted?" in result.stderr
    assert _names(gk) == before


def test_a_symlink_to_a_root_that_is_not_there_loses_nothing(root: Path, gk: Gk, tmp_path: Path) -> None:
    """A root given by a symlink that leads nowhere now is exit 5; the symlink is not archived in its place."""
    (tmp_path / "link").symlink_to(root)
    assert gk("upload", tmp_path / "link").exit_code == 0
    shutil.rmtree(root)

    assert gk("upload", tmp_path / "link").exit_code == 5
    assert len(gk("ls", "--json").objects) == 1


def test_an_empty_root_is_recorded_if_meant(root: Path, gk: Gk) -> None:
    """With --yes an emptied root is recorded: nothing is listed any more, all is listed with --deleted."""
    before = _names(gk)
    _clear(root)

    result = gk("upload", root, "--yes", "--json")

    assert result.exit_code == 0
    assert result.the("upload-outcome")["gone"] == 4
    assert [name for name in _names(gk) if name != "root"] == []
    assert set(before) <= set(_names(gk, "--deleted"))


def test_a_root_that_comes_back_is_as_before(root: Path, gk: Gk, tmp_path: Path) -> None:
    """When the disk is mounted again, nothing was lost and nothing is sent."""
    shutil.copytree(root, tmp_path / "kept", copy_function=shutil.copy2)
    _clear(root)
    assert gk("upload", root).exit_code == 5
    root.rmdir()
    (tmp_path / "kept").rename(root)

    again = gk("upload", root, "--json").the("upload-outcome")

    assert (again["exit"], again["archives"], again["gone"]) == (0, 0, 0)


def test_half_of_a_root_may_go(root: Path, gk: Gk) -> None:
    """Half of the files gone is believed; more is not."""
    (root / "one").unlink()
    (root / "two").unlink()
    assert gk("upload", root, "--json").the("upload-outcome")["gone"] == 2

    (root / "three").unlink()
    shutil.rmtree(root / "folder")
    assert gk("upload", root).exit_code == 5


@pytest.mark.parametrize("size", [1000, 17 << 20], ids=["in-bundle", "own-archive"])
def test_content_that_another_name_shares_outlives_a_deletion(gk: Gk, tmp_path: Path, size: int) -> None:
    """Deleting one of two files with the same bytes keeps the archive; deleting the second lets it go."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "a").write_bytes(b"s" * size)
    assert gk("upload", root, "-V", VAULT).exit_code == 0
    (root / "b").write_bytes(b"s" * size)
    assert gk("upload", root, "--json").the("upload-outcome")["same_content"] == 1

    first = gk("delete", "root/a", "--yes", "--json").the("deletion")
    back = gk("retrieve", "root/b", "--to", tmp_path / "back")
    second = gk("delete", "root/b", "--yes", "--json").the("deletion")

    assert (first["files"], first["archives"]) == (1, 0)
    assert back.exit_code == 0
    assert (tmp_path / "back/root/b").read_bytes() == b"s" * size
    assert (second["files"], second["archives"] > 0) == (1, size > 1 << 20)
    assert gk("retrieve", "root/b", "--to", tmp_path / "none").exit_code == 1


def test_a_hard_link_outlives_the_deletion_of_its_twin(gk: Gk, tmp_path: Path) -> None:
    """A file's second name can be retrieved after its first was deleted."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "a").write_bytes(b"linked")
    (root / "b").hardlink_to(root / "a")
    assert gk("upload", root, "-V", VAULT).exit_code == 0

    assert gk("delete", "root/a", "--yes").exit_code == 0
    assert gk("retrieve", "root/b", "--to", tmp_path / "back").exit_code == 0

    assert (tmp_path / "back/root/b").read_bytes() == b"linked"


def test_the_same_folder_in_a_second_vault(root: Path, gk: Gk, tmp_path: Path) -> None:
    """A second vault gets everything again, and gives it back alone; afterwards neither needs anything."""
    second = gk("upload", root, "-V", "local:second", "--json").the("upload-outcome")
    again = [
        gk("upload", root, "-V", vault, "--json").the("upload-outcome") for vault in (VAULT, "local:second")
    ]
    for vault in (VAULT, "local:second"):
        place = tmp_path / vault.replace(":", "-")
        assert gk("retrieve", "root", "-V", vault, "--to", place).exit_code == 0
        assert differences(root, place / "root") == []

    assert (second["files"], second["archives"]) == (4, 1)
    assert [each["archives"] for each in again] == [0, 0]
    [shown] = [said for said in gk("show", "root/one", "--json").objects if said["type"] == "version-shown"]
    assert {each["vault"] for each in shown["holdings"]} == {VAULT, "local:second"}


def test_a_path_that_is_not_there_does_not_stop_the_others(gk: Gk, tmp_path: Path) -> None:
    """Of several paths, one that is missing is reported; the others are uploaded all the same."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_bytes(b"f")

    result = gk("upload", tmp_path / "missing", tmp_path / "there", "-V", VAULT)

    assert result.exit_code == 3
    assert "missing" in result.stderr
    assert "there/file" in gk("ls", "-r", "there").stdout


def test_a_member_that_keeps_growing_is_reported(gk: Gk, tmp_path: Path) -> None:
    """A small file that has grown each time it is read is left out with exit 3; the others are archived."""
    root = tmp_path / "root"
    root.mkdir()
    for name in ("before", "log.txt", "then"):
        (root / name).write_bytes(name.encode())

    ended = run("upload", root, "-V", VAULT, "--json", launch=("--grow", str(root / "log.txt")))

    assert ended.exit_code == 3
    [trouble] = [said for said in ended.objects if said["type"] == "trouble"]
    assert (trouble["path"], trouble["code"]) == ("root/log.txt", "changed-while-read")
    assert (root / "log.txt").read_bytes() == b"log.txt++"
    assert [name for name in _names(gk) if name != "root"] == ["root/before", "root/then"]
