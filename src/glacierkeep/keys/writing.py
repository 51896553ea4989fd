"""New files that hold a secret: whole or not at all, for their owner alone, and never over another."""

import errno
import os
import tempfile
from pathlib import Path

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def write_new(file: Path, content: bytes) -> None:
    """Make *file* with *content*, mode 0600, on the disk when this returns. Raises FileExistsError, or OSError."""
    descriptor, name = tempfile.mkstemp(prefix=".gk-", dir=file.parent)
    try:
        _fill(descriptor, content)
        try:
            os.link(name, file)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            _write_in_place(file, content)
    finally:
        os.unlink(name)
    _sync_folder(file.parent)


def _write_in_place(file: Path, content: bytes) -> None:
    """Where the file system has no links, as on many sticks; a crash may leave a part of it."""
    _fill(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), content)


def _fill(descriptor: int, content: bytes) -> None:
    with open(descriptor, "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
