"""Segments: pieces of an archive that are sealed, compressed, checked and opened alone.

An archive's plain content (of a bundle: its tar) is cut into segments that follow each other without gaps.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from glacierkeep.domain.limits import MIB
from glacierkeep.domain.records import Piece

MOST_IN_FRAME = 4 * MIB
"""Plain bytes of one zstd frame, at most: what is brought for one member is at most two frames more."""

MOST_IN_SEALED = 8 * MIB
"""Plain bytes of one sealed segment, at most: age cannot seek, so all of a segment is opened for any of it."""


class Codec(StrEnum):
    """How a segment's plain bytes are compressed. The words are stored."""

    PLAIN = "plain"
    ZSTD = "zstd"


class SealKind(StrEnum):
    """How a segment's (compressed) bytes are encrypted. The words are stored."""

    NONE = "none"
    AGE = "age"


@dataclass(frozen=True, slots=True)
class Segment:
    """Where a segment lies in its archive; its index is its place in the list.

    Lengths and offsets in bytes; *hash* is the SHA-256 of the stored bytes, None for a plain segment that is all of
    its archive, which the archive's tree hash vouches for.
    """

    stored_offset: int
    stored_length: int
    plain_length: int
    codec: Codec = Codec.PLAIN
    seal: SealKind = SealKind.NONE
    hash: bytes | None = None


class SegmentMap:
    """Finds plain content in segments."""

    def __init__(self, segments: Iterable[Segment]) -> None:
        self.segments = tuple(segments)
        self._ends = list(accumulate(segment.plain_length for segment in self.segments))

    @property
    def plain_size(self) -> int:
        """Bytes of the whole plain content."""
        return self._ends[-1] if self._ends else 0

    def pieces(self, offset: int, length: int, version_offset: int = 0) -> tuple[Piece, ...]:
        """Where *length* plain bytes from *offset* lie, as pieces; a single empty one for no bytes.

        Raises ValueError for what lies outside.
        """
        if offset < 0 or length < 0 or offset + length > self.plain_size:
            raise ValueError("these bytes lie outside the archive")
        return tuple(self._pieces(offset, length, version_offset))

    def _pieces(self, offset: int, length: int, version_offset: int) -> Iterator[Piece]:
        index = min(bisect_right(self._ends, offset), len(self._ends) - 1)
        stop = offset + length
        while True:
            start = self._ends[index] - self.segments[index].plain_length
            taken = min(stop, self._ends[index]) - offset
            yield Piece(offset - start, taken, version_offset, index)
            offset, version_offset, index = offset + taken, version_offset + taken, index + 1
            if offset >= stop:
                return
