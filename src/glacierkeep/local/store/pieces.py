"""Bytes on disk: what a request brings becomes one private file, which an archive or upload then refers to.

A file is written and made durable under ``incoming/``, becomes visible by the row that names it, and
moves to its place afterwards. So what lies in ``incoming/`` is all that a crash can leave behind.
"""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import FileIO, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO

from glacierkeep.local.store.treehash import MIB, UploadHashes
from glacierkeep.local.wire.messages import Direct, Readable, fill

INCOMING = "incoming"
WRITTEN_AHEAD = 8 * MIB
PIECE = 4 * MIB
"""Bytes read and written at once: with smaller ones the calls cost more, with larger ones many clients much memory."""

_FULL_SYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)


@dataclass(frozen=True, slots=True)
class Span:
    """*size* bytes of *file* from *offset* on."""

    file: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file of *length* bytes being received: not yet durable, known to nobody."""

    file: str
    path: Path
    length: int
    hashes: UploadHashes
    stream: BinaryIO

    def seal(self) -> None:
        """Make the bytes and the file's name durable; from now on a row may refer to it."""
        self.stream.flush()
        _flush_to_disk(self.stream.fileno())
        self.stream.close()
        sync_folder(self.path.parent)

    def insist(self) -> None:
        """Raise OSError when someone cleared the file away; asked in the transaction that refers to it."""
        self.path.stat()


class Pieces:
    """The files under the service's folder, apart by account and region."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / INCOMING).mkdir(mode=0o700, exist_ok=True)

    @contextmanager
    def arriving(self, place: str, settle: Callable[[str], None], length: int = 0) -> Iterator[Arrival]:
        """A new file for *place*, ``ACCOUNT/REGION``, of *length* bytes if they are to be hashed.

        When the block fails *settle* is told its name, and finds out what it is worth.
        """
        token = secrets.token_hex(16)
        file = f"{place}/{token[:2]}/{token}"
        path = self._incoming(file)
        stream = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        try:
            yield Arrival(file, path, length, UploadHashes(length), stream)
        except BaseException:
            stream.close()
            settle(file)
            raise
        # A row refers to the file by now: if it cannot be moved it is read, and moved later, from here.
        with suppress(OSError):
            self.put_in_place(file)

    def put_in_place(self, file: str) -> None:
        """Move a file that a row refers to out of ``incoming/``; nothing to do when someone else did."""
        target = self._folder / file
        try:
            os.rename(self._incoming(file), target)
        except FileNotFoundError:
            if self._incoming(file).exists():
                for parent in reversed(target.relative_to(self._folder).parents[:-1]):
                    (self._folder / parent).mkdir(mode=0o700, exist_ok=True)
                self.put_in_place(file)

    def open(self, file: str) -> FileIO:
        """Open a file, wherever it has got to."""
        for path in (self._folder / file, self._incoming(file)):
            with suppress(FileNotFoundError, NotADirectoryError):
                return FileIO(path)
        return FileIO(self._folder / file)

    def remove(self, file: str) -> None:
        """Remove a file that nothing refers to; no matter if it is gone."""
        for path in (self._folder / file, self._incoming(file)):
            path.unlink(missing_ok=True)

    def leftovers(self) -> Iterator[tuple[str, float]]:
        """What lies in ``incoming/``: the file's name and its last write (seconds since 1970)."""
        with os.scandir(self._folder / INCOMING) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    yield entry.name.replace("+", "/"), entry.stat().st_mtime

    def _incoming(self, file: str) -> Path:
        return self._folder / INCOMING / file.replace("/", "+")


class SpanStream(RawIOBase):
    """The bytes of several spans, one after the other; at most one file is open."""

    def __init__(self, pieces: Pieces, spans: Sequence[Span]) -> None:
        super().__init__()
        self._pieces = pieces
        self._spans = iter(spans)
        self._open: FileIO | None = None
        self._left = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            if not self._next_span():
                return 0
        if not len(buffer):
            return 0
        assert self._open is not None
        with memoryview(buffer) as view:
            count = self._open.readinto(view[: self._left])
        if not count:
            raise OSError(f"a stored file is {self._left} bytes too short")
        self._left -= count
        return count

    def close(self) -> None:
        self._let_go()
        super().close()

    def _next_span(self) -> bool:
        self._let_go()
        span = next(self._spans, None)
        if span is None:
            return False
        self._open = self._pieces.open(span.file)
        self._open.seek(span.offset)
        self._left = span.size
        return True

    def _let_go(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


def receive(body: Readable, arrival: Arrival) -> int:
    """Copy *body* into *arrival*, up to the length it expects, hashing on the way; how many bytes came."""
    # What is copied on the way exists twice, and in the process of whoever sends it.
    size = PIECE if isinstance(body, Direct) else MIB
    buffer = memoryview(bytearray(min(size, arrival.length)))
    while left := arrival.length - arrival.hashes.size:
        piece = buffer[: fill(body, buffer[:left])]
        if not piece:
            break
        arrival.hashes.add(piece)
        arrival.stream.write(piece)
        if arrival.hashes.size % WRITTEN_AHEAD == 0:
            _write_back(arrival.stream.fileno(), arrival.hashes.size)
    return arrival.hashes.size


def sync_folder(folder: Path) -> None:
    """Make the names in *folder* durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _flush_to_disk(descriptor)
    finally:
        os.close(descriptor)


def _flush_to_disk(descriptor: int) -> None:
    # On macOS fsync leaves the bytes in the drive's own cache.
    if _FULL_SYNC is None:
        os.fsync(descriptor)
    else:
        fcntl.fcntl(descriptor, _FULL_SYNC)


def _write_back(descriptor: int, size: int) -> None:
    # Linux begins to write what is dirty and lets go of what is clean: the flush at the end has little left to do,
    # and an upload of any size occupies a few MiB of the page cache. A hint: nothing depends on it.
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):
            os.posix_fadvise(descriptor, 0, size, os.POSIX_FADV_DONTNEED)
