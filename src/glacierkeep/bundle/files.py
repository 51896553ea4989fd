"""Files of our own in staging: new, private, and on the disk before they count."""

import os
from pathlib import Path
from types import TracebackType
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


class as_disk_trouble:  # noqa: N801 - reads as a function; no generator, since it is entered for each piece written
    """An OSError inside becomes DiskTrouble: *what* cannot be written."""

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, OSError):
            raise DiskTrouble(f"{self._what} cannot be written: {error.strerror}") from error
