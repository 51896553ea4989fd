"""Files and folders of every size and kind, archived and brought back by the real command."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from glacierkeep.domain.limits import MIB
from support.compare import differences
from support.oddities import make_long_path, make_odd_files, make_odd_names, make_specials
from support.process import run
from support.runner import Gk

VAULT = "local:files"
PART = 2 * MIB
THRESHOLD = 4 * MIB
SIZES = sorted({0, 1, *(at + by for at in (MIB, PART, THRESHOLD, 2 * THRESHOLD) for by in (-1, 0, 1))})
CONFIG = f"""
default_vault = "files"
[vault.files]
url = "{VAULT}"
part_size = {PART}
bundle_threshold = {THRESHOLD}
"""


@pytest.fixture
def small(gk: Gk) -> Gk:
    """gk with small parts and a small bundle threshold."""
    gk.home.mkdir(exist_ok=True)
    (gk.home / "config.toml").write_text(CONFIG)
    return gk


def _pattern(size: int) -> bytes:
    """*size* bytes in which no two MiB are alike."""
    return b"".join(b"%015d\n" % at for at in range(size // 16 + 1))[:size]


def test_files_of_every_edge_size_come_back(small: Gk, tmp_path: Path) -> None:
    """Empty, one byte, exactly a MiB, a part and the bundle threshold, and one byte around each, survive."""
    root = tmp_path / "sizes"
    root.mkdir()
    for size in SIZES:
        (root / f"{size:09}").write_bytes(_pattern(size))

    sent = small("upload", "--compression", "off", root, "--json")
    result = small("retrieve", "sizes", "--to", tmp_path / "back")

    assert (sent.exit_code, result.exit_code) == (0, 0)
    stored = [said for said in sent.objects if said["type"] == "archive-stored" and said["kind"] == "file"]
    assert sorted(said["size"] for said in stored) == [size for size in SIZES if size >= THRESHOLD]
    assert differences(root, tmp_path / "back" / "sizes") == []


@pytest.mark.parametrize("size", [0, 1, THRESHOLD])
def test_one_file_alone_comes_back(small: Gk, tmp_path: Path, size: int) -> None:
    """A single file given to upload comes back whatever its size."""
    (tmp_path / "one").mkdir()
    file = tmp_path / "one" / "file"
    file.write_bytes(_pattern(size))

    assert small("upload", file).exit_code == 0
    assert small("retrieve", "one/file", "--to", tmp_path / "back").exit_code == 0

    assert (tmp_path / "back" / "one" / "file").read_bytes() == file.read_bytes()
    assert (tmp_path / "back" / "one" / "file").stat().st_mtime_ns == file.stat().st_mtime_ns


def test_odd_files_and_folders_come_back(gk: Gk, tmp_path: Path) -> None:
    """Sparse files, odd times and modes, dangling and looping symlinks, hard links and empty folders survive."""
    root = tmp_path / "odd"
    make_odd_files(root)

    sent = gk("upload", root, "-V", VAULT)
    result = gk("retrieve", "odd", "--to", tmp_path / "back")

    assert (sent.exit_code, sent.stderr.count("\n"), result.exit_code) == (0, 2, 0)
    assert differences(root, tmp_path / "back" / "odd") == []


def test_a_second_upload_of_odd_files_sends_nothing(gk: Gk, tmp_path: Path) -> None:
    """Links, odd times and empty folders are not taken for changes."""
    root = tmp_path / "odd"
    make_odd_files(root)
    assert gk("upload", root, "-V", VAULT).exit_code == 0

    again = gk("upload", root, "--json").the("upload-outcome")

    assert (again["archives"], again["new"], again["changed"], again["gone"]) == (0, 0, 0, 0)


def test_hard_links_into_and_out_of_the_wish(gk: Gk, tmp_path: Path) -> None:
    """A hard link is one with its first name where both are asked back; asked back alone it has its content."""
    root = tmp_path / "odd"
    make_odd_files(root)
    assert gk("upload", root, "-V", VAULT).exit_code == 0

    assert gk("retrieve", "odd/another name", "odd/deeper", "--to", tmp_path / "one").exit_code == 0
    assert gk("retrieve", "odd/deeper/third name", "--to", tmp_path / "two").exit_code == 0

    assert (tmp_path / "one/odd/another name").samefile(tmp_path / "one/odd/deeper/third name")
    assert (tmp_path / "two/odd/deeper/third name").read_bytes() == b"one file"


def test_specials_are_noted_and_skipped(gk: Gk, tmp_path: Path) -> None:
    """A FIFO, a socket or a device is named in a note, if asked for, does not stop anything, and is no failure."""
    root = tmp_path / "special"
    root.mkdir()
    (root / "file").write_bytes(b"f")
    names = make_specials(root)

    result = gk("upload", root, "-v", "-V", VAULT)

    assert result.exit_code == 0
    assert [name for name in names if f"special/{name}: " in result.stderr] == names
    assert [said["path"] for said in gk("ls", "special", "--json").objects] == ["special/file"]


def test_a_special_file_given_by_name_is_refused(gk: Gk, tmp_path: Path) -> None:
    """`gk upload FIFO` is wrong usage; it must not wait for a writer."""
    [fifo, *_] = make_specials(tmp_path)

    result = gk("upload", tmp_path / fifo, "-V", VAULT)

    assert result.exit_code == 2
    assert "neither a file, a folder nor a symlink" in result.stderr


def test_what_cannot_be_read_is_reported_and_the_rest_goes_on(gk: Gk, tmp_path: Path) -> None:
    """Unreadable files and folders are named, exit 3; all else is archived, and nothing below counts as gone."""
    root = tmp_path / "shut"
    (root / "folder").mkdir(parents=True)
    (root / "listed only").mkdir()
    for name in ("folder/inside", "listed only/inside", "open", "shut"):
        (root / name).write_bytes(name.encode())
    assert run("upload", root, "-V", VAULT).exit_code == 0
    (root / "folder").chmod(0)
    (root / "listed only").chmod(0o400)
    (root / "shut").write_bytes(b"changed, and unreadable")
    (root / "shut").chmod(0)
    (root / "open").write_bytes(b"changed")

    result = run("upload", root, "--json", launch=("--weak",))

    for name in ("folder", "listed only"):
        (root / name).chmod(0o755)
    outcome = result.the("upload-outcome")
    assert result.exit_code == 3, result.stdout
    troubled = {said["path"]: said["code"] for said in result.objects if said["type"] == "trouble"}
    assert troubled == dict.fromkeys(("shut/folder", "shut/listed only/inside", "shut/shut"), "unreadable")
    assert (outcome["files"], outcome["gone"], outcome["problems"]) == (1, 0, 3)
    assert len(gk("ls", "-r", "shut", "--json").objects) == 7


def test_an_unreadable_root_is_refused(tmp_path: Path) -> None:
    """A root that cannot be opened is an error in one sentence, and changes nothing."""
    root = tmp_path / "shut"
    root.mkdir()
    (root / "file").write_bytes(b"f")
    root.chmod(0)

    result = run("upload", root, "-V", VAULT, launch=("--weak",))

    root.chmod(0o755)
    assert result.exit_code == 3
    assert "Permission denied" in result.stderr
    assert "Traceback" not in result.stderr


def test_standard_tools_agree(gk: Gk, tmp_path: Path) -> None:
    """`diff -r` finds no difference after a retrieval, and `tar` packs both folders to the same bytes."""
    root = tmp_path / "odd"
    make_odd_files(root)
    make_odd_names(root)
    back = tmp_path / "back"

    assert gk("upload", root, "-V", VAULT).exit_code == 0
    assert gk("retrieve", "odd", "--to", back).exit_code == 0

    said = subprocess.run(
        ["diff", "-r", "--no-dereference", root, back / "odd"], capture_output=True, check=False
    )
    assert (said.returncode, said.stdout) == (0, b"")
    assert _packed(tmp_path, "odd") == _packed(back, "odd")


def _packed(folder: Path, name: str) -> bytes:
    """What tar lists of *name* in *folder*: modes, owners, sizes, times, names and links, sorted."""
    packed = subprocess.run(["tar", "-C", folder, "-cf", "-", name], capture_output=True, check=True)
    listed = subprocess.run(["tar", "-tvf", "-"], input=packed.stdout, capture_output=True, check=True)
    return b"\n".join(sorted(listed.stdout.splitlines()))


def test_a_long_path_in_a_deep_target(gk: Gk, tmp_path: Path) -> None:
    """A path longer than the system takes at once is placed below a target whose own path is long too."""
    root, target = tmp_path / "deep", tmp_path / ("t" * 200) / ("u" * 200)
    root.mkdir()
    make_long_path(root)

    assert gk("upload", root, "-V", VAULT).exit_code == 0
    assert gk("retrieve", "deep", "--to", target).exit_code == 0

    assert differences(root, target / "deep") == []


def test_nothing_set_uid_comes_back(gk: Gk, tmp_path: Path) -> None:
    """Set-uid, set-gid and sticky bits are not given back; the other permissions are."""
    root = tmp_path / "bits"
    root.mkdir()
    (root / "program").write_bytes(b"#!")
    (root / "program").chmod(0o4755)

    assert gk("upload", root, "-V", VAULT).exit_code == 0
    assert gk("retrieve", "bits", "--to", tmp_path / "back").exit_code == 0

    assert stat.S_IMODE(os.stat(tmp_path / "back/bits/program").st_mode) == 0o755
