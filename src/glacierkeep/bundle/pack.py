"""Small files into one tar, ended by its manifest."""

import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO

from glacierkeep.bundle import headers
from glacierkeep.bundle.folder import FOLDER_FLAGS, sync_folder
from glacierkeep.bundle.headers import BLOCK, TarMember
from glacierkeep.domain import names
from glacierkeep.domain.files import Entry, FileKind
from glacierkeep.domain.hashes import ContentHasher, Hashes
from glacierkeep.domain.manifest import (
    END_LENGTH,
    END_NAME,
    FOLDER,
    LONGEST_LINE,
    MANIFEST_NAME,
    TAIL,
    End,
    Member,
    end_content,
    first_line,
    member_line,
)
from glacierkeep.errors import DiskTrouble, SourceChanged

PIECE = 1024 * 1024
"""Bytes read and written at once."""

_NO_HASHES = Hashes(0, bytes(16), bytes(32))


@dataclass(frozen=True, slots=True)
class PackedBundle:
    """A finished bundle: *size* in bytes, *members* without the manifest and the end."""

    path: Path
    size: int
    members: int


class BundleWriter:
    """Writes a bundle to *path*, private and new; if it is left unfinished, the file is removed.

    Names begin with the root's label. The same members give the same bytes. Memory does not grow with their
    number. Raises FileExistsError; DiskTrouble when the disk that *path* is on is full or fails.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.members = 0
        self.plain_size = 0
        self._listed = 0
        self._finished = False
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._out = os.fdopen(os.open(path, flags, 0o600), "w+b", buffering=PIECE)
        self._lines: IO[bytes] = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115 - closed with the bundle
        self._piece = memoryview(bytearray(PIECE))

    def size_after(self, name: bytes, entry: Entry) -> int:
        """Bytes of the finished bundle if *entry* were added and nothing more."""
        member = _member(name, entry, self.plain_size, _NO_HASHES if entry.kind is FileKind.FILE else None)
        listed = self._listed + len(member_line(member)) + len(first_line(self.members + 1))
        added = len(headers.header(_tar_member(name, entry))) + _padded(entry.size)
        return self.plain_size + added + BLOCK + _padded(listed) + TAIL

    def add_file(self, name: bytes, entry: Entry, source: Callable[[], int]) -> Member:
        """Add what the descriptor given by *source* reads, once; the descriptor is closed here.

        Raises SourceChanged if the file is not, or does not stay, what *entry* says, and OSError if it cannot
        be read: the bundle is then as it was before.
        """
        _check(name)
        start = self.plain_size
        descriptor = source()
        try:
            _compare(name, entry, os.fstat(descriptor))
            head = headers.header(_tar_member(name, entry))
            with self._cut_away_unless_done():
                self._write(head)
                hashes = self._copy(name, descriptor, entry.size)
                _compare(name, entry, os.fstat(descriptor))
                self._write(headers.padding(entry.size))
                return self._list(_member(name, entry, start + len(head), hashes))
        finally:
            os.close(descriptor)

    def add_folder(self, name: bytes, entry: Entry) -> Member:
        """Add a folder, without what is in it."""
        return self._add_header(name, entry)

    def add_symlink(self, name: bytes, entry: Entry) -> Member:
        """Add a symlink with the text *entry.target*."""
        return self._add_header(name, entry)

    def add_hardlink(self, name: bytes, entry: Entry, target: bytes) -> Member:
        """Add another name of the file *target*: a name, label included, that came before in this bundle."""
        return self._add_header(name, replace(entry, kind=FileKind.HARDLINK, size=0, target=target))

    def finish(self) -> PackedBundle:
        """Write the manifest and the end, and make sure that all of it is on the disk."""
        with _as_disk_trouble:
            self._write(headers.header(TarMember(MANIFEST_NAME, headers.FILE, self._manifest_size())))
            offset, digest = self.plain_size, hashlib.sha256()
            for piece in self._manifest():
                digest.update(piece)
                self._write(piece)
            length = self.plain_size - offset
            self._write(headers.padding(length))
            self._write(headers.header(TarMember(END_NAME, headers.FILE, END_LENGTH)))
            self._write(end_content(End(offset, length, digest.digest())) + bytes(2 * BLOCK))
            self._out.flush()
            os.fsync(self._out.fileno())
            self._out.close()
            _sync(self.path.parent)
        self._lines.close()
        self._finished = True
        return PackedBundle(self.path, self.plain_size, self.members)

    def abandon(self) -> None:
        """Remove the unfinished file; nothing, once it is finished."""
        if not self._finished:
            with suppress(OSError):  # what is still to be written is not wanted any more
                self._out.close()
            self._lines.close()
            self.path.unlink(missing_ok=True)

    def __enter__(self) -> "BundleWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abandon()

    def _add_header(self, name: bytes, entry: Entry) -> Member:
        _check(name)
        with self._cut_away_unless_done():
            self._write(headers.header(_tar_member(name, entry)))
            return self._list(_member(name, entry, self.plain_size, None))

    def _copy(self, name: bytes, source: int, size: int) -> Hashes:
        hasher = ContentHasher()
        while hasher.size < size:
            piece = self._piece[: os.readv(source, (self._piece[: size - hasher.size],))]
            if not piece:
                raise SourceChanged(f"{names.printable(name)} shrank while it was read")
            hasher.update(piece)
            self._write(piece)
        return hasher.result()

    def _write(self, content: bytes | memoryview) -> None:
        with _as_disk_trouble:
            self._out.write(content)
        self.plain_size += len(content)

    def _list(self, member: Member) -> Member:
        line = member_line(member)
        if len(line) > LONGEST_LINE:
            raise OSError(errno.ENAMETOOLONG, "its path is too long for a manifest")
        with _as_disk_trouble:
            self._lines.write(line)
        self._listed += len(line)
        self.members += 1
        return member

    @contextmanager
    def _cut_away_unless_done(self) -> Iterator[None]:
        start = self.plain_size
        try:
            yield
        except BaseException:
            with _as_disk_trouble:
                self._out.seek(start)
                self._out.truncate()
            self.plain_size = start
            raise

    def _manifest_size(self) -> int:
        return len(first_line(self.members)) + self._listed

    def _manifest(self) -> Iterator[bytes]:
        yield first_line(self.members)
        self._lines.seek(0)
        while piece := self._lines.read(PIECE):
            yield piece


def _check(name: bytes) -> None:
    trouble = names.trouble_with(name)
    if trouble is None and name.split(b"/", 1)[0] == FOLDER:
        trouble = "it is reserved"
    if trouble is not None:
        raise ValueError(f"{names.printable(name)} is no name for a member: {trouble}")


def _compare(name: bytes, entry: Entry, status: os.stat_result) -> None:
    found = (status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev)
    if found != (entry.size, entry.mtime_ns, entry.inode, entry.device) or not stat.S_ISREG(status.st_mode):
        raise SourceChanged(f"{names.printable(name)} changed while it was read")


def _member(name: bytes, entry: Entry, offset: int, hashes: Hashes | None) -> Member:
    md5, tree_hash = (hashes.md5, hashes.tree_hash) if hashes else (None, None)
    return Member(
        name, entry.kind, offset, entry.size, entry.mtime_ns, entry.mode, md5, tree_hash, target=entry.target
    )


_FLAGS = {
    FileKind.FILE: headers.FILE,
    FileKind.FOLDER: headers.FOLDER,
    FileKind.SYMLINK: headers.SYMLINK,
    FileKind.HARDLINK: headers.HARDLINK,
}


def _tar_member(name: bytes, entry: Entry) -> TarMember:
    slashed = name + b"/" if entry.kind is FileKind.FOLDER else name
    flag, link = _FLAGS[entry.kind], entry.target or b""
    return TarMember(slashed, flag, entry.size, entry.mtime_ns, entry.mode, entry.uid, entry.gid, link)


def _padded(size: int) -> int:
    return size + -size % BLOCK


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, FOLDER_FLAGS)
    try:
        sync_folder(descriptor)
    finally:
        os.close(descriptor)


class _AsDiskTrouble:
    """What the disk refuses within it becomes DiskTrouble."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, OSError):
            raise DiskTrouble(f"a bundle cannot be written: {error.strerror}") from error


_as_disk_trouble = _AsDiskTrouble()
# One for all and no generator: it is entered several times for each of very many files.
