"""Looking up many things at once by several columns, such as a folder's key and a name: joined as a list of values.

`(folder_id, name) IN (VALUES …)` would say the same, but SQLite walks the whole index for it.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

from sqlalchemy import CTE, Connection, LargeBinary, Row, Select, column, text
from sqlalchemy.types import TypeEngine

from glacierkeep.catalog.batches import FEW, batched
from glacierkeep.catalog.columns import Big

Place = tuple[int, bytes]
"""A folder's key and a name in it."""

Types = tuple[TypeEngine[Any], ...]
PLACE: Types = (Big, LargeBinary())
CONTENT: Types = (Big, LargeBinary(), LargeBinary())
"""A size, an MD5 and a tree hash: what Hashes are."""

_FEWER = (1, 10, 60)
"""Statements are built for so many, or for as many as one may have; shorter lists repeat their last."""

Build = Callable[[CTE], Select[Any]]
"""Makes a query on what is asked for: its columns are `column1`, `column2` and so on."""


def rows_at(
    connection: Connection,
    build: Build,
    wanted: Iterable[tuple[object, ...]],
    *,
    types: Types = PLACE,
    **others: object,
) -> Iterator[Row[Any]]:
    """The rows *build*'s query finds for *wanted*, some perhaps repeated; *others* are its own parameters."""
    most = FEW * len(PLACE) // len(types)
    for few in batched(wanted, most):
        count = next((size for size in _FEWER if size >= len(few)), most)
        asked: dict[str, object] = dict(others)
        for at in range(count):
            for number, value in enumerate(few[min(at, len(few) - 1)], start=1):
                asked[f"asked{at}_{number}"] = value
        yield from connection.execute(_built(build, types, count), asked).all()


@lru_cache(maxsize=64)
def _built(build: Build, types: Types, count: int) -> Select[Any]:
    numbers = range(1, len(types) + 1)
    rows = (", ".join(f":asked{at}_{number}" for number in numbers) for at in range(count))
    values = text("VALUES " + ", ".join(f"({row})" for row in rows))
    columns = [column(f"column{number}", kind) for number, kind in zip(numbers, types, strict=True)]
    return build(values.columns(*columns).cte("asked"))
