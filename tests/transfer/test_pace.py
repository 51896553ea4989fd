import io
import threading
from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.domain.parts import ByteRange
from glacierkeep.transfer.pace import ASKED_AGAIN, BLOCK, BURST, LONGEST_SLEEP, Pace, Paced, freely
from glacierkeep.transfer.reader import PartReader
from transfer.ordered import TurnedClock

KIB, MIB = 1024, 1024 * 1024
RATES = st.one_of(st.integers(1024, 64 * KIB), st.integers(64 * KIB, 200 * MIB))
CHANGING = st.one_of(st.none(), st.integers(1024, MIB))
SIZES = st.one_of(st.integers(0, 3 * BLOCK), st.integers(0, 4 * MIB))


class SharedClock:
    """A clock for several threads: it stands still until all of *sleepers* sleep, then goes on to the first to wake."""

    def __init__(self, sleepers: int) -> None:
        self.moment = datetime(2026, 3, 1, tzinfo=UTC)
        self.awake = sleepers
        self.changed = threading.Condition()
        self.alarms: list[datetime] = []

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        with self.changed:
            alarm = self.moment + timedelta(seconds=seconds)
            self.alarms.append(alarm)
            self._lie_down()
            self.changed.wait_for(lambda: self.moment >= alarm)
            self.alarms.remove(alarm)
            self.awake += 1

    def leave(self) -> None:
        """A thread sleeps no more."""
        with self.changed:
            self._lie_down()

    def _lie_down(self) -> None:
        self.awake -= 1
        if not self.awake and self.alarms:
            self.moment = max(self.moment, min(self.alarms))
            self.changed.notify_all()


def seconds_of(clock: TurnedClock | SharedClock, begun: datetime) -> float:
    return (clock.now() - begun).total_seconds()


def test_freely_is_no_limit() -> None:
    """Without a limit nothing waits."""
    clock = TurnedClock()
    pace = Pace(lambda: None, clock)
    freely(10**12)
    pace.take(10**12)
    assert clock.slept == []


@pytest.mark.parametrize("rate", [1024, 20 * KIB, 500 * KIB, 10 * MIB, 125_000_000])
def test_bytes_take_the_time_that_the_rate_says(rate: int) -> None:
    """Five seconds' worth of bytes, in blocks as an HTTP client reads them, takes as long, give or take a burst."""
    clock = TurnedClock()
    begun, pace = clock.now(), Pace(lambda: rate, clock)
    total = 5 * rate // BLOCK * BLOCK or BLOCK

    for _ in range(total // BLOCK):
        pace.take(BLOCK)

    burst = max(BURST * rate, BLOCK)
    assert (total - burst) / rate <= seconds_of(clock, begun) <= total / rate + 0.02


def test_sleeps_are_short_enough_to_hear_and_long_enough_to_be_cheap() -> None:
    """Nobody sleeps longer than half a second, however slow the rate, nor wakes for each block of a fast one."""
    for rate in (1024, 125_000_000):
        clock = TurnedClock()
        pace = Pace(lambda rate=rate: rate, clock)
        for _ in range(200):
            pace.take(BLOCK)
        assert max(clock.slept, default=0) <= LONGEST_SLEEP
        assert sum(clock.slept) / len(clock.slept) >= 0.01


@given(RATES, st.lists(st.tuples(SIZES, st.floats(0, 20)), min_size=1, max_size=30))
def test_never_more_than_the_rate_and_a_burst(rate: int, takes: list[tuple[int, float]]) -> None:
    """In no time between two moments more bytes flow than the rate gives for it and one burst; nothing starves."""
    clock = TurnedClock()
    pace = Pace(lambda: rate, clock)
    flowed: list[tuple[float, int]] = []
    begun = clock.now()
    for size, pause in takes:
        clock.moment += timedelta(seconds=pause)
        before = seconds_of(clock, begun)
        for block in blocks(size):
            pace.take(block)
            flowed.append((seconds_of(clock, begun), block))
        assert seconds_of(clock, begun) - before <= size / rate + 0.02

    burst = max(BURST * rate, BLOCK)
    for first, (start, _) in enumerate(flowed):
        sent = 0
        for moment, size in flowed[first:]:
            sent += size
            assert sent <= rate * (moment - start) + burst + BLOCK + 1


def blocks(size: int) -> list[int]:
    """*size* in blocks, in big ones where it would be many."""
    step = max(BLOCK, size // 16)
    return [min(step, size - at) for at in range(0, size, step)] if size <= 16 * BLOCK else [BLOCK] * 16


@given(st.lists(st.tuples(CHANGING, st.floats(2, 20)), min_size=1, max_size=5))
def test_a_rate_that_changes_holds_soon(plan: list[tuple[int | None, float]]) -> None:
    """Whatever the rates are in turn, a second after each change no more flows than the new one gives, nor less."""
    clock = TurnedClock()
    begun, flowed, starts = clock.now(), list[tuple[float, int]](), [0.0]
    for _, length in plan:
        starts.append(starts[-1] + length)

    def asked() -> int | None:
        return plan[min(bisect_right(starts, seconds_of(clock, begun)), len(plan)) - 1][0]

    pace = Pace(asked, clock)
    while seconds_of(clock, begun) < starts[-1]:
        before, size = clock.now(), max(BLOCK, (asked() or 0) // 8)
        pace.take(size)
        flowed.append((seconds_of(clock, begun), size))
        if clock.now() == before:
            clock.moment += timedelta(milliseconds=20)

    for (rate, _), start, stop in zip(plan, starts, starts[1:], strict=False):
        within = [(moment, size) for moment, size in flowed if start + ASKED_AGAIN <= moment < stop]
        if rate and len(within) > 1:
            sent, took = sum(size for _, size in within[1:]), within[-1][0] - within[0][0]
            slack = 2 * max(BURST * rate, BLOCK) + 1
            assert rate * took - slack <= sent <= rate * took + slack


def test_from_slow_to_free_within_a_second_and_a_half() -> None:
    """Who waits for a slow rate goes on soon after it is lifted, and is held again when there is a new one."""
    clock, rates = TurnedClock(), iter([1024, None])
    pace = Pace(lambda: next(rates, 1024), clock)

    begun = clock.now()
    pace.take(10 * BLOCK)
    lifted = seconds_of(clock, begun)
    pace.take(100 * MIB)

    assert lifted <= ASKED_AGAIN + LONGEST_SLEEP
    assert seconds_of(clock, begun) == lifted

    clock.sleep(ASKED_AGAIN)
    begun = clock.now()
    pace.take(2 * BLOCK)
    assert seconds_of(clock, begun) >= BLOCK / 1024


def test_a_clock_that_is_set_back_or_forth_stops_nothing() -> None:
    """An hour back delays nobody by an hour, an hour forth gives no hour's worth of bytes."""
    clock = TurnedClock()
    pace = Pace(lambda: BLOCK, clock)
    for jump in (-3600, 3600):
        pace.take(BLOCK)
        clock.moment += timedelta(seconds=jump)
        clock.slept.clear()
        for _ in range(10):
            pace.take(BLOCK)
        assert 8 <= sum(clock.slept) <= 11


@pytest.mark.parametrize("rate", [20 * KIB, 2 * MIB])
def test_threads_share_alike_and_keep_to_the_rate_in_all(rate: int) -> None:
    """Threads that take at once get the same share, and all of them together what one would get."""
    threads, share = 6, 20
    clock = SharedClock(threads)
    pace = Pace(lambda: rate, clock)
    begun, left = clock.now(), list[int]()
    gone = [0] * threads

    def flow(index: int) -> None:
        for _ in range(share):
            pace.take(BLOCK)
            gone[index] += 1
        left.append(max(gone) - min(gone))
        clock.leave()

    in_threads(flow, threads)

    took = threads * share * BLOCK / rate
    assert took - BURST - threads * BLOCK / rate <= seconds_of(clock, begun) <= took + 0.02
    assert left[0] <= max(2, BURST * rate / BLOCK)


def test_when_it_is_time_to_stop_nobody_waits() -> None:
    """Threads that wait for a slow rate come back at once when it is time to stop."""
    stopping = threading.Event()
    waiting = threading.Semaphore(0)

    class Still:
        """A clock on which no time passes; it tells who comes to sleep."""

        def now(self) -> datetime:
            return datetime(2026, 3, 1, tzinfo=UTC)

        def sleep(self, seconds: float) -> None:
            waiting.release()
            stopping.wait(20)

    pace = Pace(lambda: 1024, Still(), stopping.is_set)

    def watch(index: int) -> None:
        if index:
            pace.take(100 * MIB)
            return
        for _ in range(4):
            waiting.acquire()
        stopping.set()

    in_threads(watch, 5)
    assert stopping.is_set()


def in_threads(deed: Callable[[int], None], number: int) -> None:
    """Do *deed* in *number* threads at once, and wait for all of them."""
    threads = [threading.Thread(target=deed, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


@given(
    st.binary(max_size=4 * BLOCK),
    st.lists(
        st.tuples(st.sampled_from(["read", "into", "seek", "end"]), st.integers(0, 3 * BLOCK)), max_size=12
    ),
)
def test_a_paced_body_reads_as_the_plain_one(content: bytes, steps: list[tuple[str, int]]) -> None:
    """Whatever is read and sought, the bytes are those of the reader below; each one given was taken before."""
    taken: list[int] = []
    paced, plain, given_ = Paced(io.BytesIO(content), taken.append), io.BytesIO(content), 0
    for step, number in steps:
        if step == "seek":
            assert paced.seek(number) == plain.seek(number)
        elif step == "end":
            assert paced.seek(0, io.SEEK_END) == plain.seek(0, io.SEEK_END)
        else:
            found = paced.read(number) if step == "read" else into(paced, number)
            assert found == plain.read(len(found))
            assert len(found) <= BLOCK
            given_ += len(found)
        assert paced.tell() == plain.tell()
        assert sum(taken) == given_
    assert paced.read() == plain.read()
    assert paced.readable()
    assert paced.seekable()


def into(reader: Paced, size: int) -> bytes:
    buffer = bytearray(size)
    return bytes(buffer[: reader.readinto(buffer)])


def test_a_paced_part_is_read_to_its_end_and_closed() -> None:
    """A part's own reader below is read whole, block by block, and closed with what is around it."""
    content = bytes(range(256)) * 300
    part = PartReader(lambda wanted: content[wanted.start : wanted.stop], ByteRange(100, 70_000))
    taken: list[int] = []
    with Paced(cast(BinaryIO, part), taken.append) as paced:
        found = b"".join(iter(lambda: paced.read(MIB), b""))

    assert found == content[100:70_000]
    assert max(taken) <= BLOCK
    assert part.closed
