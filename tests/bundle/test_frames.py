"""Frames: what we write anybody opens, and what does not open as it should is refused within bounded memory."""

import os
import random
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glacierkeep.bundle.frames import LEVELS, BadFrame, compress, decompress, store
from glacierkeep.domain.segments import MOST_IN_FRAME

MIB = 1024 * 1024
TEXT = b"".join(b"%d bottles of beer on the wall\n" % number for number in range(20_000))

contents = st.one_of(
    st.binary(max_size=300),
    st.builds(lambda piece, times: piece * times, st.binary(max_size=50), st.integers(0, 5000)),
)


def zstd(*options: str, given: bytes) -> bytes:
    """What the zstd program makes of *given*."""
    return subprocess.run(["zstd", "-q", *options], input=given, capture_output=True, check=True).stdout


def magic_and_header(window: int | None, size: int | None, dictionary: int | None = None) -> bytes:
    """The beginning of a frame, by RFC 8878, 3.1.1: window descriptor, content size of 8 bytes, dictionary id."""
    flags = (0xC0 if size is not None else 0) | (0x20 if window is None else 0) | (dictionary is not None)
    header = b"\x28\xb5\x2f\xfd" + bytes([flags])
    header += b"" if window is None else bytes([window])
    header += b"" if dictionary is None else bytes([dictionary])
    return header + (b"" if size is None else size.to_bytes(8, "little"))


def run_of(byte: int, length: int, *, last: bool = False) -> bytes:
    """A block that stands for *length* times *byte*."""
    return (length << 3 | 1 << 1 | last).to_bytes(3, "little") + bytes([byte])


@given(contents, st.sampled_from(LEVELS))
@example(b"", 1)
@example(bytes(MOST_IN_FRAME), 19)
def test_round_trip(plain: bytes, level: int) -> None:
    """What was compressed or stored is there again, at every level."""
    assert decompress(compress(memoryview(plain), level), len(plain)) == plain
    assert decompress(store(plain), len(plain)) == plain


@pytest.mark.parametrize("plain", [b"", b"x", TEXT, os.urandom(MIB + 1), bytes(MOST_IN_FRAME)])
def test_opened_by_zstd(plain: bytes) -> None:
    """zstd opens frames of ours, many after each other too."""
    frames = [compress(plain, 1), compress(plain, 7), store(plain)]
    assert zstd("-d", given=b"".join(frames)) == plain * 3


@pytest.mark.parametrize("make", [lambda plain: compress(plain, 3), store])
def test_says_what_it_holds(make: object, tmp_path: Path) -> None:
    """A frame has its content's size and a checksum in it, and is one."""
    (tmp_path / "f.zst").write_bytes(make(TEXT))  # type: ignore[operator]
    told = subprocess.run(["zstd", "-lv", tmp_path / "f.zst"], capture_output=True, text=True, check=True)
    words = told.stdout + told.stderr
    assert f"({len(TEXT)} B)" in words
    assert "Check: XXH64" in words
    assert "# Zstandard Frames: 1" in words
    assert "DictID: 0" in words


@pytest.mark.parametrize("options", [[], ["--no-check"], ["-19"], ["--fast=5"], ["-19", "--long=27"], ["-1"]])
@pytest.mark.parametrize("plain", [b"", b"y", TEXT, os.urandom(300_000), bytes(3 * MIB)])
def test_opens_what_zstd_wrote(options: list[str], plain: bytes, tmp_path: Path) -> None:
    """A frame that zstd made of a file is opened, with or without a checksum."""
    (tmp_path / "plain").write_bytes(plain)
    subprocess.run(["zstd", "-q", *options, tmp_path / "plain"], check=True)
    assert decompress((tmp_path / "plain.zst").read_bytes(), len(plain)) == plain


def test_same_bytes() -> None:
    """The same content at the same level gives the same frame."""
    assert compress(TEXT, 5) == compress(bytearray(TEXT), 5) == compress(memoryview(TEXT), 5)


@pytest.mark.parametrize("level", [-1, 0, 20, 22])
def test_other_levels(level: int) -> None:
    """A level that is none of ours is refused."""
    with pytest.raises(ValueError, match="level"):
        compress(b"x", level)


def test_stored_costs_nothing() -> None:
    """What does not compress is hardly longer when stored."""
    plain = os.urandom(MOST_IN_FRAME)
    assert len(store(plain)) - len(plain) < 128


@pytest.mark.parametrize("wanted", [0, 1, len(TEXT) - 1, len(TEXT) + 1, 1 << 60])
def test_other_length(wanted: int) -> None:
    """A frame that holds more or less than it should is refused."""
    with pytest.raises(BadFrame):
        decompress(compress(TEXT, 3), wanted)


@given(st.integers(0, 10_000))
@example(0)
def test_truncated(cut: int) -> None:
    """A frame is refused wherever it ends too early."""
    frame = compress(TEXT, 3)
    with pytest.raises(BadFrame):
        decompress(frame[: cut % len(frame)], len(TEXT))


@pytest.mark.parametrize("more", [b"\0", b"garbage", compress(b"", 1), b"\x50\x2a\x4d\x18\0\0\0\0"])
def test_trailing(more: bytes) -> None:
    """Whatever follows a frame, another frame or one to be skipped included, is refused."""
    with pytest.raises(BadFrame, match="follow"):
        decompress(compress(TEXT, 3) + more, len(TEXT))


def test_flipped() -> None:
    """No frame with any byte changed gives other bytes than it was made of."""
    dice = random.Random(4)
    plain = bytes(dice.choices(b"abcdefgh", k=3000)) + dice.randbytes(500)
    frame = bytearray(compress(plain, 3))
    refused = 0
    for place in range(len(frame)):
        bit = 1 << dice.randrange(8)
        frame[place] ^= bit
        try:
            # A bit that says nothing of the content, such as the header's unused one, may change.
            assert decompress(bytes(frame), len(plain)) == plain
        except BadFrame:
            refused += 1
        frame[place] ^= bit
    assert refused > len(frame) * 0.99


def test_checksum() -> None:
    """A frame whose blocks are whole and whose checksum is not is refused."""
    frame = store(b"content")
    assert frame[-4:] != bytes(4)
    with pytest.raises(BadFrame, match="checksum"):
        decompress(frame[:-4] + bytes(4), 7)


@given(st.binary(max_size=200))
@example(b"\x50\x2a\x4d\x18\0\0\0\0")
@example(b"\x28\xb5\x2f\xfd")
def test_anything(given: bytes) -> None:
    """Any other bytes are refused, after a frame's first four too."""
    for frame in (given, b"\x28\xb5\x2f\xfd" + given):
        try:
            assert len(decompress(frame, 100)) == 100
        except BadFrame:
            continue


def test_frame_made_by_hand() -> None:
    """The frames that the tests below spoil are as they should be otherwise."""
    frame = magic_and_header(0, 2000) + run_of(7, 1000) + run_of(8, 1000, last=True)
    assert decompress(frame, 2000) == zstd("-d", given=frame) == b"\7" * 1000 + b"\x08" * 1000


HOSTILE = {
    "claims petabytes": magic_and_header(None, 1 << 60) + run_of(0, 100, last=True),
    "claims what it should": magic_and_header(None, 1000)
    + run_of(0, 131_072) * 8192
    + run_of(0, 1, last=True),
    "claims nothing": magic_and_header(0x50, None) + run_of(0, 131_072) * 8192 + run_of(0, 1, last=True),
    "window of 3.75 TiB": magic_and_header(0xFF, 1000) + run_of(0, 1000, last=True),
    "dictionary": magic_and_header(0, 1000, 7) + run_of(0, 1000, last=True),
    "too little": magic_and_header(0, 1000) + run_of(0, 999, last=True),
    "long claim, little in it": magic_and_header(None, 1 << 40) + run_of(0, 1000, last=True),
    "empty blocks": magic_and_header(0, 1000) + bytes(3 * MIB),
    "no last block": magic_and_header(0, 1000) + run_of(0, 1000),
}


@pytest.mark.parametrize("frame", HOSTILE.values(), ids=HOSTILE)
def test_hostile(frame: bytes) -> None:
    """What claims or holds too much is refused, with no more memory than a frame of the wanted length needs."""
    decompress(compress(b"x" * 1000, 1), 1000)
    tracemalloc.start()
    try:
        with pytest.raises(BadFrame):
            decompress(frame, 1000)
        assert tracemalloc.get_traced_memory()[1] < MIB
    finally:
        tracemalloc.stop()


def test_window() -> None:
    """A frame may look back 8 MiB, as RFC 8878 asks of all who read, and no further."""
    size = 20 * MIB
    blocks = run_of(1, 131_072) * (size // 131_072 - 1) + run_of(1, 131_072, last=True)
    assert decompress(magic_and_header(13 << 3, size) + blocks, size) == b"\1" * size
    for further in (13 << 3 | 1, 17 << 3):
        with pytest.raises(BadFrame, match="memory"):
            decompress(magic_and_header(further, size) + blocks, size)


def test_long_distance() -> None:
    """A frame of zstd's long mode is refused where it looks back 128 MiB, and opened where it does not."""
    plain = TEXT * 16
    far = zstd("-3", "--long=27", f"--stream-size={len(plain)}", given=plain)
    assert len(plain) > 8 * MIB
    with pytest.raises(BadFrame, match="memory"):
        decompress(far, len(plain))
    assert decompress(zstd("-3", f"--stream-size={len(plain)}", given=plain), len(plain)) == plain


MEASURED = """
import resource, sys
from glacierkeep.bundle.frames import BadFrame, compress, decompress

def peak():
    if sys.platform == "linux":
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

decompress(compress(bytes(1000), 1), 1000)
frame, length = sys.stdin.buffer.read(), int(sys.argv[1])
before = peak()
try:
    opened = len(decompress(frame, length))
except BadFrame:
    opened = -1
print(opened, peak() - before)
"""


def _opened(frame: bytes, length: int) -> tuple[int, int]:
    """The bytes a process of its own gets out of *frame*, -1 if it is refused; bytes by which its memory grew."""
    words = [sys.executable, "-c", MEASURED, str(length)]
    opened, grown = subprocess.run(words, input=frame, capture_output=True, check=True).stdout.split()
    return int(opened), int(grown)


@pytest.mark.parametrize("frame", HOSTILE.values(), ids=HOSTILE)
def test_hostile_memory(frame: bytes) -> None:
    """What is hostile is refused with at most 12 MiB, those that are not Python's counted."""
    opened, grown = _opened(frame, 1000)
    assert opened == -1
    assert grown < 12 * MIB


def test_memory() -> None:
    """A whole frame is opened in twice its length and 4 MiB."""
    dice = random.Random(5)
    plain = b"".join(dice.randbytes(40) * 5 for _ in range(MOST_IN_FRAME // 200))
    opened, grown = _opened(compress(plain, 3), len(plain))
    assert opened == len(plain)
    assert grown < 2 * len(plain) + 4 * MIB
