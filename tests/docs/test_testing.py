"""The page on testing with the local Glacier: its programs run as they are printed."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Docs

PAGE = "docs/how-to/test-with-the-local-glacier.md"


def blocks(docs: "Docs") -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", docs.read(PAGE), re.MULTILINE | re.DOTALL)


def run(folder: Path, *words: str) -> str:
    """What the command prints, run in *folder* with the package that is tested."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, *words]
    ran = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_the_program_runs(docs: "Docs", tmp_path: Path) -> None:
    """An archive comes back after five hours of the turned clock."""
    (tmp_path / "program.py").write_text(blocks(docs)[0])
    run(tmp_path, "program.py")


def test_the_fixtures_work(docs: "Docs", tmp_path: Path) -> None:
    """The test file is collected and passes, warnings being errors."""
    (tmp_path / "test_vaults.py").write_text(blocks(docs)[1])
    told = run(
        tmp_path,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-W",
        "error",
        "--rootdir",
        ".",
        "test_vaults.py",
    )
    assert "2 passed" in told


@pytest.mark.parametrize("name", ["url", "environment", "client_settings", "advance", "order_fault"])
def test_what_the_page_names_is_there(name: str) -> None:
    """Nothing is promised that a served Glacier does not have."""
    from glacierkeep.local.testing import Served

    assert hasattr(Served, name)
