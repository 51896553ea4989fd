"""Where a thing is to be, and how it gets its name there without harm to what may be there already."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO

from glacierkeep.bundle.outcome import WORK_FOLDER, CannotPlace
from glacierkeep.bundle.partials import Scratch
from glacierkeep.domain import names
from glacierkeep.errors import DiskTrouble

NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES)
"""What file systems answer that have no hard links, or not of this."""

_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
"""What is wrong with the disk, and not with one name."""

_REASONS = {
    errno.ENAMETOOLONG: "its name is too long for this file system",
    errno.EILSEQ: "this file system does not take its name",
    errno.EINVAL: "this file system does not take its name",
    errno.EFBIG: "it is too large for this file system",
    errno.ENOTDIR: "something that is not a folder is where a folder is needed",
    errno.ELOOP: "a symlink is where a folder is needed",
}


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a thing shall be: *name* in the open *folder*; *path* is relative to the target."""

    path: bytes
    folder: int
    name: bytes

    def status(self) -> os.stat_result | None:
        """What is there now, if anything. Raises OSError."""
        try:
            return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def is_symlink_to(self, target: bytes) -> bool:
        """Whether a symlink with the text *target* is there."""
        try:
            return os.readlink(self.name, dir_fd=self.folder) == target
        except OSError:
            return False

    def take(self, scratch: Scratch) -> bool:
        """Give *scratch* this name if nothing has it: whether it was free. Raises OSError."""
        try:
            os.link(
                scratch.name,
                self.name,
                src_dir_fd=scratch.folder,
                dst_dir_fd=self.folder,
                follow_symlinks=False,
            )
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            return self._rename_if_free(scratch)
        return True

    def replace(self, scratch: Scratch) -> None:
        """Give *scratch* this name at once in place of what is there; a folder goes only if it is empty."""
        status = self.status()
        if status is not None and stat.S_ISDIR(status.st_mode):
            self._remove_empty_folder()
        self._rename(scratch)

    def _rename_if_free(self, scratch: Scratch) -> bool:
        if self.status() is not None:
            return False
        self._rename(scratch)
        return True

    def _rename(self, scratch: Scratch) -> None:
        os.rename(scratch.name, self.name, src_dir_fd=scratch.folder, dst_dir_fd=self.folder)

    def _remove_empty_folder(self) -> None:
        try:
            os.rmdir(self.name, dir_fd=self.folder)
        except OSError as error:
            raise CannotPlace(self.path, "a folder that is not empty is in the way") from error


def settle(file: BinaryIO, mtime_ns: int, mode: int) -> bool:
    """As dress, and make sure that it is on the disk. Raises OSError."""
    has_them = dress(file, mtime_ns, mode)
    os.fsync(file.fileno())
    return has_them


def dress(file: BinaryIO, mtime_ns: int, mode: int) -> bool:
    """Give *file*, all of which is written now, its mode and time: whether it has them. Raises OSError."""
    file.flush()
    descriptor = file.fileno()
    with suppress(OSError):
        os.fchmod(descriptor, mode & 0o777)
    with suppress(OSError, OverflowError):
        os.utime(descriptor, ns=(mtime_ns, mtime_ns))
    status = os.fstat(descriptor)
    return status.st_mtime_ns == mtime_ns and status.st_mode & 0o7777 == mode & 0o777


def make_symlink(scratch: Scratch, target: bytes, mtime_ns: int) -> bool:
    """Make *scratch* a symlink: whether it has its time. Raises OSError."""
    os.symlink(target, scratch.name, dir_fd=scratch.folder)
    try:
        os.utime(scratch.name, ns=(mtime_ns, mtime_ns), dir_fd=scratch.folder, follow_symlinks=False)
    except (OSError, OverflowError, NotImplementedError):
        return False
    return True


@contextmanager
def judged(path: bytes) -> Iterator[None]:
    """A *path* that leads out or into the work folder is refused; OSErrors are translated, as by translated()."""
    trouble = names.trouble_with(path)
    if trouble is None and path.split(b"/", 1)[0].lower() == WORK_FOLDER:
        trouble = "this name is reserved"
    if trouble is not None:
        raise CannotPlace(path, trouble)
    with translated(path):
        yield


@contextmanager
def translated(path: bytes) -> Iterator[None]:
    """An OSError about *path* becomes CannotPlace, or DiskTrouble if nothing else could be placed either."""
    try:
        yield
    except OSError as error:
        if error.errno in _DISK:
            raise DiskTrouble(f"{names.printable(path)} cannot be written: {error.strerror}") from error
        reason = _REASONS.get(error.errno or 0) or error.strerror or str(error)
        raise CannotPlace(path, reason) from error
