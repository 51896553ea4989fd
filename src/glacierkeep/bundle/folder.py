"""Working below a folder by descriptors: a path may be longer than the system takes in one call."""

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

STEP = 4000
"""Bytes of path given to one system call; Linux refuses 4,096 and macOS 1,024."""
if os.uname().sysname == "Darwin":
    STEP = 1000

_SYNCED_AT_ONCE = 16

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
SOURCE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""O_NONBLOCK: a FIFO that took the place of a file must not make us wait; it changes nothing for files."""


def open_root(path: bytes) -> int:
    """A descriptor of the folder at *path*, of any length; symlinks are followed, as the user named it.

    Raises OSError.
    """
    steps = _steps(path)
    folder = os.open(steps[0], FOLDER_FLAGS)
    for step in steps[1:]:
        folder = _exchange(folder, step, FOLDER_FLAGS)
    return folder


def make_folder(path: bytes) -> None:
    """Make the folder at *path* and those missing above it; they are on the disk then. Raises OSError."""
    made = [path]
    while not os.path.isdir(above := os.path.dirname(made[-1])) and above not in (b"", made[-1]):
        made.append(above)
    os.makedirs(path)
    for folder in made:
        with suppress(PermissionError):  # a folder that can be written to need not be readable
            holder = os.open(os.path.dirname(folder) or b".", FOLDER_FLAGS)
            try:
                sync_folder(holder)
            finally:
                os.close(holder)


def open_below(root: int, path: bytes, flags: int) -> int:
    """A descriptor of *path*, of any length, below the folder *root*; b"" is the folder itself. Raises OSError."""
    with _last_step(root, path) as (folder, name):
        return os.open(name, flags | os.O_CLOEXEC, dir_fd=folder)


def open_source(root: int, path: bytes) -> int:
    """A descriptor for reading the file *path* below *root*, never through a symlink of that name. Raises OSError."""
    return open_below(root, path, SOURCE_FLAGS)


def lstat_below(root: int, path: bytes) -> os.stat_result:
    """What lies at *path*, of any length, below *root*. Raises OSError."""
    with _last_step(root, path) as (folder, name):
        return os.stat(name, dir_fd=folder, follow_symlinks=False)


def readlink_below(root: int, path: bytes) -> bytes:
    """The text of the symlink *path* below *root*. Raises OSError."""
    with _last_step(root, path) as (folder, name):
        return os.readlink(name, dir_fd=folder)


def sync_folder(folder: int) -> None:
    """What was put into *folder* is on the disk, where the file system can promise that of a folder."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise


def sync_all(descriptors: Iterable[int], sync: Callable[[int], None] | None = None) -> None:
    """All of *descriptors* are on the disk. Raises OSError.

    File systems write down at once what several threads ask for at the same time.
    """
    waiting = list(descriptors)
    with ThreadPoolExecutor(max_workers=min(len(waiting), _SYNCED_AT_ONCE) or 1) as threads:
        for _ in threads.map(sync or os.fsync, waiting):
            pass


@contextmanager
def _last_step(root: int, path: bytes) -> Iterator[tuple[int, bytes]]:
    """The folder that the last step of *path* is taken from, and that step."""
    steps = _steps(path)
    if len(steps) == 1:
        yield root, steps[0]
        return
    folder = os.open(steps[0], FOLDER_FLAGS | os.O_NOFOLLOW, dir_fd=root)
    try:
        for step in steps[1:-1]:
            folder = _exchange(folder, step, FOLDER_FLAGS | os.O_NOFOLLOW)
        yield folder, steps[-1]
    finally:
        os.close(folder)


def _exchange(folder: int, step: bytes, flags: int) -> int:
    """The folder one step below *folder*, which is closed only if that could be opened."""
    below = os.open(step, flags, dir_fd=folder)
    os.close(folder)
    return below


def _steps(path: bytes) -> list[bytes]:
    """*path* cut at slashes into pieces one system call takes; a name too long is left for the system to refuse."""
    steps = []
    while len(path) > STEP:
        cut = path.rfind(b"/", 1, STEP)
        if cut < 0:
            break
        steps.append(path[:cut])
        path = path[cut:].lstrip(b"/")
    return [*steps, path or b"."]
