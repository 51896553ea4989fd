"""Extended attributes of files and folders, where a person asked for them. Linux only: Python reads none elsewhere."""

import errno
import os
import sys
from typing import TypeAlias

from glacierkeep.errors import UsageError

Xattrs: TypeAlias = tuple[tuple[bytes, bytes], ...]
"""Names and values, by name."""

_USER = b"user."
"""What belongs to the file's owner; other name spaces are the system's own."""

_NONE = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENODATA, errno.EPERM, errno.EACCES)


def read_xattrs(descriptor: int) -> Xattrs:
    """The `user.` attributes of the open file or folder; none where its file system has none. Raises OSError."""
    if sys.platform != "linux":
        return ()
    try:
        names = sorted(os.fsencode(name) for name in os.listxattr(descriptor))
        return tuple((name, os.getxattr(descriptor, name)) for name in names if name.startswith(_USER))
    except OSError as error:
        if error.errno in _NONE:
            return ()
        raise


def check_supported() -> None:
    """Raises UsageError where Python cannot read extended attributes."""
    if sys.platform != "linux":
        raise UsageError("extended attributes can be kept on Linux only", hint="leave out --xattrs")
