"""Keys of a copy that is being read back, and the keys its records get here.

They are kept in a temporary table of the connection: on disk, however many there are.
"""

from typing import Any

from glacierkeep.domain.copied import BadCopy

KEPT = 1_000_000_000
"""A greater key is not taken over: walks by key would take long."""

_KINDS = {"root": 1, "run": 2, "folder": 3, "segment": 4, "archive": 5}


class Arriving:
    """What arrived so far of one copy. *cursor* is the driver's own, for statements by the million."""

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor
        self._next: dict[str, int] = {}
        cursor.execute(
            "CREATE TEMP TABLE arriving (kind INTEGER, source INTEGER, target INTEGER, more INTEGER,"
            " PRIMARY KEY (kind, source)) WITHOUT ROWID"
        )

    def close(self) -> None:
        """Forget the keys."""
        self.cursor.execute("DROP TABLE temp.arriving")

    def one(self, statement: str, *values: object) -> Any:
        """The first row that *statement* finds, or None."""
        return self.cursor.execute(statement, values).fetchone()

    def do(self, statement: str, *values: object) -> None:
        """Execute *statement*."""
        self.cursor.execute(statement, values)

    def note(self, kind: str, source: int, target: int, more: int = 0) -> None:
        """The record *source* of the copy is *target* here. Raises BadCopy if it was another one before."""
        known = self.find(kind, source)
        if known is not None and known[0] != target:
            raise BadCopy(f"two records are the {kind} {source}")
        self.do(
            "INSERT OR REPLACE INTO temp.arriving VALUES (?, ?, ?, ?)", _KINDS[kind], source, target, more
        )

    def find(self, kind: str, source: int) -> tuple[int, int] | None:
        """Its key here and what was noted beside, or None."""
        found: tuple[int, int] | None = self.one(
            "SELECT target, more FROM temp.arriving WHERE kind = ? AND source = ?", _KINDS[kind], source
        )
        return found

    def known(self, kind: str, source: int) -> tuple[int, int]:
        """As find. Raises BadCopy if the copy has not told of it so far."""
        found = self.find(kind, source)
        if found is None:
            raise BadCopy(f"something refers to the {kind} {source}, which it does not tell of before")
        return found

    def key(self, table: str, source: int, above: int = 0) -> int:
        """A free key of *table*: *source* if it is free and greater than *above*, else the next one."""
        following = self.following(table)
        taken = f"SELECT 1 FROM {table} WHERE id = ?"  # noqa: S608
        fits = above < source <= KEPT and (source >= following or self.one(taken, source) is None)
        key = source if fits else following
        self._next[table] = max(following, key + 1)
        return key

    def following(self, table: str) -> int:
        """The key after the greatest of *table*."""
        if table not in self._next:
            self._next[table] = self.one(f"SELECT coalesce(max(id), 0) + 1 FROM {table}")[0]  # noqa: S608
        return self._next[table]
