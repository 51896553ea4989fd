"""Plain bytes out of segments that lie in a file of ours: checked, unsealed, decompressed, one segment at a time."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from glacierkeep.bundle.frames import declared_length, decompress
from glacierkeep.bundle.read import ReadAt
from glacierkeep.domain.records import Extent
from glacierkeep.domain.segments import MOST_IN_SEALED, Codec, SealKind, Segment
from glacierkeep.errors import NoIdentity, SegmentDamaged

Unseal: TypeAlias = Callable[[bytes], bytes]
"""Opens an age file. Raises NoIdentity, or ValueError if the file is damaged."""

_PIECE = 1 << 20
_MOST_STORED = MOST_IN_SEALED + (1 << 20)
"""More than any sealed or compressed segment of ours takes, header and all."""


def no_identity(sealed: bytes) -> bytes:
    """Opens nothing: there is no identity at hand."""
    raise NoIdentity(
        "this is sealed, and no identity to open it is configured here",
        hint="gk config set keys.identity_files FILE names one; gk key list shows what is at hand",
    )


class Opening:
    """Reads segments of an archive of which *read_at* reads the bytes from *start* on; *what* names the archive.

    Memory holds one segment. For one thread.
    """

    def __init__(self, read_at: ReadAt, start: int, unseal: Unseal, what: str) -> None:
        self._read_at, self._start, self._unseal, self._what = read_at, start, unseal, what
        self._last: tuple[int, bytes] = (-1, b"")

    def content(self, extents: Iterable[Extent]) -> Iterator[bytes]:
        """The bytes of *extents*, in their order, in pieces of at most 1 MiB.

        Raises SegmentDamaged, NoIdentity.
        """
        for extent in extents:
            yield from self.part(segment_of(extent), extent.offset, extent.length)

    def part(self, segment: Segment, offset: int, length: int) -> Iterator[bytes]:
        """*length* plain bytes of *segment* from its byte *offset* on; raises as `content` does."""
        if is_plain(segment):
            if offset + length > segment.stored_length:
                raise self._damaged(segment, "it is shorter than what is recorded to lie in it")
            yield from self._plain(segment.stored_offset + offset, length)
        else:
            yield from _cut(self.segment(segment), offset, length)

    def unknown(self, segment: Segment) -> bytes:
        """All plain bytes of a sealed segment of which nobody said how many there are; raises as `content` does."""
        content = self._unsealed(segment)
        try:
            if segment.codec is Codec.ZSTD:
                content = decompress(content, declared_length(content, MOST_IN_SEALED))
        except ValueError as error:
            raise self._damaged(segment, str(error)) from error
        return content

    def segment(self, segment: Segment) -> bytes:
        """All plain bytes of a segment that is compressed or sealed. Raises SegmentDamaged, NoIdentity."""
        at, plain = self._last
        if at != segment.stored_offset:
            plain = self._open(segment)
            self._last = (segment.stored_offset, plain)
        return plain

    def _open(self, segment: Segment) -> bytes:
        if segment.plain_length > MOST_IN_SEALED:
            raise self._damaged(segment, "it is bigger than any that gk makes")
        content = self._unsealed(segment)
        try:
            if segment.codec is Codec.ZSTD:
                content = decompress(content, segment.plain_length)
        except ValueError as error:
            raise self._damaged(segment, str(error)) from error
        if len(content) != segment.plain_length:
            raise self._damaged(segment, "it opens to another length than was recorded")
        return content

    def _unsealed(self, segment: Segment) -> bytes:
        """The segment as it was sealed, if it was."""
        if segment.stored_length > _MOST_STORED:
            raise self._damaged(segment, "it is bigger than any that gk makes")
        content = self._read_at(segment.stored_offset - self._start, segment.stored_length)
        if segment.hash is not None and hashlib.sha256(content).digest() != segment.hash:
            raise self._damaged(segment, "its stored bytes do not have the hash that was recorded")
        try:
            return self._unseal(content) if segment.seal is SealKind.AGE else content
        except ValueError as error:
            raise self._damaged(segment, str(error)) from error

    def _plain(self, offset: int, length: int) -> Iterator[bytes]:
        for at in range(offset, offset + length, _PIECE):
            yield self._read_at(at - self._start, min(_PIECE, offset + length - at))

    def _damaged(self, segment: Segment, reason: str) -> SegmentDamaged:
        return SegmentDamaged(f"the segment at byte {segment.stored_offset} of {self._what}", reason)


def segment_of(extent: Extent) -> Segment:
    """The segment that *extent* lies in."""
    codec, seal = Codec(extent.codec), SealKind(extent.seal)
    return Segment(extent.stored_offset, extent.stored_length, extent.plain_length, codec, seal, extent.hash)


def is_plain(segment: Segment) -> bool:
    """Whether any part of the segment can be read without the rest."""
    return segment.codec is Codec.PLAIN and segment.seal is SealKind.NONE


def _cut(plain: bytes, offset: int, length: int) -> Iterator[bytes]:
    for at in range(offset, offset + length, _PIECE):
        yield plain[at : min(at + _PIECE, offset + length)]
