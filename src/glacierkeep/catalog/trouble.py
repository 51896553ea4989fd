"""SQLite's errors become ours, here and nowhere else."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from glacierkeep.catalog.connections import BUSY_SECONDS
from glacierkeep.domain.names import printable
from glacierkeep.errors import CatalogUnusable, DiskTrouble, GlacierkeepError, Locked

_RESTORE = (
    "put a backup of it in its place; with none, move it away and run gk sync-inventory: archives are adopted"
)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise ours for SQLite's errors and the system's about the catalog at *path*; a bug stays what it is."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        ours = next(filter(None, (_ours(said, path) for said in _said(error))), None)
        if ours is None:
            raise
        raise ours from error


@contextmanager
def disk_trouble(path: Path) -> Iterator[None]:
    """Raise DiskTrouble for an OSError while the file at *path* is made, read or copied."""
    try:
        yield
    except OSError as error:
        raise DiskTrouble(
            f"the catalog {shown(path)}: {error.strerror or error}",
            hint="check the folder's permissions and the space on its disk",
        ) from error


def shown(path: Path) -> str:
    """*path* as it may be printed."""
    return printable(bytes(path))


def _said(error: BaseException | None) -> Iterator[BaseException | None]:
    """What SQLite said, and what it had said before: after a full disk it knows of no savepoint to return to."""
    while error is not None:
        yield error.orig if isinstance(error, DBAPIError) else error
        error = error.__context__


def _ours(error: BaseException | None, path: Path) -> GlacierkeepError | None:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    name = shown(path)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Locked("the catalog", f"its file has been in use for {BUSY_SECONDS} seconds")
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return DiskTrouble(f"the catalog {name} cannot be read or written: {error}", hint="is its disk full?")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return CatalogUnusable(
            f"the catalog {name} is read-only", hint="check the file's and folder's permissions"
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return CatalogUnusable(f"the catalog {name} is damaged: {error}", hint=_RESTORE)
    if code == sqlite3.SQLITE_CANTOPEN:
        return CatalogUnusable(f"the catalog {name} cannot be opened", hint="check the folder's permissions")
    return None
