"""Reading bytes by position: exactly, and as a file of their own."""

import io
import os
from collections.abc import Callable
from typing import BinaryIO, cast

from glacierkeep.domain.parts import ByteRange

READ_AHEAD = 1024 * 1024
"""A body is sent in blocks of some KiB; the disk is asked for a MiB at a time."""


def read_exactly(fd: int, wanted: ByteRange) -> bytes:
    """The bytes *wanted* of the file, fewer only where it ends. Moves no shared offset."""
    first = os.pread(fd, wanted.length, wanted.start)
    if len(first) == wanted.length or not first:
        return first
    pieces, at = [first], wanted.start + len(first)
    while at < wanted.stop and (piece := os.pread(fd, wanted.stop - at, at)):
        pieces.append(piece)
        at += len(piece)
    return b"".join(pieces)


def fill_exactly(fd: int, start: int, buffer: memoryview) -> int:
    """Fill *buffer* with the file's bytes from *start* on; how many there were, fewer only where it ends."""
    filled = 0
    while filled < len(buffer):
        rest = buffer[filled:]
        if hasattr(os, "preadv"):
            read = os.preadv(fd, [rest], start + filled)
        else:
            content = os.pread(fd, len(rest), start + filled)
            read, rest[: len(content)] = len(content), content
        if not read:
            break
        filled += read
    return filled


class PartReader(io.RawIOBase):
    """The bytes *whole* of something that *read* reads, as a file that begins and ends there."""

    def __init__(self, read: Callable[[ByteRange], bytes], whole: ByteRange) -> None:
        self._read = read
        self._whole = whole
        self._at = 0
        self._ahead = b""
        self._ahead_at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._whole.length}[whence]
        if origin + offset < 0:
            raise ValueError("a position before the first byte")
        self._at = origin + offset
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        """At most *size* bytes, b"" at the end; without *size*, all that is left."""
        if 0 <= size < READ_AHEAD:
            ahead = bytes(self._peek()[:size])
            self._at += len(ahead)
            return ahead
        start = min(self._whole.start + self._at, self._whole.stop)
        stop = self._whole.stop if size < 0 else min(start + size, self._whole.stop)
        content = self._read(ByteRange(start, stop)) if start < stop else b""
        self._at += len(content)
        return content if size >= 0 or stop == start + len(content) else content + self.read()

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        ahead = self._peek()[: len(buffer)]
        buffer[: len(ahead)] = ahead
        self._at += len(ahead)
        return len(ahead)

    def _peek(self) -> memoryview:
        """What was read ahead, from the position on; more is read if there is none."""
        if not self._ahead_at <= self._at < self._ahead_at + len(self._ahead):
            start = min(self._whole.start + self._at, self._whole.stop)
            stop = min(start + READ_AHEAD, self._whole.stop)
            self._ahead = self._read(ByteRange(start, stop)) if start < stop else b""
            self._ahead_at = self._at
        return memoryview(self._ahead)[self._at - self._ahead_at :]


def open_held(content: memoryview, whole: ByteRange) -> BinaryIO:
    """*content*, which is the bytes *whole* of something, as a file."""

    def read(wanted: ByteRange) -> bytes:
        return bytes(content[wanted.start - whole.start : wanted.stop - whole.start])

    return cast(BinaryIO, PartReader(read, whole))
