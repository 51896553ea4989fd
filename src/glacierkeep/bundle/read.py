"""What a bundle says of itself. It comes from a vault: nothing in it is believed before it was checked."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, BinaryIO, TypeAlias

from glacierkeep.bundle.headers import BLOCK, is_header_of
from glacierkeep.domain import names
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.manifest import (
    END_LENGTH,
    END_NAME,
    LONGEST_LINE,
    TAIL,
    BadManifest,
    End,
    Member,
    read_end,
    read_members,
)

PIECE = 1024 * 1024

ReadAt: TypeAlias = Callable[[int, int], bytes]
"""Gives the bytes from an offset, as many as the second number says."""


def reader_of(file: BinaryIO) -> ReadAt:
    """Reads anywhere in a seekable local *file*; the file's own position stays."""
    descriptor = file.fileno()

    def read_at(offset: int, length: int) -> bytes:
        pieces = []
        while length and (piece := os.pread(descriptor, length, offset)):
            pieces.append(piece)
            offset, length = offset + len(piece), length - len(piece)
        return b"".join(pieces)

    return read_at


def find_end(read_at: ReadAt, size: int) -> End:
    """The end of a bundle of *size* bytes. Raises BadManifest if it is none of ours."""
    if size < TAIL or size % BLOCK:
        raise BadManifest("the archive has not the size of a bundle")
    tail = _exactly(read_at, size - TAIL, TAIL)
    content = tail[BLOCK : BLOCK + END_LENGTH]
    if not is_header_of(tail[:BLOCK], END_NAME, END_LENGTH) or any(tail[BLOCK + END_LENGTH :]):
        raise BadManifest("the archive does not end as a bundle of ours")
    end = read_end(content, size)
    if end.offset + end.length > size - TAIL:
        raise BadManifest("the end member points outside the members")
    return end


def read_manifest(read_at: ReadAt, size: int) -> Iterator[Member]:
    """The members of a bundle of *size* bytes, each checked; the whole manifest's hash agrees before the first.

    Raises BadManifest, perhaps after some members. Memory does not grow with their number.
    """
    end = find_end(read_at, size)
    with tempfile.TemporaryFile() as copy:
        _fetch(read_at, end, copy)
        copy.seek(0)
        yield from checked_members(read_members(lines_of(copy)), end)


def checked_members(members: Iterator[Member], end: End) -> Iterator[Member]:
    """*members*, each checked, of a bundle that they fill up to *end*. Raises BadManifest."""
    for count, member in enumerate(members, start=1):
        if count * BLOCK > end.offset:
            raise BadManifest("the manifest lists more members than the archive can hold")
        _check(member, end)
        yield member


def member_pieces(read_at: ReadAt, member: Member) -> Iterator[bytes]:
    """The content of *member* in pieces of at most 1 MiB, not compared with its hashes. Raises BadManifest."""
    yield from _pieces(read_at, member.offset, member.size)


def _fetch(read_at: ReadAt, end: End, copy: IO[bytes]) -> None:
    digest = hashlib.sha256()
    for piece in _pieces(read_at, end.offset, end.length):
        digest.update(piece)
        copy.write(piece)
    end.check_hash(digest.digest())


def _pieces(read_at: ReadAt, offset: int, length: int) -> Iterator[bytes]:
    for done in range(0, length, PIECE):
        yield _exactly(read_at, offset + done, min(PIECE, length - done))


def _exactly(read_at: ReadAt, offset: int, length: int) -> bytes:
    content = read_at(offset, length)
    if len(content) != length:
        raise BadManifest("the archive is shorter than it should be")
    return content


def lines_of(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a manifest. Raises BadManifest for one that is too long."""
    while line := file.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise BadManifest("a line of the manifest is too long")
        yield line


def _check(member: Member, end: End) -> None:
    trouble = names.trouble_with(member.path)
    if trouble:
        raise BadManifest(f"the member {names.printable(member.path)} has no safe path: {trouble}")
    if member.offset + member.size > end.offset:
        raise BadManifest(f"the member {names.printable(member.path)} lies outside the archive")
    if member.kind is FileKind.FILE:
        _check_file(member)
    elif member.size:
        raise BadManifest(f"the member {names.printable(member.path)} has content and is no file")
    if member.kind in (FileKind.SYMLINK, FileKind.HARDLINK):
        _check_link(member)


def _check_file(member: Member) -> None:
    if member.tree_hash is None or (member.md5 is None and member.portion is None):
        raise BadManifest(f"the member {names.printable(member.path)} has no hashes")


def _check_link(member: Member) -> None:
    if not member.target or b"\0" in member.target:
        raise BadManifest(f"the link {names.printable(member.path)} has no target")
    if member.kind is FileKind.HARDLINK and names.trouble_with(member.target):
        raise BadManifest(f"the link {names.printable(member.path)} leads out")
