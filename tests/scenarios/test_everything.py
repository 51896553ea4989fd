"""The main job: a real folder, a big file and every oddity, there and back again."""

import os
import shutil
from pathlib import Path

from support.compare import differences, facts_of
from support.oddities import make_long_path, make_odd_files, make_odd_names
from support.process import measure
from support.runner import Gk

VAULT = "local:everything"
MIB = 1 << 20
LEFT_OUT = ("__pycache__", "site-packages", "dist-packages", "test", "idlelib", "lib2to3", "config-*")
"""What the standard library's folder has that would only cost time."""


def _make_root(root: Path) -> None:
    library = Path(os.__file__).parent
    shutil.copytree(library, root / "python", symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
    make_odd_files(root / "files")
    make_odd_names(root / "names")
    make_long_path(root / "names")
    with (root / "random").open("wb") as file:
        for _ in range(300):
            file.write(os.urandom(MIB))


def test_there_and_back_again(gk: Gk, tmp_path: Path) -> None:
    """Everything comes back without a difference; a second upload sends nothing; one change is one small archive."""
    root, back = tmp_path / "all", tmp_path / "back"
    root.mkdir()
    _make_root(root)
    files = sum(facts.kind != "folder" for facts in facts_of(root).values())

    first = measure("upload", root, "-V", VAULT, "--json", notes=tmp_path)
    second = gk("upload", root, "--json")
    got = measure("retrieve", "all", "--to", back, notes=tmp_path)

    assert (first.exit_code, second.exit_code, got.exit_code) == (0, 0, 0)
    assert first.the("upload-outcome")["files"] == files > 500
    assert second.the("upload-outcome")["unchanged"] == files
    assert (second.the("upload-outcome")["archives"], second.the("upload-outcome")["requests"]) == (0, 0)
    assert differences(root, back / "all") == []
    assert max(first.peak, got.peak) < 160 * MIB

    (root / "python" / "os.py").write_text("# changed\n")
    third = gk("upload", root, "--json").the("upload-outcome")

    assert (third["changed"], third["new"], third["archives"]) == (1, 0, 1)
    assert third["sent"] < 64 * 1024
