"""What a scan sees of one path, and what of it is kept."""

from enum import IntEnum
from typing import NamedTuple, TypeAlias


class FileKind(IntEnum):
    """What a path is. The numbers are stored."""

    FILE = 1
    FOLDER = 2
    SYMLINK = 3
    HARDLINK = 4

    @property
    def word(self) -> str:
        """The word in manifests and JSON."""
        return self.name.lower()


_EARLIEST_NS, _LATEST_NS = -(1 << 63), (1 << 63) - 1


def kept_mtime(mtime_ns: int) -> int:
    """*mtime_ns* as it is kept: in 64 bits with a sign, so years from 1677 to 2262; what lies beyond is cut."""
    if _EARLIEST_NS <= mtime_ns <= _LATEST_NS:
        return mtime_ns
    return _EARLIEST_NS if mtime_ns < 0 else _LATEST_NS


Glance: TypeAlias = tuple[int, int, int, int]
"""What tells at first sight that a file with one name is unchanged: st_mode, size in bytes, mtime in ns, inode."""

KIND_WORDS = {kind.word: kind for kind in FileKind}


class Entry(NamedTuple):
    """One path of a root, as found on disk. There are millions in a scan, and a named tuple is made and spooled fast.

    *path* is relative to the root, b"" for the root itself; *size* in bytes, 0 for all but files;
    *mtime_ns* nanoseconds since 1970 UTC; *mode* permission bits only; *target* the text of a symlink,
    or the root-relative path of the first name of a hard link.
    """

    path: bytes
    kind: FileKind
    size: int
    mtime_ns: int
    mode: int
    inode: int
    device: int
    links: int
    uid: int
    gid: int
    target: bytes | None = None
