"""Standard input as it comes: portions of at most a volume, each staged whole before anything is done with it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from glacierkeep.errors import DiskTrouble, Stopped
from glacierkeep.operations.asking import new_token

FOLDER = "incoming"
"""Where in staging portions lie."""

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Received:
    """A staged portion of *size* bytes; *last* says that the stream ends with it."""

    path: Path
    size: int
    last: bool


class Incoming:
    """The portions of *stream*, of *most* bytes but for the last, in files of their own in *folder*."""

    def __init__(self, stream: BinaryIO, folder: Path, most: int, stop: Callable[[], bool]) -> None:
        self._stream, self._folder, self._most, self._stop = stream, folder, most, stop
        self._ahead = b""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        clear_incoming(folder)

    @contextmanager
    def receive(self) -> Iterator[Received]:
        """The next portion, durable; its file is gone afterwards. Raises DiskTrouble, Stopped."""
        path = self._folder / f"{os.getpid()}-{new_token()}"
        try:
            size = self._stage(path)
            yield Received(path, size, last=not self._ahead)
        finally:
            path.unlink(missing_ok=True)

    def _stage(self, path: Path) -> int:
        size = 0
        try:
            with open(path, "xb", opener=_private) as file:
                while piece := self._read(self._most - size):
                    file.write(piece)
                    size += len(piece)
                file.flush()
                os.fsync(file.fileno())
                self._ahead = self._read(1)
        except OSError as error:
            raise DiskTrouble(
                f"standard input cannot be staged in {self._folder}: {error.strerror}",
                hint="free some space, or put GK_HOME on a larger disk",
            ) from error
        return size

    def _read(self, most: int) -> bytes:
        if self._stop():
            raise Stopped
        if self._ahead and most:
            piece, self._ahead = self._ahead, b""
            return piece
        return self._stream.read(min(most, _PIECE))


def clear_incoming(folder: Path) -> None:
    """Remove the portions that killed runs left in *folder*, if there is one."""
    for left in folder.glob("*"):
        pid = left.name.partition("-")[0]
        if pid.isdigit() and not _is_alive(int(pid)):
            left.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
