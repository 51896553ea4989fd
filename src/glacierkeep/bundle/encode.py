"""A finished plain bundle, stored in another form: compressed in frames, or sealed."""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from glacierkeep.bundle.files import PIECE, as_disk_trouble, close_durably, open_new, sync_parent
from glacierkeep.bundle.listing import write_listing
from glacierkeep.bundle.pack import PackedBundle
from glacierkeep.bundle.storing import (
    Coding,
    FramedStoring,
    PlainStoring,
    SealedStoring,
    Storing,
    expected,
)
from glacierkeep.bundle.tail import manifest_head, tail
from glacierkeep.domain.compressible import is_worth_it
from glacierkeep.domain.cutting import cut
from glacierkeep.domain.forms import Compression
from glacierkeep.domain.manifest import first_line
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.segments import MOST_IN_FRAME, Segment


@dataclass(frozen=True, slots=True)
class Stored:
    """An archive ready to be sent: *size* stored bytes at *path*, and how they are cut."""

    path: Path
    size: int
    segments: tuple[Segment, ...]


class Cutter:
    """Cuts plain content that comes in pieces of any size into segments as long as they may be."""

    def __init__(self, storing: Storing) -> None:
        self._storing = storing
        self._pending: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> None:
        """Take *piece*. Raises OSError."""
        self._pending.append(piece)
        self._size += len(piece)
        while self._size >= self._storing.most:
            whole = b"".join(self._pending)
            self._pending, self._size = [whole[self._storing.most :]], self._size - self._storing.most
            self._storing.add(whole[: self._storing.most])

    def cut(self) -> None:
        """End the segment here. Raises OSError."""
        if self._size:
            self._storing.add(b"".join(self._pending))
        self._pending, self._size = [], 0


def storing_for(out: BinaryIO, coding: Coding, *, compressed: bool) -> Storing:
    """What stores an archive in *out* in the form that *coding* wants; *compressed* is for one that is not sealed."""
    if coding.seal is not None:
        return SealedStoring(out, coding.squeeze, coding.seal)
    return FramedStoring(out, coding.squeeze) if compressed else PlainStoring(out)


def encode(packed: PackedBundle, coding: Coding) -> Stored:
    """*packed* in the form that *coding* wants, at the same path, with a listing beside it unless it stays plain.

    With AUTO a bundle that is not sealed is compressed only where a probe says that it is worth it.
    Raises DiskTrouble, and what the seal raises; then *packed* is as it was.
    """
    draft = packed.path.with_name(packed.path.name + ".new")
    with as_disk_trouble("a bundle"), packed.path.open("rb", buffering=0) as plain:
        if coding.seal is None and not _is_to_be_compressed(packed, plain, coding):
            return Stored(packed.path, packed.size, (Segment(0, packed.size, packed.size),))
        draft.unlink(missing_ok=True)
        segments = _store(packed, plain, draft, coding)
        write_listing(packed.path, segments, packed.members, _member_lines(packed, plain))
        os.replace(draft, packed.path)
        sync_parent(packed.path)
        return Stored(packed.path, packed.path.stat().st_size, tuple(segments))


def write_tail(storing: Storing, members: int, lines: Iterable[bytes], listed: int, at: int) -> None:
    """Store manifest and end, after members of *at* plain bytes, and whatever the form has at its own end.

    An archive whose manifest does not say where its segments lie has its last 2,048 plain bytes in one of their own.
    """
    cutter = Cutter(storing)
    storing.flush()
    head = manifest_head(members, storing.segments if storing.listed else ())
    *pieces, end = tail(head, lines, listed, at)
    for piece in pieces:
        cutter.feed(piece)
    if not storing.listed:
        cutter.cut()
    cutter.feed(end)
    cutter.cut()
    storing.finish()


def _store(packed: PackedBundle, plain: BinaryIO, draft: Path, coding: Coding) -> list[Segment]:
    with open_new(draft) as out, closing(storing_for(out, coding, compressed=True)) as storing:
        for group in cut(packed.starts, packed.members_end, storing.most):
            storing.add(_read(plain, group))
        lines = _member_lines(packed, plain)
        listed = packed.manifest.length - len(first_line(packed.members))
        write_tail(storing, packed.members, lines, listed, packed.members_end)
        close_durably(out)
    return storing.segments


def _is_to_be_compressed(packed: PackedBundle, plain: BinaryIO, coding: Coding) -> bool:
    if coding.squeeze.compression is not Compression.AUTO:
        return coding.squeeze.compression is Compression.ALWAYS
    foreseen = 0.0
    for group in cut(packed.starts, packed.members_end, MOST_IN_FRAME):
        foreseen += expected(_read(plain, group)) * group.length
    return is_worth_it(packed.members_end, int(foreseen))


def _member_lines(packed: PackedBundle, plain: BinaryIO) -> Iterator[bytes]:
    at = packed.manifest.start + len(first_line(packed.members))
    while at < packed.manifest.stop:
        piece = _read(plain, ByteRange(at, min(at + PIECE, packed.manifest.stop)))
        yield piece
        at += len(piece)


def _read(plain: BinaryIO, wanted: ByteRange) -> bytes:
    content = os.pread(plain.fileno(), wanted.length, wanted.start)
    if len(content) != wanted.length:
        raise OSError(errno.EIO, "a staged bundle ends early")
    return content
