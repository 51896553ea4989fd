"""A file being sent: read by position, and watched for changes."""

import errno
import os
import stat
from collections.abc import Callable
from types import TracebackType
from typing import BinaryIO, Self, cast

from glacierkeep.domain.parts import ByteRange
from glacierkeep.errors import SourceChanged
from glacierkeep.transfer.caching import done_with, will_read_on
from glacierkeep.transfer.reader import PartReader, fill_exactly, read_exactly


class SourceUnreadable(SourceChanged):
    """The file cannot be opened or read: not permitted, or its disk fails."""

    code = "unreadable"


_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.ELOOP)


class FileSource:
    """A regular file, opened by *opener* (which gives a new file descriptor, closed here).

    *size* in bytes, *mtime_ns* and *inode* are what a scan saw, None for what need not agree; *name* is
    printable. Used as a context manager; reading is by position, so threads may share it.
    """

    def __init__(
        self,
        opener: Callable[[], int],
        *,
        size: int,
        mtime_ns: int | None,
        inode: int | None,
        name: str,
    ) -> None:
        self.size = size
        self.name = name
        self._opener = opener
        self._mtime_ns = mtime_ns
        self._inode = inode
        self._fd = -1

    def __enter__(self) -> Self:
        """Open it. Raises SourceChanged if it is no longer what was seen."""
        try:
            self._fd = self._opener()
        except OSError as error:
            raise self._trouble(error) from error
        try:
            self.check()
        except BaseException:
            self._close()
            raise
        will_read_on(self._fd)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def fileno(self) -> int:
        """The open descriptor, which stays this source's."""
        return self._fd

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def read_part(self, wanted: ByteRange) -> bytes:
        """Exactly the bytes *wanted*. Raises SourceChanged if the file ends before."""
        try:
            found = read_exactly(self._fd, wanted)
        except OSError as error:
            raise self._trouble(error) from error
        if len(found) < wanted.length:
            raise self._shrunk(wanted.start + len(found))
        return found

    def read_into(self, start: int, buffer: memoryview) -> None:
        """Fill *buffer* with the bytes from *start* on. Raises SourceChanged if the file ends before."""
        try:
            filled = fill_exactly(self._fd, start, buffer)
        except OSError as error:
            raise self._trouble(error) from error
        if filled < len(buffer):
            raise self._shrunk(start + filled)

    def open_part(self, wanted: ByteRange) -> BinaryIO:
        """The bytes *wanted* as a file of their own. Reading it may raise SourceChanged."""
        return cast(BinaryIO, PartReader(self.read_part, wanted))

    def let_go(self, part: ByteRange) -> None:
        """Its pages need not stay in memory."""
        done_with(self._fd, part.start, part.length)

    def check(self) -> None:
        """Raises SourceChanged if size, time of change or inode are not what a scan saw."""
        try:
            now = os.fstat(self._fd)
        except OSError as error:
            raise self._trouble(error) from error
        if not stat.S_ISREG(now.st_mode):
            raise SourceChanged(f"{self.name} is no longer a regular file")
        if now.st_size != self.size:
            raise SourceChanged(f"{self.name} changed its size from {self.size} to {now.st_size} bytes")
        if self._mtime_ns not in (None, now.st_mtime_ns) or self._inode not in (None, now.st_ino):
            raise SourceChanged(f"{self.name} changed while it was read")

    def _shrunk(self, end: int) -> SourceChanged:
        return SourceChanged(f"{self.name} ended after {end} of {self.size} bytes while it was read")

    def _trouble(self, error: OSError) -> SourceChanged:
        if error.errno in _GONE:
            return SourceChanged(f"{self.name} is no longer there")
        return SourceUnreadable(f"{self.name} cannot be read: {error.strerror or error}")


class StagedSource(FileSource):
    """A file of our own at *path*, which nobody else should change: what it is now is what is expected.

    Raises SourceChanged if it is not there.
    """

    def __init__(self, path: str | bytes | os.PathLike[str]) -> None:
        name = os.fsdecode(path)
        try:
            seen = os.lstat(path)
        except OSError as error:
            raise SourceChanged(f"{name!r} cannot be read: {error.strerror}") from error
        super().__init__(
            lambda: os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW),
            size=seen.st_size,
            mtime_ns=seen.st_mtime_ns,
            inode=seen.st_ino,
            name=repr(name),
        )
