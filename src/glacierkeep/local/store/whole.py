"""The whole store at once: what is in it, and how it becomes empty."""

import sqlite3
from contextlib import suppress
from dataclasses import dataclass

from glacierkeep.local.store.clearing import clear_discards
from glacierkeep.local.store.pieces import Pieces
from glacierkeep.local.store.state import State

_DISCARD_ALL = (
    "INSERT OR IGNORE INTO discards (file) SELECT file FROM pieces UNION ALL SELECT file FROM parts"
    " UNION ALL SELECT output FROM jobs WHERE output IS NOT NULL"
)
_TABLES = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name <> 'discards'"
)


@dataclass(frozen=True, slots=True)
class Summary:
    """What is there, all accounts and regions together: *size* in bytes of the archives, *parts_size* of what
    multipart uploads have received, *jobs* that are not finished, *messages* that wait to be published, *faults*
    that are ordered."""

    vaults: int
    archives: int
    size: int
    uploads: int
    parts_size: int
    jobs: int
    messages: int
    faults: int


def summary(state: State) -> Summary:
    """What is there now."""
    with state.reading() as db:
        row = db.execute(
            "SELECT (SELECT count(*) FROM vaults), count(*), coalesce(sum(size), 0),"
            " (SELECT count(*) FROM uploads WHERE state = 'open'),"
            " (SELECT coalesce(sum(size), 0) FROM parts),"
            " (SELECT count(*) FROM jobs WHERE completes > ?),"
            " (SELECT count(*) FROM messages), (SELECT count(*) FROM faults)"
            " FROM archives WHERE died IS NULL",
            (state.moment(db),),
        ).fetchone()
    return Summary(*row)


def forget_everything(state: State, pieces: Pieces) -> None:
    """Empty every table in one transaction, then remove the files: safe at any instant, and whoever has the store
    open meets an empty one."""
    with state.writing() as db:
        db.execute("PRAGMA defer_foreign_keys = ON")
        db.execute(_DISCARD_ALL)
        for (table,) in db.execute(_TABLES).fetchall():
            db.execute(f'DELETE FROM "{table}"')  # noqa: S608 - the names are the schema's own
    clear_discards(state, pieces)
    with suppress(sqlite3.OperationalError):
        state.shrink()
