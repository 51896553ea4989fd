"""Sources, sinks and services that do what a test orders; all of them speak the declared protocols."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO

from hypothesis import strategies as st

from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.treehash import tree_hash
from glacierkeep.transfer.parts import PartBody

MIB = 1024 * 1024


@dataclass
class TurnedClock:
    """A clock that moves only by being slept on."""

    moment: datetime = datetime(2026, 3, 1, tzinfo=UTC)
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += timedelta(seconds=seconds)


@dataclass
class Shelf:
    """A sink that keeps parts; *order* may raise or wait before a part is kept."""

    order: Callable[[int], object] = lambda start: None
    parts: dict[int, bytes] = field(default_factory=dict)
    bodies: dict[int, PartBody] = field(default_factory=dict)
    told: list[tuple[int, int, bytes]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, start: int, body: PartBody) -> None:
        self.order(start)
        content = body.content if isinstance(body.content, bytes) else self.read(body)
        with self.lock:
            self.parts[start] = content
            self.bodies[start] = body

    def read(self, body: PartBody) -> bytes:
        with body.content() as opened:
            return b"".join(iter(lambda: opened.read(16 * 1024), b""))

    def sent(self, start: int, length: int, tree_hash: bytes) -> None:
        self.told.append((start, length, tree_hash))

    @property
    def content(self) -> bytes:
        """All that arrived, in order."""
        return b"".join(self.parts[start] for start in sorted(self.parts))


@dataclass
class Bytes:
    """A source in memory; *before* is called with each range before it is read."""

    content: bytes
    before: Callable[[ByteRange], None] = lambda wanted: None
    reads: list[ByteRange] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.content)

    def read_part(self, wanted: ByteRange) -> bytes:
        self.before(wanted)
        self.reads.append(wanted)
        return self.content[wanted.start : wanted.stop]

    def read_into(self, start: int, buffer: memoryview) -> None:
        buffer[:] = self.read_part(ByteRange(start, start + len(buffer)))

    def open_part(self, wanted: ByteRange) -> BytesIO:
        return BytesIO(self.content[wanted.start : wanted.stop])

    def let_go(self, part: ByteRange) -> None:
        """Memory stays."""

    def check(self) -> None:
        """Memory does not change."""


@dataclass
class Told:
    """An answer: bytes *start* to *stop*, of which *rest* comes; then *error*, or the end."""

    start: int
    stop: int | None
    tree_hash: bytes | None
    rest: BytesIO
    error: Exception | None = None

    def read(self, size: int) -> bytes:
        piece = self.rest.read(min(size, 300_000))
        if not piece and self.error:
            raise self.error
        return piece


@dataclass
class Vault:
    """A service that has *content*. For the n-th request, *faults* may hold an error to raise at once, or a
    number of bytes and the error that comes after them."""

    content: bytes
    ranges: bool = True
    hashes: bool = True
    tells_stop: bool = True
    faults: dict[int, Exception | tuple[int, Exception]] = field(default_factory=dict)
    wrong: dict[int, bytes] = field(default_factory=dict)
    asked: list[ByteRange] = field(default_factory=list)
    closed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def __call__(self, wanted: ByteRange) -> Iterator[Told]:
        with self.lock:
            self.asked.append(wanted)
            number = len(self.asked)
        fault = self.faults.get(number)
        if isinstance(fault, Exception):
            raise fault
        given = wanted if self.ranges else ByteRange(0, len(self.content))
        sent = self.wrong.get(number, self.content[given.start : given.stop])
        digest = tree_hash(self.content[given.start : given.stop]) if self.hashes else None
        answer = Told(given.start, given.stop if self.tells_stop else None, digest, BytesIO(sent))
        if fault:
            answer.rest, answer.error = BytesIO(sent[: fault[0]]), fault[1]
        try:
            yield answer
        finally:
            with self.lock:
                self.closed += 1


def sizes(most: int) -> st.SearchStrategy[int]:
    """Sizes up to about *most* MiB, often at a leaf's end or one byte beside it."""
    near = st.integers(-1, 1) | st.integers(0, MIB - 1)
    return st.builds(lambda leaves, more: max(leaves * MIB + more, 0), st.integers(0, most), near)


def pattern(size: int, seed: int = 0) -> bytes:
    """*size* bytes in which no two leaves are alike."""
    block = bytes((seed + number * 7) % 251 for number in range(4099))
    return (block * (size // len(block) + 1))[:size]
