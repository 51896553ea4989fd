"""Plain segments become stored bytes: as they are, as zstd frames, or sealed one by one in an outer tar."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple, Protocol, TypeAlias

from glacierkeep.bundle import headers
from glacierkeep.bundle.ahead import Ahead
from glacierkeep.bundle.frames import compress, store
from glacierkeep.bundle.headers import BLOCK, TarMember
from glacierkeep.bundle.probe import estimate
from glacierkeep.bundle.seek_table import seek_table
from glacierkeep.domain.forms import Compression, Squeeze
from glacierkeep.domain.segments import MOST_IN_FRAME, MOST_IN_SEALED, Codec, SealKind, Segment

Seal: TypeAlias = Callable[[bytes], bytes]
"""Makes an age file of plain bytes."""

MOST_SEALED = 999_999
"""Segments of one sealed archive: their names in the outer tar have six digits."""

_WORTH_A_FRAME = 0.95
"""Content that a probe sees shrinking by less is not compressed: it would cost time and win nothing."""


@dataclass(frozen=True, slots=True)
class Coding:
    """In what form archives are stored; *seal* None: not encrypted, else *sealed_to* says in short for whom."""

    squeeze: Squeeze = field(default_factory=Squeeze)
    seal: Seal | None = None
    sealed_to: str = ""

    @property
    def form(self) -> str:
        """A word that differs where the volumes of one file must not be of one set."""
        return f"age:{self.sealed_to}" if self.seal is not None else "open"


class Storing(Protocol):
    """Takes the plain content of an archive, segment by segment. *segments* are those that are stored."""

    most: int
    """Plain bytes of one segment, at most."""
    segments: list[Segment]
    listed: bool
    """Whether the archive's own manifest says where its segments lie."""

    def add(self, plain: bytes) -> None:
        """Store one segment, now or a little later. Raises OSError, and what the seal raises."""

    def flush(self) -> None:
        """All that was added is stored. Raises as `add` does."""

    def finish(self) -> None:
        """Flush, and write what comes after the last segment. Raises as `add` does."""

    def close(self) -> None:
        """Let go of what was needed for it."""


class PlainStoring:
    """The content as it is: all of it is one segment."""

    listed = False

    def __init__(self, out: BinaryIO) -> None:
        self.most = MOST_IN_FRAME
        self.segments: list[Segment] = []
        self._out = out
        self._size = 0

    def add(self, plain: bytes) -> None:
        """See Storing."""
        self._out.write(plain)
        self._size += len(plain)

    def flush(self) -> None:
        """See Storing."""

    def finish(self) -> None:
        """See Storing."""
        self.segments = [Segment(0, self._size, self._size)]

    def close(self) -> None:
        """See Storing."""


class _Coded(NamedTuple):
    """A segment ready to be written."""

    content: bytes
    plain_length: int
    codec: Codec
    hash: bytes


class FramedStoring:
    """A `.tar.zst`: each segment a frame of its own; the seek table at the end finds them."""

    listed = False

    def __init__(self, out: BinaryIO, squeeze: Squeeze) -> None:
        self.most = MOST_IN_FRAME
        self.segments: list[Segment] = []
        self._out, self._squeeze = out, squeeze
        self._at = 0
        self._ahead = Ahead(self._code, self._write)
        self.add, self.flush, self.close = self._ahead.put, self._ahead.flush, self._ahead.close

    def finish(self) -> None:
        """See Storing."""
        self.flush()
        self._out.write(seek_table([(each.stored_length, each.plain_length) for each in self.segments]))

    def _code(self, plain: bytes) -> _Coded:
        frame = squeezed(plain, self._squeeze) or store(plain)
        return _Coded(frame, len(plain), Codec.ZSTD, hashlib.sha256(frame).digest())

    def _write(self, coded: _Coded) -> None:
        length = len(coded.content)
        self.segments.append(
            Segment(self._at, length, coded.plain_length, coded.codec, SealKind.NONE, coded.hash)
        )
        self._out.write(coded.content)
        self._at += length


class SealedStoring:
    """A plain tar of `000001.tar.age`, `000002.tar.zst.age`, …: each segment an age file of its own."""

    listed = True

    def __init__(self, out: BinaryIO, squeeze: Squeeze, seal: Seal) -> None:
        self.most = MOST_IN_SEALED
        self.segments: list[Segment] = []
        self._out, self._squeeze, self._seal = out, squeeze, seal
        self._at = 0
        self._ahead = Ahead(self._code, self._write)
        self.add, self.flush, self.close = self._ahead.put, self._ahead.flush, self._ahead.close

    def finish(self) -> None:
        """See Storing."""
        self.flush()
        self._out.write(bytes(2 * BLOCK))

    def _code(self, plain: bytes) -> _Coded:
        frame = squeezed(plain, self._squeeze)
        sealed = self._seal(frame or plain)
        codec = Codec.ZSTD if frame else Codec.PLAIN
        return _Coded(sealed, len(plain), codec, hashlib.sha256(sealed).digest())

    def _write(self, coded: _Coded) -> None:
        """Raises ValueError for more segments than there are names."""
        number, length = len(self.segments) + 1, len(coded.content)
        if number > MOST_SEALED:
            raise ValueError(f"a sealed archive has at most {MOST_SEALED} segments")
        head = headers.header(TarMember(sealed_name(number, coded.codec), headers.FILE, length))
        at = self._at + len(head)
        self.segments.append(Segment(at, length, coded.plain_length, coded.codec, SealKind.AGE, coded.hash))
        padding = headers.padding(length)
        for each in (head, coded.content, padding):
            self._out.write(each)
        self._at = at + length + len(padding)


def sealed_name(number: int, codec: Codec) -> bytes:
    """What segment *number*, from 1, is called in the outer tar."""
    return b"%06d.tar%s.age" % (number, b".zst" if codec is Codec.ZSTD else b"")


def squeezed(plain: bytes, squeeze: Squeeze) -> bytes | None:
    """*plain* as a zstd frame, or None where it is not to be compressed or that wins nothing."""
    if squeeze.compression is Compression.OFF:
        return None
    if squeeze.compression is Compression.AUTO and expected(plain) >= _WORTH_A_FRAME:
        return None
    frame = compress(plain, squeeze.level)
    return frame if len(frame) < len(plain) else None


def expected(plain: bytes) -> float:
    """How many stored bytes a plain byte would become, by a probe."""
    return estimate(lambda at, length: plain[at : at + length], len(plain), b"")
