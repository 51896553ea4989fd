"""What the records of a copy refer to: written out once each, before the first that needs it."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, Row, select

from glacierkeep.catalog.batches import batched
from glacierkeep.catalog.copied_lines import (
    Line,
    archive_line,
    folder_line,
    root_line,
    run_line,
    segment_line,
)
from glacierkeep.catalog.places import chains
from glacierkeep.catalog.schema import archives, roots, runs, segments

_CHUNK = 4096
"""Keys whose bits are kept together: keys far apart cost no more than that."""


class Needs:
    """Remembers by a bit each which keys were written out: ten million of them take little more than a megabyte."""

    def __init__(self) -> None:
        self._written: dict[tuple[str, int], int] = {}

    def take(self, kind: str, keys: Iterable[int]) -> list[int]:
        """Those of *keys* that were not written yet, in order; they count as written now."""
        fresh = []
        for key in sorted(set(keys)):
            chunk, bit = (kind, key // _CHUNK), 1 << key % _CHUNK
            bits = self._written.get(chunk, 0)
            if not bits & bit:
                self._written[chunk] = bits | bit
                fresh.append(key)
        return fresh

    def roots(self, connection: Connection, keys: Iterable[int]) -> list[Line]:
        """The lines of the roots *keys*."""
        return [root_line(row) for row in _rows(connection, roots, self.take("root", keys))]

    def runs(self, connection: Connection, keys: Iterable[int]) -> list[Line]:
        """The lines of the runs *keys*, their roots first."""
        rows = list(_rows(connection, runs, self.take("run", keys)))
        return self.roots(connection, {row.root_id for row in rows}) + [run_line(row) for row in rows]

    def folders(self, connection: Connection, keys: Iterable[int]) -> list[Line]:
        """The lines of the folders *keys* and of all above them, from the root down."""
        missing = self.take("folder", keys)
        if not missing:
            return []
        known = chains(connection, set(missing))
        fresh = {*missing, *self.take("folder", known)}
        depths = {key: sum(1 for _ in _above(key, known)) for key in fresh}
        lines = self.roots(connection, {root_id for root_id, *_ in known.values()})
        return lines + [folder_line(key, *known[key]) for key in sorted(fresh, key=lambda key: depths[key])]

    def segments(self, connection: Connection, keys: Iterable[int]) -> list[Line]:
        """The lines of the segments *keys*, in groups after the archives they are of."""
        rows = list(_rows(connection, segments, self.take("segment", keys)))
        return self._in_archives(connection, rows)

    def archives(self, connection: Connection, keys: Iterable[int]) -> list[Line]:
        """The lines of the archives *keys* alone."""
        return [archive_line(row) for row in _rows(connection, archives, keys)]

    def _in_archives(self, connection: Connection, rows: list[Row[Any]]) -> list[Line]:
        owners = {row.archive_key for row in rows}
        lines = dict(zip(sorted(owners), self.archives(connection, sorted(owners)), strict=True))
        found: list[Line] = []
        last = None
        for row in sorted(rows, key=lambda row: (row.archive_key, row.idx)):
            if row.archive_key != last:
                found.append(lines[row.archive_key])
                last = row.archive_key
            found.append(segment_line(row))
        return found


def _rows(connection: Connection, table: Any, keys: Iterable[int]) -> Iterator[Row[Any]]:
    for few in batched(keys):
        yield from connection.execute(select(table).where(table.c.id.in_(few)).order_by(table.c.id)).all()


def _above(key: int, known: dict[int, tuple[int, int | None, bytes]]) -> Iterator[int]:
    at: int | None = known[key][1]
    while at is not None:
        yield at
        at = known[at][1]
