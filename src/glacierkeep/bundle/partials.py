"""The work folder: what is not complete and checked yet lies here, private, until it gets its final name."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO

from glacierkeep.bundle.folder import FOLDER_FLAGS, sync_folder
from glacierkeep.bundle.outcome import WORK_FOLDER

_FRESH = b"new-"
_NAMED = b"part-"
_JOURNAL = b"known-"
_FILE_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Scratch:
    """A name that nothing has yet, in an open *folder*."""

    folder: int
    name: bytes

    def remove(self) -> None:
        """Nothing has this name any more."""
        with suppress(FileNotFoundError):
            os.unlink(self.name, dir_fd=self.folder)

    def create(self) -> BinaryIO:
        """The file of this name: new and private."""
        return os.fdopen(os.open(self.name, _FILE_FLAGS | os.O_EXCL, 0o600, dir_fd=self.folder), "w+b")


class Partials:
    """The work folder below *top*, made when first needed and removed at the end if it is empty.

    Whoever uses it holds a shared lock on it, so that one who is alone may clear what a killed run left.
    """

    def __init__(self, top: int) -> None:
        self._top = top
        self._opened: int | None = None

    @contextmanager
    def scratch(self, destination: int) -> Iterator[Scratch]:
        """A fresh name on the file system of the folder *destination*; what still has it afterwards is removed."""
        near = self.is_near(destination)
        fresh = self.fresh() if near else Scratch(destination, WORK_FOLDER + b"-" + _random_name())
        try:
            yield fresh
        finally:
            fresh.remove()

    def is_near(self, folder: int) -> bool:
        """Whether what lies in the work folder can be renamed into *folder*."""
        return os.fstat(self._folder()).st_dev == os.fstat(folder).st_dev

    def fresh(self) -> Scratch:
        """A name in the work folder that nothing has yet."""
        return Scratch(self._folder(), _FRESH + _random_name())

    def named(self, name: str) -> Scratch:
        """The place of the partial *name*, which stays from run to run. Raises ValueError for an unfit name."""
        if not name or len(name) > 200 or not name.isascii() or not name.replace("-", "").isalnum():
            raise ValueError(f"{name!r} is no name for a partial file")
        return Scratch(self._folder(), _NAMED + name.encode())

    def journal_of(self, name: str) -> Scratch:
        """The place of what is written down about the partial *name*."""
        return Scratch(self._folder(), _JOURNAL + self.named(name).name)

    def open_kept(self, place: Scratch) -> BinaryIO:
        """The file at *place*, for reading and writing; a new one is empty, its name on the disk. Raises OSError."""
        partial = os.open(place.name, _FILE_FLAGS, 0o600, dir_fd=place.folder)
        if os.fstat(partial).st_nlink > 1:
            # A run was killed after it had placed the file: under its final name it is the user's.
            os.close(partial)
            os.unlink(place.name, dir_fd=place.folder)
            partial = os.open(place.name, _FILE_FLAGS | os.O_EXCL, 0o600, dir_fd=place.folder)
        if not os.fstat(partial).st_size:
            sync_folder(place.folder)
        return os.fdopen(partial, "r+b")

    def close(self) -> None:
        """Let go; remove the folder if nobody uses it and nothing is left in it, also if a killed run left it."""
        if self._opened is None:
            with suppress(OSError):
                self._opened = os.open(WORK_FOLDER, FOLDER_FLAGS | os.O_NOFOLLOW, dir_fd=self._top)
        if self._opened is None:
            return
        if _lock(self._opened, fcntl.LOCK_EX | fcntl.LOCK_NB):
            _clear(self._opened)
            with suppress(OSError):  # partials that are to be gone on with
                os.rmdir(WORK_FOLDER, dir_fd=self._top)
        os.close(self._opened)
        self._opened = None

    def _folder(self) -> int:
        while self._opened is None:
            self._opened = self._open()
        return self._opened

    def _open(self) -> int | None:
        """The locked work folder; None if it was removed between its opening and its locking."""
        with suppress(FileExistsError):
            os.mkdir(WORK_FOLDER, 0o700, dir_fd=self._top)
            sync_folder(self._top)
        try:
            folder = os.open(WORK_FOLDER, FOLDER_FLAGS | os.O_NOFOLLOW, dir_fd=self._top)
        except FileNotFoundError:
            return None
        if _lock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
            _clear(folder)
        _lock(folder, fcntl.LOCK_SH)
        if os.fstat(folder).st_nlink:
            return folder
        os.close(folder)
        return None


def _random_name() -> bytes:
    return secrets.token_hex(8).encode()


def _lock(folder: int, operation: int) -> bool:
    """Whether the lock was had; file systems without locks give none, and nothing is cleared there."""
    try:
        fcntl.flock(folder, operation)
    except OSError:
        return False
    return True


def _clear(folder: int) -> None:
    for name in os.listdir(folder):
        if os.fsencode(name).startswith(_FRESH):
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)
