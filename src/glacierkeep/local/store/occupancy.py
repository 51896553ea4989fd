"""Who is at work on the folder, as far as a reset must know: locks that end with their process."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FILE = "serving.lock"


class Occupied(Exception):
    """A server is at work on the folder."""


@contextmanager
def occupied(folder: Path) -> Iterator[None]:
    """Serve *folder* meanwhile; any number may. OSError when it cannot be noted."""
    with _lock_file(folder) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield


@contextmanager
def unoccupied(folder: Path) -> Iterator[None]:
    """Nobody begins to serve *folder* meanwhile. Raises Occupied when somebody does already."""
    with _lock_file(folder) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Occupied(f"a server is at work on {folder}") from None
        yield


@contextmanager
def _lock_file(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder / _FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
