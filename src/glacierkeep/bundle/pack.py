"""Small files into one tar, ended by its manifest."""

import errno
import os
import stat
import tempfile
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from glacierkeep.bundle import headers
from glacierkeep.bundle.files import PIECE, as_disk_trouble, close_durably, open_new, sync_parent
from glacierkeep.bundle.headers import BLOCK, TarMember
from glacierkeep.bundle.tail import manifest_head, tail
from glacierkeep.bundle.xattrs import Xattrs, read_xattrs
from glacierkeep.domain import names
from glacierkeep.domain.files import Entry, FileKind
from glacierkeep.domain.hashes import ContentHasher, Hashes
from glacierkeep.domain.manifest import FOLDER, LONGEST_LINE, Member, member_line
from glacierkeep.domain.parts import ByteRange
from glacierkeep.errors import SourceChanged

_TROUBLE = as_disk_trouble("a bundle")


@dataclass(frozen=True, slots=True)
class PackedBundle:
    """A finished bundle: *size* in bytes, *members* without the manifest and the end.

    *starts* are where the members begin, headers included, *members_end* where the manifest's header does;
    *manifest* is where the manifest's content lies.
    """

    path: Path
    size: int
    members: int
    starts: "array[int]"
    members_end: int
    manifest: ByteRange


class BundleWriter:
    """Writes a bundle to *path*, private and new; if it is left unfinished, the file is removed.

    Names begin with the root's label. The same members give the same bytes. Memory does not grow with their
    number. With *xattrs* the extended attributes of files and folders are kept too. Raises FileExistsError;
    DiskTrouble when the disk that *path* is on is full or fails.
    """

    def __init__(self, path: Path, *, xattrs: bool = False) -> None:
        self.path = path
        self._xattrs = xattrs
        self.members = 0
        self.plain_size = 0
        self._listed = 0
        self._starts = array("q")
        self._finished = False
        self._out = open_new(path)
        self._lines: IO[bytes] = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115 - closed with the bundle
        self._piece = memoryview(bytearray(PIECE))

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
            head = headers.header(_tar_member(name, entry, self._attributes(descriptor)))
            with self._cut_away_unless_done():
                self._write(head)
                hashes = self._copy(name, descriptor, entry.size)
                _compare(name, entry, os.fstat(descriptor))
                self._write(headers.padding(entry.size))
                return self._list(_member(name, entry, start + len(head), hashes), start)
        finally:
            os.close(descriptor)

    def add_folder(self, name: bytes, entry: Entry, source: Callable[[], int] | None = None) -> Member:
        """Add a folder, without what is in it; *source* opens it, for its extended attributes. Raises OSError."""
        if source is None or not self._xattrs:
            return self._add_header(name, entry)
        descriptor = source()
        try:
            return self._add_header(name, entry, self._attributes(descriptor))
        finally:
            os.close(descriptor)

    def add_symlink(self, name: bytes, entry: Entry) -> Member:
        """Add a symlink with the text *entry.target*."""
        return self._add_header(name, entry)

    def add_hardlink(self, name: bytes, entry: Entry, target: bytes) -> Member:
        """Add another name of the file *target*: a name, label included, that came before in this bundle."""
        return self._add_header(name, entry._replace(kind=FileKind.HARDLINK, size=0, target=target))

    def finish(self) -> PackedBundle:
        """Write the manifest and the end, and make sure that all of it is on the disk."""
        members_end, head = self.plain_size, manifest_head(self.members)
        with _TROUBLE:
            for piece in tail(head, self._member_lines(), self._listed, members_end):
                self._write(piece)
            close_durably(self._out)
            sync_parent(self.path)
        self._lines.close()
        self._finished = True
        manifest = ByteRange(members_end + BLOCK, members_end + BLOCK + len(head) + self._listed)
        return PackedBundle(self.path, self.plain_size, self.members, self._starts, members_end, manifest)

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

    def _attributes(self, descriptor: int) -> Xattrs:
        return read_xattrs(descriptor) if self._xattrs else ()

    def _add_header(self, name: bytes, entry: Entry, xattrs: Xattrs = ()) -> Member:
        _check(name)
        start = self.plain_size
        with self._cut_away_unless_done():
            self._write(headers.header(_tar_member(name, entry, xattrs)))
            return self._list(_member(name, entry, self.plain_size, None), start)

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
        with _TROUBLE:
            self._out.write(content)
        self.plain_size += len(content)

    def _list(self, member: Member, start: int) -> Member:
        line = member_line(member)
        if len(line) > LONGEST_LINE:
            raise OSError(errno.ENAMETOOLONG, "its path is too long for a manifest")
        with _TROUBLE:
            self._lines.write(line)
        self._listed += len(line)
        self.members += 1
        self._starts.append(start)
        return member

    @contextmanager
    def _cut_away_unless_done(self) -> Iterator[None]:
        start = self.plain_size
        try:
            yield
        except BaseException:
            with _TROUBLE:
                self._out.seek(start)
                self._out.truncate()
            self.plain_size = start
            raise

    def _member_lines(self) -> Iterator[bytes]:
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


def _tar_member(name: bytes, entry: Entry, xattrs: Xattrs = ()) -> TarMember:
    slashed = name + b"/" if entry.kind is FileKind.FOLDER else name
    flag, link = _FLAGS[entry.kind], entry.target or b""
    return TarMember(
        slashed, flag, entry.size, entry.mtime_ns, entry.mode, entry.uid, entry.gid, link, xattrs
    )
