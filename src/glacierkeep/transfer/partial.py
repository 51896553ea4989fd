"""The partial file of a download: ranges of it arrive in any order, each at its place."""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

from glacierkeep.domain.parts import ByteRange
from glacierkeep.errors import DiskTrouble
from glacierkeep.transfer.reader import read_exactly

Place = int | str | bytes | os.PathLike[str]
"""A path, or a file descriptor that is open for reading and writing and stays open."""


@contextmanager
def disk_trouble() -> Iterator[None]:
    """An OSError inside becomes DiskTrouble."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        hint = "make room and run the same command again: what is here is kept" if full else None
        raise DiskTrouble(f"cannot write what is received: {error.strerror or error}", hint=hint) from error


@contextmanager
def open_partial(place: Place) -> Iterator[int]:
    """The file's descriptor. A path is made if it is not there, readable by its owner alone, and never
    followed if it is a symlink."""
    if isinstance(place, int):
        yield place
        return
    with disk_trouble():
        fd = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        yield fd
    finally:
        os.close(fd)


def sync_content(fd: int) -> None:
    """Return once what was written is on the disk. Raises OSError."""
    if hasattr(os, "fdatasync"):
        os.fdatasync(fd)
    else:  # macOS
        os.fsync(fd)


class PartialFile:
    """*total* bytes, some of which are there. For several threads at once. Everything may raise DiskTrouble."""

    def __init__(self, fd: int, total: int) -> None:
        self.total = total
        self._fd = fd

    def cut(self) -> None:
        """Drop what lies beyond the end."""
        with disk_trouble():
            if os.fstat(self._fd).st_size > self.total:
                os.ftruncate(self._fd, self.total)

    def write(self, content: bytes, at: int) -> None:
        """Put *content* at byte *at*."""
        with disk_trouble():
            view = memoryview(content)
            while view:
                written = os.pwrite(self._fd, view, at)
                view, at = view[written:], at + written

    def leaf(self, wanted: ByteRange) -> bytes:
        """The SHA-256 of the bytes *wanted*, or of as many as there are."""
        with disk_trouble():
            return hashlib.sha256(read_exactly(self._fd, wanted)).digest()

    def sync(self) -> None:
        """Return once all that was written is on the disk."""
        with disk_trouble():
            sync_content(self._fd)
