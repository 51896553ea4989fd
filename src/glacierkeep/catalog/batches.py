"""Cutting long inputs and outputs into short pieces."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, Table, func, select

T = TypeVar("T")

PAGE = 1000
"""Rows read at once, at most."""

FEW = 400
"""Keys named in one statement: twice as many stay below SQLite's oldest limit of 999 variables."""

Opener = Callable[[], AbstractContextManager[Connection]]
"""Opens one short, consistent read."""


def batched(items: Iterable[T], size: int = FEW) -> Iterator[list[T]]:
    """*items* in lists of at most *size*."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def next_key(connection: Connection, table: Table) -> int:
    """The first free key of *table*; free until the end of this write, since there is only one writer."""
    return int(connection.execute(_highest_key(table)).scalar_one()) + 1


@cache
def _highest_key(table: Table) -> Select[int]:
    return select(func.coalesce(func.max(table.c.id), 0))


def insert_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: list[tuple[Any, ...]]
) -> None:
    """Insert *rows* of *columns*, values as the database stores them; none is fine.

    Straight to the driver: for rows by the ten thousand SQLAlchemy's own insert takes twice as long.
    """
    if rows:
        marks = ", ".join("?" * len(columns))
        names = ", ".join(f'"{column}"' for column in columns)
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", rows)  # noqa: S608


def inserted_key(connection: Connection, table: Table, row: dict[str, Any]) -> int:
    """Insert *row* and return its key."""
    found = connection.execute(table.insert(), row).inserted_primary_key
    assert found is not None
    return int(found[0])
