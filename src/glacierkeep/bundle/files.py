"""Files of our own in staging: new, private, and on the disk before they count."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from glacierkeep.bundle.folder import FOLDER_FLAGS, sync_folder
from glacierkeep.errors import DiskTrouble

PIECE = 1024 * 1024
"""Bytes read and written at once."""

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def open_new(path: Path) -> BinaryIO:
    """The file *path*, which must not exist, private, for writing and reading. Raises OSError."""
    return os.fdopen(os.open(path, _NEW, 0o600), "w+b", buffering=PIECE)


def close_durably(file: BinaryIO) -> None:
    """Close *file* once its bytes are on the disk. Raises OSError."""
    file.flush()
    os.fsync(file.fileno())
    file.close()


def sync_parent(path: Path) -> None:
    """The name of *path* is on the disk."""
    descriptor = os.open(path.parent, FOLDER_FLAGS)
    try:
        sync_folder(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def as_disk_trouble(what: str) -> Iterator[None]:
    """An OSError inside becomes DiskTrouble: *what* cannot be written."""
    try:
        yield
    except OSError as error:
        raise DiskTrouble(f"{what} cannot be written: {error.strerror}") from error
