"""The table at the end of a `.tar.zst` that says how long each of its frames is, stored and plain.

It is the seek table of the zstd seekable format, version 0.1.0 (facebook/zstd, contrib/seekable_format): a skippable
frame, which `zstd -d` passes over. Ours has no checksums, since each frame has its own. All numbers little-endian.
"""

import struct
from collections.abc import Sequence

from glacierkeep.bundle.frames import BadFrame
from glacierkeep.bundle.read import ReadAt
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.segments import MOST_IN_FRAME

MOST_FRAMES = MIB // 8
"""Frames of one file, at most: a table of 1 MiB, for 512 GiB of plain bytes. The format allows 2^27."""

_SKIPPABLE = 0x184D2A5E
_SEEKABLE = 0x8F92EAB1
_HEAD = struct.Struct("<II")
_FOOTER = struct.Struct("<IBI")
_ENTRY = struct.Struct("<II")
_ENTRY_WITH_CHECKSUM = struct.Struct("<II4x")
_CHECKSUMS = 0x80
_RESERVED = 0x7C


def seek_table(frames: Sequence[tuple[int, int]]) -> bytes:
    """What ends a file of *frames*, given as stored and plain length in bytes.

    Raises ValueError for more than MOST_FRAMES, or one of more than MOST_IN_FRAME plain bytes: nobody could read it.
    """
    if len(frames) > MOST_FRAMES:
        raise ValueError(f"{len(frames)} frames are more than a table may list")
    if not all(_can_be(stored, plain) for stored, plain in frames):
        raise ValueError("a frame is longer than a table may list")
    entries = b"".join(_ENTRY.pack(stored, plain) for stored, plain in frames)
    footer = _FOOTER.pack(len(frames), 0, _SEEKABLE)
    return _HEAD.pack(_SKIPPABLE, len(entries) + len(footer)) + entries + footer


def table_length(frames: int) -> int:
    """Bytes of the table of so many *frames*."""
    return _HEAD.size + frames * _ENTRY.size + _FOOTER.size


def read_seek_table(read_at: ReadAt, size: int) -> list[tuple[int, int]]:
    """The stored and plain lengths of the frames of a file of *size* bytes, which with the table are all of it.

    A table with checksums is read too; they are not looked at. Raises BadFrame.
    """
    number, entry = _footer(_exactly(read_at, size - _FOOTER.size, _FOOTER.size))
    length = _HEAD.size + number * entry.size + _FOOTER.size
    table = _exactly(read_at, size - length, length)
    if _HEAD.unpack_from(table) != (_SKIPPABLE, length - _HEAD.size):
        raise BadFrame("the table of frames is not in a frame of its own")
    frames = list(entry.iter_unpack(table[_HEAD.size : -_FOOTER.size]))
    if not all(_can_be(stored, plain) for stored, plain in frames):
        raise BadFrame("the table lists a frame that cannot be")
    if sum(stored for stored, _ in frames) + length != size:
        raise BadFrame("the frames in the table do not add up to the file")
    return frames


def _footer(footer: bytes) -> tuple[int, struct.Struct]:
    """How many frames there are, and how each of them is listed."""
    number, descriptor, magic = _FOOTER.unpack(footer)
    if magic != _SEEKABLE or descriptor & _RESERVED:
        raise BadFrame("the file does not end with a table of its frames")
    if number > MOST_FRAMES:
        raise BadFrame(f"the table lists {number} frames, more than it may")
    return number, _ENTRY_WITH_CHECKSUM if descriptor & _CHECKSUMS else _ENTRY


def _can_be(stored: int, plain: int) -> bool:
    return 0 < stored < 1 << 32 and 0 <= plain <= MOST_IN_FRAME


def _exactly(read_at: ReadAt, offset: int, length: int) -> bytes:
    content = read_at(offset, length) if offset >= 0 else b""
    if len(content) != length:
        raise BadFrame("the file is shorter than its table of frames says")
    return content
