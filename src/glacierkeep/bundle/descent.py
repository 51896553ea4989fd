"""Going down from a folder, one component at a time, never through a symlink."""

import os
from collections.abc import Callable

from glacierkeep.bundle.folder import FOLDER_FLAGS, sync_folder


class Descent:
    """Folders below *top*, the last one kept open, since what comes next mostly lies there too.

    With *made*, missing folders are created, private, and it is told of each. *top* stays the caller's.
    """

    def __init__(self, top: int, made: Callable[[bytes], None] | None = None) -> None:
        self._top = top
        self._made = made
        self._path = b""
        self._folder = os.dup(top)
        self._names: set[bytes] | None = None
        self._touched = False

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
        """*name* was put into the last folder: it will be synced."""
        self._touched = True
        if self._names is not None:
            self._names.add(name)

    def lists(self, name: bytes) -> bool:
        """Whether the last folder lists exactly *name*: it may answer to one that differs in case or accents."""
        if self._names is None or name not in self._names:
            self._names = {os.fsencode(listed) for listed in os.listdir(self._folder)}
        return name in self._names

    def flush(self) -> None:
        """What was put into the last folder is on the disk, as it is for those before."""
        if self._touched:
            sync_folder(self._folder)
        self._touched = False

    def close(self) -> None:
        """Flush and let go."""
        self._leave()

    def _leave(self) -> None:
        try:
            self.flush()
        finally:
            os.close(self._folder)
            self._names = None

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
        sync_folder(folder)
        made(path)
