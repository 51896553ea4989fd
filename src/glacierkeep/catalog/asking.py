"""Looking up many places at once: pairs of a folder's key and a name, joined as a list of values.

`(folder_id, name) IN (VALUES …)` would say the same, but SQLite walks the whole index for it.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

from sqlalchemy import CTE, Connection, LargeBinary, Row, Select, column, text

from glacierkeep.catalog.batches import FEW, batched
from glacierkeep.catalog.columns import Big

Place = tuple[int, bytes]
"""A folder's key and a name in it."""

_SIZES = [1, 10, 60, FEW]
"""Statements are built for so many places; shorter lists repeat their last one."""

Build = Callable[[CTE], Select[Any]]
"""Makes a query on the places asked for: their columns are `column1` (folder) and `column2` (name)."""


def rows_at(
    connection: Connection, build: Build, places: Iterable[Place], **others: object
) -> Iterator[Row[Any]]:
    """The rows *build*'s query finds for *places*, some perhaps repeated; *others* are its own parameters."""
    for few in batched(places):
        count = _SIZES[bisect_left(_SIZES, len(few))]
        asked: dict[str, object] = dict(others)
        for at in range(count):
            asked[f"folder{at}"], asked[f"name{at}"] = few[min(at, len(few) - 1)]
        yield from connection.execute(_built(build, count), asked).all()


@lru_cache(maxsize=64)
def _built(build: Build, count: int) -> Select[Any]:
    rows = ", ".join(f"(:folder{at}, :name{at})" for at in range(count))
    values = text(f"VALUES {rows}").columns(column("column1", Big), column("column2", LargeBinary))
    return build(values.cte("asked"))
