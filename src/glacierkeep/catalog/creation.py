"""A new catalog's file: made aside, whole, then given its name."""

import errno
import os
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from glacierkeep.catalog.connections import APPLICATION_ID, for_writing, open_pool
from glacierkeep.catalog.schema import catalog
from glacierkeep.catalog.trouble import disk_trouble, shown, translated
from glacierkeep.domain.token import CATALOG_BYTES, crockford
from glacierkeep.errors import CatalogUnusable

_MAGIC = b"SQLite format 3\0"
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def create(path: Path, *, machine: str, random: Callable[[int], bytes]) -> None:
    """Make a catalog at *path* (0600, its folder 0700 if new), unless another process does first.

    Nobody ever sees half of one. Raises DiskTrouble.
    """
    with disk_trouble(path):
        _make_folder(path.parent)
        with tempfile.TemporaryDirectory(prefix=".catalog-", dir=path.parent) as aside:
            draft = Path(aside) / "catalog.db"
            os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            with translated(path):
                _fill(draft, machine, random)
            sync(draft)
            _place(draft, path)
            sync(path.parent)


def _make_folder(folder: Path) -> None:
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in made:
        with suppress(PermissionError):  # a folder that can be written to need not be readable
            sync(each.parent)


def _fill(draft: Path, machine: str, random: Callable[[int], bytes]) -> None:
    # alembic is slow to import, and only a new or outdated catalog needs it.
    from glacierkeep.catalog.migrating import migrate

    with sqlite3.connect(draft) as raw:
        raw.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    raw.close()
    engine = open_pool(draft)
    with for_writing(engine).begin() as connection:
        migrate(connection)
        said = {"id": crockford(random(CATALOG_BYTES)), "machine": machine, "generation": "0"}
        connection.execute(catalog.insert(), [{"key": key, "value": value} for key, value in said.items()])
    engine.dispose()


def _place(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A file system without hard links: two first runs in the same instant are not told apart here.
        if not path.exists():
            os.rename(draft, path)


def sync(path: Path) -> None:
    """Wait until *path*, a file or folder, is on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def check_header(path: Path) -> None:
    """Raise CatalogUnusable unless the file at *path* begins as one of ours; it is not touched otherwise."""
    with disk_trouble(path), path.open("rb") as file:
        header = file.read(100)
    if header[:16] != _MAGIC or int.from_bytes(header[68:72]) != APPLICATION_ID:
        raise CatalogUnusable(
            f"{shown(path)} is not a catalog of glacierkeep",
            hint="it was left as it is; move it away, or choose another place with GK_HOME",
        )
