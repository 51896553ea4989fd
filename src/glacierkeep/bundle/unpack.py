"""An archive of ours that nothing is known of: what it says of itself, in whatever form it is stored.

It comes from a vault: nothing in it is believed before it was checked. Its own manifest is followed, never its tar
headers, so links, devices and names that lead out have no way in.
"""

import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

from glacierkeep.bundle import headers
from glacierkeep.bundle.frames import BadFrame
from glacierkeep.bundle.headers import BLOCK, is_header_of
from glacierkeep.bundle.opening import Opening, Unseal
from glacierkeep.bundle.read import (
    MOST_LISTED,
    ReadAt,
    checked_members,
    copy_manifest,
    find_end,
    lines_of,
    listed_members,
)
from glacierkeep.bundle.seek_table import read_seek_table
from glacierkeep.bundle.storing import MOST_SEALED, sealed_name
from glacierkeep.domain.manifest import TAIL, BadManifest, BadMember, End, Member, read_lines
from glacierkeep.domain.segments import Codec, SealKind, Segment, SegmentMap

_SEALED_NAME = re.compile(rb"(\d{6})\.tar(\.zst)?\.age\0")


@dataclass(frozen=True, slots=True)
class Contents:
    """The members of an archive, each checked, or what is wrong with one; and how to read the content of one.

    Both may raise BadManifest.
    """

    members: Iterator[Member | BadMember]
    content: Callable[[Member], Iterator[bytes]]


def open_contents(read_at: ReadAt, size: int, unseal: Unseal, what: str) -> Contents:
    """What the archive called *what*, of *size* bytes, holds, be it plain, compressed or sealed.

    Raises BadManifest if it is none of ours, SegmentDamaged, NoIdentity.
    """
    opening = Opening(read_at, 0, unseal, what)
    if sealed := _outer(read_at, size):
        return _sealed(opening, sealed)
    segments = _framed(read_at, size) or [Segment(0, size, size)]
    within = SegmentMap(segments)

    def plain_at(offset: int, length: int) -> bytes:
        length = max(0, min(length, within.plain_size - offset))
        return b"".join(_content(opening, within, offset, length))

    return Contents(
        listed_members(plain_at, within.plain_size),
        lambda member: _content(opening, within, member.offset, member.size),
    )


def _content(opening: Opening, within: SegmentMap, offset: int, length: int) -> Iterator[bytes]:
    for piece in within.pieces(offset, length):
        yield from opening.part(within.segments[piece.segment], piece.offset, piece.length)


def _framed(read_at: ReadAt, size: int) -> list[Segment]:
    """The frames of a `.tar.zst`; none if it does not end as one of ours."""
    try:
        lengths = read_seek_table(read_at, size)
    except BadFrame:
        return []
    segments, at = [], 0
    for stored, plain in lengths:
        segments.append(Segment(at, stored, plain, Codec.ZSTD))
        at += stored
    return segments


def _outer(read_at: ReadAt, size: int) -> list[Segment]:
    """The sealed segments of an outer tar, their plain lengths unknown (0); none if it is no sealed archive of ours."""
    segments: list[Segment] = []
    at = 0
    while len(segments) < MOST_SEALED:
        block = read_at(at, BLOCK)
        found = _SEALED_NAME.match(block)
        if found is None:
            break
        codec = Codec.ZSTD if found.group(2) else Codec.PLAIN
        length = _octal(block[124:135])
        if length < 0 or not is_header_of(block, sealed_name(len(segments) + 1, codec), length):
            return []
        segments.append(Segment(at + BLOCK, length, 0, codec, SealKind.AGE))
        at += BLOCK + length + len(headers.padding(length))
    return segments if at + 2 * BLOCK == size and not any(read_at(at, 2 * BLOCK)) else []


def _octal(field: bytes) -> int:
    digits = field.rstrip(b"\0")
    return int(digits, 8) if digits.isdigit() and not set(digits) - set(b"01234567") else -1


def _sealed(opening: Opening, outer: list[Segment]) -> Contents:
    """The last segments hold the manifest, which says how long all the others are."""
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - closed once its members are read
    try:
        end = _copy_sealed_manifest(opening, outer, copy)
        listed, members = read_lines(lines_of(copy), len(outer))
        within = _placed(listed, outer, end)
    except BaseException:
        copy.close()
        raise

    def checked() -> Iterator[Member | BadMember]:
        with copy:
            yield from checked_members(members, End(within.plain_size, end.length, end.sha256))

    return Contents(checked(), lambda member: _content(opening, within, member.offset, member.size))


def _placed(listed: list[Segment], outer: list[Segment], end: End) -> SegmentMap:
    """The segments that the manifest lists, compared with those that are there. Raises BadManifest."""
    places = [(each.stored_offset, each.stored_length, each.codec, each.seal) for each in listed]
    known = [(each.stored_offset, each.stored_length, each.codec, each.seal) for each in outer]
    if not listed or places != known[: len(listed)]:
        raise BadManifest("the manifest does not list the segments that are there")
    within = SegmentMap(listed)
    if within.plain_size > end.offset:
        raise BadManifest("the manifest lists more than lies before it")
    return within


def _copy_sealed_manifest(opening: Opening, outer: list[Segment], copy: IO[bytes]) -> End:
    """The end; the manifest before it, which lies in as many of the last segments as it takes, comes into *copy*."""
    tail, first = b"", len(outer)
    while first and len(tail) < TAIL:
        first -= 1
        tail = opening.unknown(outer[first]) + tail
    if len(tail) < TAIL:
        raise BadManifest("the archive does not end as a sealed one of ours")
    end, there = _end_of(tail), len(tail)
    wanted = TAIL + end.length + len(headers.padding(end.length))
    while first and there < wanted:
        first -= 1
        there += len(opening.unknown(outer[first]))
    if there < wanted:
        raise BadManifest("the archive is shorter than its manifest")
    plain = (opening.unknown(each) for each in outer[first:])
    copy_manifest(_slice(plain, there - wanted, end.length), end, copy)
    return end


def _slice(pieces: Iterator[bytes], start: int, length: int) -> Iterator[bytes]:
    """*length* bytes of *pieces* from *start* on."""
    at = 0
    for piece in pieces:
        yield piece[max(0, start - at) : max(0, start + length - at)]
        at += len(piece)


def _end_of(tail: bytes) -> End:
    """The end member, wherever in the plain content *tail* begins."""
    size = 1 << 62
    base = size - len(tail)
    end = find_end(lambda at, length: tail[at - base : at - base + length], size)
    if end.length > MOST_LISTED:
        raise BadManifest("the manifest is longer than any of ours")
    return end
