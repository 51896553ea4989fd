"""Going down from a folder, one component at a time, never through a symlink."""

import os
from collections.abc import Callable

from glacierkeep.bundle.folder import FOLDER_FLAGS, sync_all, sync_folder

_MOST_UNSYNCED = 64
"""Folders that are kept open until they are synced together."""


class Descent:
    """Folders below *top*, the last one kept open, since what comes next mostly lies there too.

    With *made*, missing folders are created, private, and it is told of each. *top* stays the caller's. What is
    put into folders is on the disk after flush().
    """

    def __init__(self, top: int, made: Callable[[bytes], None] | None = None) -> None:
        self._top = top
        self._made = made
        self._path = b""
        self._folder = os.dup(top)
        self._names: set[bytes] | None = None
        self._unsynced: dict[bytes, int] = {}

    def folder(self, path: bytes) -> int:
        """A descriptor of the folder *path*, valid until the next call; b"" is the top itself.

        Raises OSError: FileNotFoundError, NotADirectoryError or ELOOP where something else is in its place.
        """
        if path != self._path:
            opened = self._go(path)
            self._leave()
            self._path, self._folder = path, opened
        return self._folder

    def touched(self, name: bytes) -> None:
        """*name* was put into the last folder: it will be synced. Raises OSError."""
        self._note(self._path, self._folder)
        if self._names is not None:
            self._names.add(name)

    def lists(self, name: bytes) -> bool:
        """Whether the last folder lists exactly *name*: it may answer to one that differs in case or accents."""
        if self._names is None or name not in self._names:
            self._names = {os.fsencode(listed) for listed in os.listdir(self._folder)}
        return name in self._names

    def flush(self) -> None:
        """All that was put into folders is on the disk. Raises OSError."""
        unsynced, self._unsynced = self._unsynced, {}
        try:
            sync_all(unsynced.values(), sync_folder)
        finally:
            for folder in unsynced.values():
                os.close(folder)

    def close(self) -> None:
        """Flush and let go."""
        try:
            self.flush()
        finally:
            self._leave()

    def _leave(self) -> None:
        os.close(self._folder)
        self._names = None

    def _note(self, path: bytes, folder: int) -> None:
        if path not in self._unsynced:
            self._unsynced[path] = os.dup(folder)
            if len(self._unsynced) >= _MOST_UNSYNCED:
                self.flush()

    def _go(self, path: bytes) -> int:
        below = path.startswith(self._path + b"/") and bool(self._path)
        at = self._path if below else b""
        folder = os.dup(self._folder if below else self._top)
        try:
            for component in path[len(at) :].split(b"/"):
                if component:
                    at = at + b"/" + component if at else component
                    opened = self._step(folder, component, at)
                    os.close(folder)
                    folder = opened
        except BaseException:
            os.close(folder)
            raise
        return folder

    def _step(self, folder: int, component: bytes, path: bytes) -> int:
        try:
            return os.open(component, FOLDER_FLAGS | os.O_NOFOLLOW, dir_fd=folder)
        except FileNotFoundError:
            if self._made is None:
                raise
        self._make(folder, component, path, self._made)
        return os.open(component, FOLDER_FLAGS | os.O_NOFOLLOW, dir_fd=folder)

    def _make(self, folder: int, component: bytes, path: bytes, made: Callable[[bytes], None]) -> None:
        try:
            os.mkdir(component, 0o700, dir_fd=folder)
        except FileExistsError:
            return
        self._note(path.rpartition(b"/")[0], folder)
        made(path)
