"""A probe of content: what it says, and how little it reads for it."""

import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glacierkeep.bundle.frames import compress
from glacierkeep.bundle.probe import SAMPLE, SAMPLES, estimate
from glacierkeep.bundle.read import reader_of

KIB = 1024


class Reader:
    """Reads in a content, and keeps what was asked for."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked: list[tuple[int, int]] = []

    def __call__(self, offset: int, length: int) -> bytes:
        self.asked.append((offset, length))
        return self.content[offset : offset + length]


@given(st.integers(0, 5 * SAMPLE + 9))
@example(SAMPLE)
@example(SAMPLE + 1)
@example(4 * SAMPLE)
@example(40 * SAMPLE)
def test_reads_little(size: int) -> None:
    """At most four samples are read: all within the file, the first and last bytes among them, all of a small one."""
    reader = Reader(bytes(size))
    estimate(reader, size, b"f")
    assert len(reader.asked) <= SAMPLES
    assert sum(length for _, length in reader.asked) <= SAMPLES * SAMPLE
    assert all(offset >= 0 and 0 < length <= SAMPLE for offset, length in reader.asked)
    assert max((offset + length for offset, length in reader.asked), default=0) == size
    assert [offset for offset, _ in reader.asked[:1]] == [0] * bool(size)
    assert sum(length for _, length in reader.asked) >= min(size, SAMPLES * SAMPLE)


@given(st.binary(max_size=3000))
def test_between_nothing_and_all(content: bytes) -> None:
    """An estimate lies above 0 and is 1 at most."""
    assert 0 < estimate(Reader(content), len(content), b"f") <= 1


@pytest.mark.parametrize("size", [3 * KIB, 70 * KIB, 1000 * KIB])
def test_noise_and_words(size: int) -> None:
    """Noise does not compress, words do."""
    words = " ".join(
        random.Random(1).choices(["glacier", "vault", "archive", "part", "leaf"], k=size)
    ).encode()
    assert estimate(Reader(os.urandom(size)), size, b"f") == 1
    assert estimate(Reader(words[:size]), size, b"f") < 0.5


def test_known_by_name() -> None:
    """What is compressed by its name is not read."""
    reader = Reader(bytes(1000))
    assert estimate(reader, 1000, b"photos/a.JPG") == 1
    assert reader.asked == []


def test_small_file() -> None:
    """Of a small file one sample is read: all of it."""
    reader = Reader(bytes(3 * KIB))
    estimate(reader, 3 * KIB, b"f")
    assert reader.asked == [(0, 3 * KIB)]


@pytest.mark.parametrize("first", [b"words " * 100_000, os.urandom(600_000)])
def test_mixed(first: bytes) -> None:
    """Of a file whose halves differ, both halves count."""
    content = first + (os.urandom(600_000) if first.startswith(b"words") else b"words " * 100_000)
    assert 0.3 < estimate(Reader(content), len(content), b"f") < 0.7


def test_shrunk() -> None:
    """A file that has become shorter, or is empty, is judged by what there is."""
    assert estimate(Reader(b""), 300 * KIB, b"f") == 1
    assert estimate(Reader(bytes(100 * KIB)), 300 * KIB, b"f") < 0.1
    assert estimate(Reader(b""), 0, b"f") == 1


@pytest.mark.parametrize("chosen", [sys.executable, os.__file__, random.__file__])
def test_like_the_whole(chosen: str, reading: Callable[[Path], float]) -> None:
    """For files as they are on any disk the estimate is near what compressing all of the file gives."""
    content = Path(chosen).read_bytes()
    assert abs(reading(Path(chosen)) - len(compress(content, 3)) / len(content)) < 0.2


@pytest.fixture
def reading() -> Callable[[Path], float]:
    """Estimates a file on disk."""

    def run(path: Path) -> float:
        with path.open("rb") as file:
            return estimate(reader_of(file), path.stat().st_size, os.fsencode(path))

    return run
