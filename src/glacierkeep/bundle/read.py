"""What a bundle says of itself. It comes from a vault: nothing in it is believed before it was checked."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO, BinaryIO, TypeAlias

from glacierkeep.bundle.headers import BLOCK, is_header_of, padding
from glacierkeep.domain import names
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.filling import MOST_MEMBERS_EVER
from glacierkeep.domain.manifest import (
    END_LENGTH,
    END_NAME,
    LONGEST_LINE,
    TAIL,
    BadManifest,
    BadMember,
    End,
    Member,
    all_good,
    read_end,
    read_lines,
)

PIECE = 1024 * 1024
MOST_LISTED = 1 << 28
"""Bytes of a manifest: far more than ours has. What is compressed may claim any length, and fills a disk with it."""

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
    yield from all_good(listed_members(read_at, size))


def listed_members(read_at: ReadAt, size: int) -> Iterator[Member | BadMember]:
    """As read_manifest; in place of a member that cannot be comes what is wrong with it."""
    end = find_end(read_at, size)
    with tempfile.TemporaryFile() as copy:
        copy_manifest(_pieces(read_at, end.offset, end.length), end, copy)
        yield from checked_members(read_lines(lines_of(copy))[1], end)


def copy_manifest(pieces: Iterable[bytes], end: End, copy: IO[bytes]) -> None:
    """Write the manifest's *pieces* into *copy*, to be read from its beginning. Raises BadManifest, also before the
    first of too many."""
    if end.length > MOST_LISTED:
        raise BadManifest("the manifest is longer than any of ours")
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
        copy.write(piece)
    end.check_hash(digest.digest())
    copy.seek(0)


def checked_members(listed: Iterable[Member | BadMember], end: End) -> Iterator[Member | BadMember]:
    """*listed*, each checked, of a bundle that they fill up to *end*, one after the other. Raises BadManifest."""
    free = 0
    for count, each in enumerate(listed, start=1):
        if count * BLOCK > end.offset or count > MOST_MEMBERS_EVER:
            raise BadManifest("the manifest lists more members than the archive can hold")
        trouble = each if isinstance(each, BadMember) else _trouble_with(each, free, end)
        if isinstance(each, Member) and trouble is None:
            free = each.offset + each.size + len(padding(each.size))
        yield trouble or each


def member_pieces(read_at: ReadAt, member: Member) -> Iterator[bytes]:
    """The content of *member* in pieces of at most 1 MiB, not compared with its hashes. Raises BadManifest."""
    yield from _pieces(read_at, member.offset, member.size)


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


def _trouble_with(member: Member, free: int, end: End) -> BadMember | None:
    """What is wrong with *member*, which has no place before the byte *free*."""
    reason = _reason(member, free, end)
    return BadMember(member.path, reason) if reason else None


def _reason(member: Member, free: int, end: End) -> str | None:
    trouble = names.trouble_with(member.path)
    if trouble:
        return f"has no safe path: {trouble}"
    if member.offset < free + BLOCK:
        return "lies in another, or out of order"
    if member.offset + member.size > end.offset:
        return "lies outside the archive"
    if member.kind is FileKind.FILE:
        lacks = member.tree_hash is None or (member.md5 is None and member.portion is None)
        return "has no hashes" if lacks else None
    if member.size:
        return "has content and is no file"
    return _reason_of_link(member) if member.kind is not FileKind.FOLDER else None


def _reason_of_link(member: Member) -> str | None:
    if not member.target or b"\0" in member.target:
        return "is a link and has no target"
    if member.kind is FileKind.HARDLINK and names.trouble_with(member.target):
        return "is a link that leads out"
    return None
