"""Bringing an older catalog to this gk's schema."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from glacierkeep.catalog.connections import connect, for_writing, open_pool
from glacierkeep.catalog.creation import check_header, sync
from glacierkeep.catalog.migrating import migrate, revision_of, revisions
from glacierkeep.catalog.schema import HEAD
from glacierkeep.catalog.trouble import disk_trouble, shown, translated
from glacierkeep.clock import Clock, SystemClock
from glacierkeep.domain.times import write_compact
from glacierkeep.errors import CatalogOutdated, CatalogUnusable


def upgrade(path: Path, *, clock: Clock | None = None) -> Path | None:
    """Bring the catalog at *path* to the newest schema; the backup made before, or None if it was current.

    Raises CatalogOutdated if it is newer than this gk, CatalogUnusable, DiskTrouble, Locked. If the migration
    fails, the catalog is as it was.
    """
    if not os.path.lexists(path):
        raise CatalogUnusable(f"there is no catalog at {shown(path)}", hint="gk upload makes one")
    check_header(path)
    revision = _revision(path)
    if revision == HEAD:
        return None
    if revision is not None and revision not in revisions():
        raise CatalogOutdated(
            f"the catalog {shown(path)} has schema {revision}, which this gk does not know",
            hint="it was made by a newer gk: use that one",
        )
    kept = back_up(path, _backup_name(path, revision, clock or SystemClock()))
    _migrate(path)
    return kept


def back_up(path: Path, target: Path) -> Path:
    """Copy the catalog at *path*, in use or not, to *target* (0600), whole or not at all; *target*.

    Raises DiskTrouble (also if *target* exists), CatalogUnusable, Locked.
    """
    draft = target.with_name(target.name + ".part")
    with disk_trouble(target):
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with translated(path), closing(connect(path)) as source, closing(sqlite3.connect(draft)) as copy:
            source.backup(copy)
        sync(draft)
        if os.path.lexists(target):
            raise FileExistsError(17, "a file of that name is there already", str(target))
        os.rename(draft, target)
        sync(target.parent)
    return target


def _revision(path: Path) -> str | None:
    engine = open_pool(path)
    try:
        with translated(path), engine.connect() as connection:
            return revision_of(connection)
    finally:
        engine.dispose()


def _migrate(path: Path) -> None:
    engine = open_pool(path)
    try:
        with translated(path), for_writing(engine).begin() as connection:
            migrate(connection)
    finally:
        engine.dispose()


def _backup_name(path: Path, revision: str | None, clock: Clock) -> Path:
    stamp = write_compact(int(clock.now().timestamp()) * 1_000_000_000)
    return path.with_name(f"{path.name}.{revision or 'none'}.{stamp}.bak")
