"""What lies at one path, as an Entry."""

import os
import stat

from glacierkeep.bundle.folder import lstat_below, open_root, readlink_below
from glacierkeep.domain import names
from glacierkeep.domain.files import Entry, FileKind
from glacierkeep.errors import UsageError

KINDS = {stat.S_IFREG: FileKind.FILE, stat.S_IFDIR: FileKind.FOLDER, stat.S_IFLNK: FileKind.SYMLINK}
"""What can be archived. FIFOs, sockets and devices have no content to keep."""


def make_entry(path: bytes, status: os.stat_result, target: bytes | None = None) -> Entry | None:
    """The entry of *path* as *status* describes it; None for FIFOs, sockets and devices."""
    kind = KINDS.get(stat.S_IFMT(status.st_mode))
    if kind is None:
        return None
    size = status.st_size if kind is FileKind.FILE else 0
    mode = status.st_mode & 0o7777
    return Entry(
        path, kind, size, status.st_mtime_ns, mode, status.st_ino, status.st_dev, status.st_nlink, status.st_uid,
        status.st_gid, target,
    )  # fmt: skip


def restat(root: int, path: bytes) -> Entry:
    """The entry of *path* below *root* as it is now. Raises OSError; UsageError for FIFOs, sockets and devices."""
    status = lstat_below(root, path)
    target = readlink_below(root, path) if stat.S_ISLNK(status.st_mode) else None
    entry = make_entry(path, status, target)
    if entry is None:
        raise UsageError(f"{names.printable(path)} is neither file, folder nor symlink")
    return entry


def entry_of(path: bytes) -> Entry:
    """The entry of one file, symlink or folder of the user's, its parent being the root.

    Raises OSError; UsageError for FIFOs, sockets and devices, and for a path that ends in no name.
    """
    parent, _, name = path.rstrip(b"/").rpartition(b"/")
    if names.trouble_with(name):
        raise UsageError(f"{names.printable(path)} does not end in a name")
    root = open_root(parent or (b"/" if path.startswith(b"/") else b"."))
    try:
        return restat(root, name)
    finally:
        os.close(root)
