"""The partial file of a download: bytes that are there, hashed in order, and those that are added."""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

from glacierkeep.domain.hashes import Hashes
from glacierkeep.domain.limits import LEAF
from glacierkeep.domain.parts import ByteRange, split
from glacierkeep.domain.treehash import TreeHasher
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


class PartialFile:
    """The first *at* bytes of *total*, hashed; grows by leaves."""

    def __init__(self, fd: int, total: int) -> None:
        self.at = 0
        self.total = total
        self._fd = fd
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._tree = TreeHasher()

    def take_up(self) -> None:
        """Hash what is there: whole leaves, and the end if nothing is missing; the rest is cut off."""
        with disk_trouble():
            size = os.fstat(self._fd).st_size
            keep = size if size == self.total else min(size, self.total) // LEAF * LEAF
            os.ftruncate(self._fd, keep)
            for leaf in split(keep, LEAF):
                self._count(read_exactly(self._fd, leaf))

    def add(self, leaf: bytes) -> bytes:
        """Write the next leaf, a shorter one only as the last; its SHA-256."""
        with disk_trouble():
            view, at = memoryview(leaf), self.at
            while view:
                written = os.pwrite(self._fd, view, at)
                view, at = view[written:], at + written
        return self._count(leaf)

    def cut(self, at: int) -> None:
        """Drop the bytes from *at* on. Nothing can be added afterwards."""
        with disk_trouble():
            os.ftruncate(self._fd, at)

    def sync(self) -> None:
        """Return once the bytes are on the disk."""
        with disk_trouble():
            os.fsync(self._fd)

    def next_range(self, length: int) -> ByteRange:
        """What is missing, up to the next multiple of *length*: aligned ranges have tree hashes."""
        return ByteRange(self.at, min((self.at // length + 1) * length, self.total))

    def result(self) -> Hashes:
        """The hashes of what is there."""
        return Hashes(self.at, self._md5.digest(), self._tree.digest())

    def _count(self, leaf: bytes) -> bytes:
        digest = hashlib.sha256(leaf).digest()
        self._md5.update(leaf)
        self._tree.add_leaves([digest])
        self.at += len(leaf)
        return digest
