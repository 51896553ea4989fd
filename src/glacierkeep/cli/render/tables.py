"""Tables for people: Rich's at a terminal, aligned text elsewhere. Printed page by page, however long."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from glacierkeep.cli.render.words import safe

R = TypeVar("R")
PAGE = 500
_GAP = "  "


class Column(NamedTuple, Generic[R]):
    """A column: its heading, how a record's cell is written, and whether cells stand at the right."""

    heading: str
    get: Callable[[R], str]
    right: bool = False


def print_table(
    records: Iterable[R], columns: Sequence[Column[R]], *, terminal: bool, color: bool, empty: str = ""
) -> None:
    """Print *records* on standard output; *empty* if there are none."""
    show = _show_at_terminal if terminal else _show_plain
    widths = [len(column.heading) for column in columns]
    first = True
    for page in _pages(records, columns):
        show(page, columns, widths, first, color)
        first = False
    if first and empty:
        sys.stdout.write(f"{empty}\n")


def _pages(records: Iterable[R], columns: Sequence[Column[R]]) -> Iterator[list[list[str]]]:
    rows = ([safe(column.get(record)) for column in columns] for record in records)
    while page := list(islice(rows, PAGE)):
        yield page


def _show_plain(
    page: list[list[str]], columns: Sequence[Column[R]], widths: list[int], first: bool, color: bool
) -> None:
    for row in page:
        widths[:] = [max(width, len(cell)) for width, cell in zip(widths, row, strict=True)]
    lines = [_aligned(row, columns, widths) for row in page]
    if first:
        heading = _aligned([column.heading for column in columns], columns, widths)
        lines.insert(0, f"\x1b[1m{heading}\x1b[0m" if color else heading)
    sys.stdout.write("\n".join(lines) + "\n")


def _aligned(row: Sequence[str], columns: Sequence[Column[R]], widths: Sequence[int]) -> str:
    cells = zip(row, columns, widths, strict=True)
    return _GAP.join(
        cell.rjust(width) if column.right else cell.ljust(width) for cell, column, width in cells
    ).rstrip()


def _show_at_terminal(
    page: list[list[str]], columns: Sequence[Column[R]], widths: list[int], first: bool, color: bool
) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=first, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column, width in zip(columns, widths, strict=True):
        justify = "right" if column.right else "left"
        table.add_column(Text(column.heading), justify=justify, min_width=width, overflow="fold")  # type: ignore[arg-type]
    for row in page:
        table.add_row(*(Text(cell) for cell in row))
    Console(file=sys.stdout, force_terminal=True, no_color=not color, highlight=False).print(table)
