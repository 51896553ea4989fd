"""Small files written whole or not at all: temporary name, fsync, rename, fsync of the folder; mode 0600."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def replace(file: Path, content: bytes) -> None:
    """Make *content* the content of *file*, whose folder exists. A symlink is followed, not replaced."""
    target = Path(os.path.realpath(file))
    with _written(target.parent, content) as written:
        os.replace(written, target)
    sync_folder(target.parent)


def create_new(file: Path, content: bytes) -> None:
    """Make *file* with *content*, unless it exists: then it is left alone."""
    with _written(file.parent, content) as written:
        try:
            os.link(written, file)
        except FileExistsError:
            return
        finally:
            os.unlink(written)
    sync_folder(file.parent)


@contextmanager
def _written(folder: Path, content: bytes) -> Iterator[str]:
    """A synced temporary file with *content*; gone afterwards if it was not given another name."""
    descriptor, name = tempfile.mkstemp(prefix=".gk-", dir=folder)
    try:
        with open(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        yield name
    except BaseException:
        if os.path.exists(name):
            os.unlink(name)
        raise


def sync_folder(folder: Path) -> None:
    """What was put into *folder* is on the disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
