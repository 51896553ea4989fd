import os

import pytest

from glacierkeep.cli.render.tables import PAGE, Column, print_table
from glacierkeep.cli.render.words import safe

COLUMNS = [
    Column[tuple[str, int]]("NAME", lambda row: row[0]),
    Column("SIZE", lambda row: str(row[1]), right=True),
]


def test_plain_tables_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    """Away from a terminal: a heading, columns in line, no colour."""
    print_table([("a", 1), ("long", 1000)], COLUMNS, terminal=False, color=False)
    assert capsys.readouterr().out == "NAME  SIZE\na        1\nlong  1000\n"


def test_nothing_prints_what_was_to_be_said_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty table is the given sentence, or nothing."""
    print_table([], COLUMNS, terminal=False, color=False, empty="none")
    print_table([], COLUMNS, terminal=False, color=False)
    assert capsys.readouterr().out == "none\n"


@pytest.mark.parametrize("terminal", [False, True])
def test_long_tables_come_in_pages(capsys: pytest.CaptureFixture[str], terminal: bool) -> None:
    """However many rows there are, only a page of them is held, and the heading comes once."""
    taken: list[int] = []

    def rows():
        for at in range(PAGE * 2 + 1):
            taken.append(at)
            yield (f"n{at}", at)

    print_table(rows(), COLUMNS, terminal=terminal, color=False)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == PAGE * 2 + 2
    assert sum("NAME" in line for line in lines) == 1


@pytest.mark.parametrize("terminal", [False, True])
def test_cells_are_never_markup_or_control(capsys: pytest.CaptureFixture[str], terminal: bool) -> None:
    """A name with Rich markup or escape sequences is shown as it is spelled."""
    print_table([("[red]x[/red]\x1b[2J:smile:", 1)], COLUMNS, terminal=terminal, color=False)
    out = capsys.readouterr().out
    assert "[red]x[/red]\\x1b[2J:smile:" in out
    assert "\x1b[2J" not in out


def test_long_cells_are_folded_not_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a narrow terminal nothing of a name is lost."""
    monkeypatch.setenv("COLUMNS", "30")
    name = "".join(str(at % 10) for at in range(60))
    print_table([(name, 1)], COLUMNS, terminal=True, color=False)
    assert sum(len(line.split()[0]) for line in capsys.readouterr().out.splitlines()[1:]) == 60


def test_color_is_only_in_the_heading(capsys: pytest.CaptureFixture[str]) -> None:
    """With --color always the heading is bold even in a pipe."""
    print_table([("a", 1)], COLUMNS, terminal=False, color=True)
    heading, row = capsys.readouterr().out.splitlines()
    assert heading.startswith("\x1b[1m")
    assert "\x1b" not in row


def test_safe_leaves_what_is_printable() -> None:
    """Letters of all scripts stay; controls, bidirectional marks and line separators are escaped."""
    assert safe("Zürich 東京") == "Zürich 東京"
    assert safe("a\u202eb\u2028\x7f") == "a\\u{202e}b\\u{2028}\\x7f"
    assert os.linesep not in safe("a\nb")
