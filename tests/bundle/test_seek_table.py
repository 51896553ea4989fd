"""The table of frames: found from a file's end, passed over by zstd, believed only when all of it adds up."""

import os
import struct
import subprocess
from collections.abc import Callable, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glacierkeep.bundle.frames import BadFrame, compress, decompress, store
from glacierkeep.bundle.seek_table import MOST_FRAMES, read_seek_table, seek_table, table_length
from glacierkeep.domain.segments import MOST_IN_FRAME

lengths = st.lists(st.tuples(st.integers(1, 10_000), st.integers(0, MOST_IN_FRAME)), max_size=50)
TWO = seek_table([(10, 20), (30, 40)])


def reader(content: bytes) -> Callable[[int, int], bytes]:
    """Reads in *content* as from a file; what lies before its start is asked for by mistake."""

    def read_at(offset: int, length: int) -> bytes:
        assert offset >= 0
        assert length <= table_length(MOST_FRAMES) * 2
        return content[offset : offset + length]

    return read_at


def read(content: bytes) -> list[tuple[int, int]]:
    """The frames that the table of *content* lists."""
    return read_seek_table(reader(content), len(content))


def table(
    entries: Sequence[bytes], *, number: int | None = None, descriptor: int = 0, before: bytes = b""
) -> bytes:
    """A table by the specification, written apart from ours."""
    inner = b"".join(entries) + struct.pack(
        "<LBL", len(entries) if number is None else number, descriptor, 0x8F92EAB1
    )
    return before + struct.pack("<LL", 0x184D2A5E, len(inner)) + inner


@given(lengths)
@example([])
def test_round_trip(frames: list[tuple[int, int]]) -> None:
    """What a table lists is read again, and its length is known before."""
    end = seek_table(frames)
    assert len(end) == table_length(len(frames))
    assert read(bytes(sum(stored for stored, _ in frames)) + end) == frames


def test_specification() -> None:
    """A table is, byte by byte, what the specification says."""
    assert table([struct.pack("<LL", 10, 20), struct.pack("<LL", 30, 40)]) == TWO
    assert TWO.hex() == "5e2a4d18" + "19000000" + "0a000000140000001e00000028000000" + "0200000000b1ea928f"


def test_passed_over_by_zstd() -> None:
    """zstd opens frames and table to the plain bytes; each frame is found by the table and opened alone."""
    plains = [os.urandom(1000), b"x" * MOST_IN_FRAME, b"line\n" * 7000, b"y"]
    frames = [store(plains[0]), compress(plains[1], 1), compress(plains[2], 19), compress(plains[3], 3)]
    content = b"".join(frames) + seek_table(
        [(len(frame), len(plain)) for frame, plain in zip(frames, plains, strict=True)]
    )
    done = subprocess.run(["zstd", "-dq"], input=content, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"".join(plains), b"")
    start = 0
    for (stored, length), plain in zip(read(content), plains, strict=True):
        assert decompress(content[start : start + stored], length) == plain
        start += stored


def test_with_checksums() -> None:
    """A table with checksums, as zstd's own tools write it, and with bits that mean nothing is read."""
    entries = [struct.pack("<LLL", 10, 20, 0xFFFFFFFF), struct.pack("<LLL", 30, 40, 0)]
    assert read(table(entries, descriptor=0x80 | 0x03, before=bytes(40))) == [(10, 20), (30, 40)]


@pytest.mark.parametrize("frames", [[(0, 1)], [(1 << 32, 1)], [(1, MOST_IN_FRAME + 1)], [(1, -1)]])
def test_not_written(frames: list[tuple[int, int]]) -> None:
    """Frames that no reader would take are not listed."""
    with pytest.raises(ValueError, match="frame"):
        seek_table(frames)


def test_most() -> None:
    """As many frames as may be are written and read; one more is refused by both."""
    most = [(1, MOST_IN_FRAME)] * MOST_FRAMES
    assert read(bytes(MOST_FRAMES) + seek_table(most)) == most
    with pytest.raises(ValueError, match="more than"):
        seek_table([*most, (1, 1)])
    with pytest.raises(BadFrame, match="more than"):
        read(table([struct.pack("<LL", 1, 1)] * (MOST_FRAMES + 1), before=bytes(MOST_FRAMES + 1)))


WHOLE = bytes(40) + TWO
HOSTILE = {
    "nothing": b"",
    "a footer cut short": WHOLE[-8:],
    "a footer alone": WHOLE[-9:],
    "no head": WHOLE[40 + 8 :],
    "no table": bytes(100),
    "bytes after it": WHOLE + b"\0",
    "a frame missing": WHOLE[1:],
    "a byte too many": b"\0" + WHOLE,
    "reserved bits": table([struct.pack("<LL", 40, 1)], descriptor=0x04, before=bytes(40)),
    "checksums that are not there": table([struct.pack("<LL", 40, 1)], descriptor=0x80, before=bytes(40)),
    "fewer than there are": table([struct.pack("<LL", 20, 1)] * 2, number=1, before=bytes(40)),
    "four thousand million frames": table([struct.pack("<LL", 40, 1)], number=0xFFFFFFFF, before=bytes(40)),
    "a frame of nothing": table([struct.pack("<LL", 40, 1), bytes(8)], before=bytes(40)),
    "a frame too long": table([struct.pack("<LL", 40, MOST_IN_FRAME + 1)], before=bytes(40)),
    "another frame to be skipped": bytes(40) + b"\x50" + TWO[1:],
    "a size that is not its own": WHOLE[:44] + b"\x1a" + WHOLE[45:],
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile(content: bytes) -> None:
    """A table that is not as it should be, or not of this file, is refused."""
    assert read(WHOLE) == [(10, 20), (30, 40)]
    with pytest.raises(BadFrame):
        read(content)


@given(st.binary(max_size=100), st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_anything(given: bytes, place: int, byte: int) -> None:
    """Whatever is read, what is told adds up to the file, or it is refused."""
    for content in (given, given + TWO[-9:], WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :]):
        try:
            frames = read(content)
        except BadFrame:
            continue
        assert sum(stored for stored, _ in frames) + table_length(len(frames)) <= len(content)
