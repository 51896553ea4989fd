"""The service's records on disk: one SQLite file, many processes, and a clock that can be turned."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from glacierkeep.clock import Clock
from glacierkeep.local.store import schema
from glacierkeep.local.wire.spelling import from_milliseconds, to_milliseconds

BUSY_TIMEOUT_MS = 60_000
_CLOCK_OFFSET = "clock_offset_ms"


class StateError(OSError):
    """The folder holds no state this version can read."""


class State:
    """Records under *folder*, made when absent (mode 0700, files 0600).

    Raises OSError when the folder cannot be made, read or written.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self._clock = clock
        self._path = folder / "state.db"
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._pid = os.getpid()
        _make_private(folder, self._path)
        try:
            self._make_tables()
        except sqlite3.DatabaseError as error:
            self.close()
            raise StateError(f"cannot use {self._path}: {error}") from error

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A short transaction that sees one state; nothing else may be awaited inside."""
        with self._transaction("BEGIN") as db:
            yield db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A short transaction that changes the state, durable once left; undone by any exception."""
        with self._transaction("BEGIN IMMEDIATE") as db:
            yield db

    def now(self) -> datetime:
        """The service's time."""
        with self.reading() as db:
            return from_milliseconds(self.moment(db))

    def moment(self, db: sqlite3.Connection) -> int:
        """The service's time in milliseconds, seen from inside a transaction."""
        row = db.execute("SELECT value FROM settings WHERE name = ?", (_CLOCK_OFFSET,)).fetchone()
        return to_milliseconds(self._clock.now()) + (int(row["value"]) if row else 0)

    def advance(self, by: timedelta) -> None:
        """Turn the service's clock forward, for every process; ValueError when *by* is negative."""
        if by < timedelta():
            raise ValueError("the service's clock only turns forward")
        with self.writing() as db:
            db.execute(
                "INSERT INTO settings (name, value) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
                (_CLOCK_OFFSET, by // timedelta(milliseconds=1)),
            )

    def shrink(self) -> None:
        """Give the disk back what deleted rows took. sqlite3.OperationalError while others are at work for long."""
        db = self._take()
        try:
            db.execute("VACUUM")
        finally:
            self._give_back(db)

    def close(self) -> None:
        """Close idle connections; the next use opens new ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        for db in idle:
            db.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        db = self._take()
        try:
            db.execute(begin)
            yield db
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        finally:
            self._give_back(db)

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._pid != os.getpid():
                # SQLite connections must not cross a fork; the parent's are left alone.
                self._pid, self._idle = os.getpid(), []
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _give_back(self, db: sqlite3.Connection) -> None:
        with self._lock:
            if self._pid == os.getpid():
                self._idle.append(db)

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(
            self._path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False
        )
        try:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA foreign_keys = ON")
            # A rollback journal: write-ahead logging of older SQLite libraries can corrupt the file.
            db.execute("PRAGMA journal_mode = TRUNCATE")
            db.execute("PRAGMA synchronous = EXTRA")
            db.execute("PRAGMA fullfsync = ON")
        except BaseException:
            db.close()
            raise
        return db

    def _make_tables(self) -> None:
        with self.writing() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > len(schema.VERSIONS):
                raise StateError(f"{self._path} was written by a newer version ({version})")
            for statements in schema.VERSIONS[version:]:
                for statement in statements.split(";"):
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {len(schema.VERSIONS)}")


def _make_private(folder: Path, database: Path) -> None:
    """Make the folder and an empty database that only their owner can read."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(database, os.O_RDWR | os.O_CREAT, 0o600))
