"""What is read or written once need not push everybody else's pages out of memory. Advice: it never fails."""

import contextlib
import os


def will_read_on(fd: int) -> None:
    """The file will be read from its beginning to its end."""
    if hasattr(os, "posix_fadvise"):
        with contextlib.suppress(OSError):
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)


def done_with(fd: int, start: int, length: int) -> None:
    """These *length* bytes (0: to the end) will not be needed again soon; what is not on the disk yet stays."""
    if hasattr(os, "posix_fadvise"):
        with contextlib.suppress(OSError):
            os.posix_fadvise(fd, start, length, os.POSIX_FADV_DONTNEED)
