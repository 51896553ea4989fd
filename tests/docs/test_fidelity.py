"""The table that says how faithful the local Glacier is: each row has its source, its state and a test that exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "local-glacier.md"
STATES = ("there", "differs", "realistic mode only", "refused")


def rows() -> list[list[str]]:
    """The cells of every row of a table with the four columns."""
    lines = PAGE.read_text("utf-8").splitlines()
    cut = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| ")]
    return [cells for cells in cut if len(cells) == 4 and cells[3] not in ("test", "---")]


def defined(file: Path) -> set[str]:
    """The tests of a file."""
    tree = ast.parse(file.read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_the_table_is_read() -> None:
    """There are well over a hundred behaviours."""
    assert len(rows()) > 100


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:40])
def test_a_row_can_be_believed(row: list[str]) -> None:
    """It names its source unless it differs on purpose, one of the states, and tests that are there."""
    _, source, state, tests = row
    assert source or state.startswith("differs")
    assert state.startswith(STATES)
    if tests == "the same":
        return
    file: Path | None = None
    for named in re.findall(r"`([^`]+)`", tests):
        path, _, test = named.partition("::")
        if path:
            file = ROOT / path if path.startswith("tests/") else ROOT / "tests" / "local" / path
        assert file is not None
        assert file.exists(), named
        assert not test or test in defined(file), named
    assert file is not None
