"""Disks that are full, homes that cannot be written, catalogs and configurations that cannot be used."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.compare import differences, facts_of
from support.process import Ended, run
from support.runner import Gk

VAULT = "local:homes"
MIB = 1 << 20


@dataclass
class SmallDisk:
    """A folder with little room: a file system of its own where one can be mounted, else a limit on file sizes."""

    folder: Path
    mounted: bool
    launch: tuple[str, ...] = ()

    def run(self, *args: str | bytes | Path, home: Path) -> Ended:
        """gk under the limit, if that is how room is limited."""
        return run(*args, launch=self.launch, home=home)

    def grow(self) -> None:
        """From now on there is room."""
        self.launch = ()
        if self.mounted:
            subprocess.run(["mount", "-o", "remount,size=200m", self.folder], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Room for the catalog and little else."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "none", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        yield SmallDisk(folder, mounted=False, launch=("--file-size", str(3 * MIB)))
        return
    try:
        yield SmallDisk(folder, mounted=True)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def _root(tmp_path: Path, *, files: int = 12, size: int = MIB) -> Path:
    """Some files of one size in bytes, none like the other."""
    root = tmp_path / "root"
    root.mkdir()
    for number in range(files):
        (root / f"f{number:02}").write_bytes(os.urandom(size))
    return root


def _said_in_one_sentence(ended: Ended, *words: str) -> None:
    """A person is told, not shown a traceback; no report of a bug is written."""
    assert "Traceback" not in ended.stderr
    assert "report" not in ended.stderr
    assert any(word in ended.stderr.lower() for word in words), ended.stderr


@pytest.mark.parametrize(("files", "size"), [(12, MIB), (1, 17 * MIB)], ids=["staging", "local-vault"])
def test_a_full_disk_under_the_home(small_disk: SmallDisk, tmp_path: Path, files: int, size: int) -> None:
    """An upload that fills the disk of its home says so, exits 1 or 8, and goes on when there is room."""
    root, home = _root(tmp_path, files=files, size=size), small_disk.folder / "gk"

    full = small_disk.run("upload", root, "-V", VAULT, home=home)
    small_disk.grow()
    again = small_disk.run("upload", root, "-V", VAULT, home=home)
    back = small_disk.run("retrieve", "root", "--to", tmp_path / "back", "-V", VAULT, home=home)

    assert full.exit_code in (1, 8), full
    _said_in_one_sentence(full, "full", "no space", "too large")
    assert (again.exit_code, back.exit_code) == (0, 0), (again, back)
    assert differences(root, tmp_path / "back" / "root") == []
    assert list((home / "staging").iterdir()) == []


def test_a_full_disk_under_the_target(small_disk: SmallDisk, gk: Gk, tmp_path: Path) -> None:
    """A retrieval that fills its target's disk leaves no half file under its name, and goes on when there is room."""
    root, target = _root(tmp_path), small_disk.folder / "back"
    assert gk("upload", root, "-V", VAULT).exit_code == 0

    full = small_disk.run("retrieve", "root", "--to", target, home=gk.home)
    placed = {
        path for path, facts in facts_of(target).items() if facts.kind == "file" and b"partial" not in path
    }
    small_disk.grow()
    again = small_disk.run("poll", home=gk.home)

    assert full.exit_code in (1, 3, 8), full
    _said_in_one_sentence(full, "full", "no space", "too large")
    assert placed <= {b"root/" + path for path in facts_of(root)}
    assert again.exit_code == 0, again
    assert differences(root, target / "root") == []


@pytest.fixture
def used(gk: Gk, tmp_path: Path) -> Iterator[Path]:
    """A folder that was archived, and a home that has seen it."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "file").write_bytes(b"content")
    assert gk("upload", root, "-V", VAULT).exit_code == 0
    yield root
    for folder in [gk.home, *gk.home.rglob("*")]:
        if folder.is_dir():
            folder.chmod(0o700)


def _shut(home: Path) -> None:
    for path in [*home.rglob("*"), home]:
        path.chmod(0o500 if path.is_dir() else 0o400)


def test_a_read_only_home(gk: Gk, used: Path) -> None:
    """Where the home cannot be written, an upload says so and sends nothing; what was recorded can still be listed."""
    (used / "new").write_bytes(b"new")
    _shut(gk.home)

    sent = run("upload", used, launch=("--weak",))
    listed = run("ls", "-r", "root", "--json", launch=("--weak",))

    assert sent.exit_code == 1, sent
    _said_in_one_sentence(sent, "read-only", "access denied")
    assert listed.exit_code == 0, listed
    assert [said["path"] for said in listed.objects] == ["root", "root/file"]


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    """A home below a folder that cannot be written is one sentence, exit 1."""
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o500)
    (tmp_path / "file").write_bytes(b"f")

    ended = run("upload", tmp_path / "file", "-V", VAULT, launch=("--weak",), home=shut / "gk")

    assert ended.exit_code == 1, ended
    _said_in_one_sentence(ended, "access denied")


def _truncate(catalog: Path) -> None:
    os.truncate(catalog, 5000)


def _garble(catalog: Path) -> None:
    with catalog.open("r+b") as file:
        file.seek(100)
        file.write(b"\xaa" * (catalog.stat().st_size - 100))


def _empty(catalog: Path) -> None:
    catalog.write_bytes(b"")


def _text(catalog: Path) -> None:
    catalog.write_text("this is not a database\n" * 100)


def _folder(catalog: Path) -> None:
    catalog.unlink()
    catalog.mkdir()


def _foreign(catalog: Path) -> None:
    catalog.unlink()
    with sqlite3.connect(catalog) as made:
        made.execute("CREATE TABLE bookmarks (url TEXT)")
        made.execute("INSERT INTO bookmarks VALUES ('http://example.org')")
    made.close()


def _foreign_alembic(catalog: Path) -> None:
    catalog.unlink()
    with sqlite3.connect(catalog) as made:
        made.execute("CREATE TABLE alembic_version (version_num TEXT)")
        made.execute("INSERT INTO alembic_version VALUES ('0001')")
    made.close()


@pytest.mark.parametrize(
    "spoil",
    [_truncate, _garble, _empty, _text, _folder, _foreign, _foreign_alembic],
    ids=lambda spoil: spoil.__name__.strip("_"),
)
def test_a_catalog_that_is_none(gk: Gk, used: Path, spoil: Callable[[Path], None]) -> None:
    """A damaged or foreign catalog file is refused in one sentence, and left exactly as it is."""
    catalog = gk.home / "catalog.db"
    spoil(catalog)
    before = _bytes(catalog)

    results = [gk("upload", used), gk("ls"), gk("poll"), gk("retrieve", "root", "--to", used.parent / "back")]

    for result in results:
        assert result.exit_code == 1, result
        assert "catalog" in result.stderr
        assert "Traceback" not in result.stderr
    assert _bytes(catalog) == before
    assert not (gk.home / "log").exists()


def _bytes(catalog: Path) -> bytes:
    return catalog.read_bytes() if catalog.is_file() else b"a folder"


def test_a_catalog_of_a_later_gk(gk: Gk, used: Path) -> None:
    """A catalog with a schema this gk does not know is exit 12, and left as it is."""
    with sqlite3.connect(gk.home / "catalog.db") as opened:
        opened.execute("UPDATE alembic_version SET version_num = '9999'")
    opened.close()

    assert [gk("upload", used).exit_code, gk("ls").exit_code] == [12, 12]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('default_vault = "x"\n\nbundle_treshold = 5\n', 3),
        ('[vault.x]\nurl = "local:x"\ncolour = "red"\n', 3),
        ("[budgets]\nmonth = 5\n", 1),
        ('default_vault = "x\n', 1),
    ],
)
def test_a_config_with_an_unknown_key(gk: Gk, tmp_path: Path, text: str, line: int) -> None:
    """What is not known in the configuration is an error that names its line; nothing is done."""
    gk.home.mkdir()
    (gk.home / "config.toml").write_text(text)
    (tmp_path / "file").write_bytes(b"f")

    result = gk("upload", tmp_path / "file", "-V", VAULT)

    assert result.exit_code == 10
    assert f"line {line}" in result.stderr
    assert not (gk.home / "catalog.db").exists()
