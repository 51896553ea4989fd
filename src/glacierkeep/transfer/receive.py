"""Receiving a job's output into a partial file: several ranges at once, checked, continued where they broke off."""

import hashlib
import random as chance
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Protocol

from glacierkeep.clock import Clock
from glacierkeep.domain.hashes import Hashes
from glacierkeep.domain.limits import KIB, LEAF, MAX_PARTS, MIB
from glacierkeep.domain.parts import ByteRange, split
from glacierkeep.domain.patience import USUAL, Failures, Patience, deserves_retry
from glacierkeep.domain.treehash import combine
from glacierkeep.errors import (
    BytesMismatch,
    DiskTrouble,
    ServiceBusy,
    ServiceError,
    ServiceUnreachable,
    Stopped,
)
from glacierkeep.transfer.crew import Crew
from glacierkeep.transfer.journal import Journal
from glacierkeep.transfer.pace import Take, freely
from glacierkeep.transfer.partial import PartialFile, Place, open_partial
from glacierkeep.transfer.span import Span
from glacierkeep.transfer.stopped import never, untold

REQUEST_SIZE = 32 * MIB
"""Asked for at once, at least: big enough to be quick, small enough that little comes twice after a kill."""

_BLOCK = 256 * KIB
"""Read at once; between two blocks the pace is kept and the wish to stop is heard."""


class Incoming(Protocol):
    """An answer being read: bytes *start* to *stop* (if told) of the output, with their tree hash if told."""

    start: int
    stop: int | None
    tree_hash: bytes | None

    def read(self, size: int, /) -> bytes:
        """At most *size* more bytes, b"" at the end."""


class RangeSource(Protocol):
    """Where bytes come from. Called by several threads at once."""

    def __call__(self, wanted: ByteRange, /) -> AbstractContextManager[Incoming]:
        """Ask for the range *wanted* of the output; the answer may begin before it and end after it."""


def receive(
    source: RangeSource,
    total: int,
    partial: Place,
    *,
    crew: Crew,
    clock: Clock,
    journal: Place | None = None,
    patience: Patience = USUAL,
    take: Take = freely,
    progress: Callable[[int], None] = untold,
    stop: Callable[[], bool] = never,
    request_size: int | None = None,
    random: Callable[[], float] = chance.random,
) -> Hashes:
    """Fill *partial* up to *total* bytes; size and tree hash of the whole, for the caller to compare.

    Ranges of *request_size* bytes, 1 MiB times a power of two, come in parallel by the threads of *crew*; each is
    compared with the service's own tree hash where that is told. What is on the disk stands in *journal*: whoever goes
    on with it hashes that again, and asks only for what is missing or is not what was written down. A request that
    breaks off is made again from where it stopped, until *patience* is over. *take* lets bytes flow.
    *progress* is told the bytes that are there so far, by one thread at a time. The file is on the disk when this
    returns. Memory: less than 1 MiB for each thread of the crew.

    Raises BytesMismatch if a range comes twice without the service's own tree hash, DiskTrouble, Stopped, ServiceError;
    what is in the file is then good for another call.
    """
    size = request_size or request_size_of(total)
    if size <= 0 or size % LEAF or size & (size - 1):
        raise ValueError(f"{size} is not 1 MiB times a power of two")
    with open_partial(partial) as fd, _opened(journal) as journal_fd:
        file = PartialFile(fd, total)
        receiving = _Receiving(source, file, Journal(journal_fd, file), size, crew, take, progress, stop)
        tries = _Tries(receiving, patience, clock, random)
        with receiving.ended():
            while (error := receiving.trouble()) is not None:
                tries.another(error)
                receiving.go_on()
        return receiving.result()


def request_size_of(total: int) -> int:
    """How much of *total* bytes is asked for at once, so that there are at most 10,000 ranges."""
    size = REQUEST_SIZE
    while size * MAX_PARTS < total:
        size *= 2
    return size


class _Tries:
    """How often requests broke off in a row, with nothing received in between."""

    def __init__(
        self, receiving: "_Receiving", patience: Patience, clock: Clock, random: Callable[[], float]
    ) -> None:
        self._receiving, self._patience, self._clock, self._random = receiving, patience, clock, random
        self._failures = Failures()
        self._received = 0

    def another(self, error: ServiceError) -> None:
        """Wait as long as it takes until another try is sensible. Raises *error* if none is; Stopped."""
        received = self._receiving.received
        if received > self._received:
            self._failures = Failures()
        self._received = received
        self._failures.add(self._clock.now())
        count, lasting = self._failures.count, self._failures.lasting
        if not deserves_retry(error) or self._patience.is_over(count, lasting):
            raise error
        seconds = self._patience.pause(count, self._random)
        while seconds > 0:
            self._receiving.look_up()
            self._clock.sleep(min(seconds, 1.0))
            seconds -= 1.0


class _Dropped(Exception):
    """What this thread was at is not wanted now; it stays for later."""


class _Receiving:
    """One download: the spans that wait, how many are in a thread's hands, what is there."""

    def __init__(
        self,
        source: RangeSource,
        file: PartialFile,
        journal: Journal,
        size: int,
        crew: Crew,
        take: Take,
        progress: Callable[[int], None],
        stop: Callable[[], bool],
    ) -> None:
        self.received = 0
        self._source, self._file, self._journal, self._crew = source, file, journal, crew
        self._take, self._progress, self._stop = take, progress, stop
        self._there = 0
        self._roots: dict[int, bytes] = {}
        self._changed = threading.Condition()
        self._tasks = 0
        self._held = 0
        self._broke: ServiceError | None = None
        self._failure: BaseException | None = None
        self._over = False
        self._in_order = False
        """Whether the service ignores ranges: one answer holds all, and one thread reads it."""
        file.cut()
        claims = journal.claims()
        self._waiting = deque(Span(whole, claims.get(whole.start)) for whole in split(file.total, size))

    # The thread that waits for all of it

    def trouble(self) -> ServiceError | None:
        """Wait until all is there (None) or requests break off. Raises what else went wrong."""
        with self._changed:
            self._put()
            self._changed.wait_for(lambda: self._broke or self._failure or not self._unfinished)
            if self._failure:
                raise self._failure
            return self._broke

    def go_on(self) -> None:
        """Ask again."""
        with self._changed:
            self._broke = None

    def look_up(self) -> None:
        """Raises Stopped if that is wished."""
        if self._stop() or self._crew.broken_off:
            raise Stopped(self._there)

    @contextmanager
    def ended(self) -> Iterator[None]:
        """In the end no thread is at work any more; if not all is there, what is has been written down."""
        try:
            yield
        except BaseException:
            self._end()
            with suppress(DiskTrouble):  # what was raised says more
                for span in self._waiting:
                    if span.at > span.whole.start:
                        self._journal.add(span.arrived)
            raise
        self._end()

    def result(self) -> Hashes:
        """Size and tree hash of the whole."""
        tree_hash = combine(self._roots[start] for start in sorted(self._roots))
        return Hashes(self._file.total, None, tree_hash)

    def _end(self) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._tasks)

    @property
    def _unfinished(self) -> bool:
        return bool(self._tasks or self._waiting)

    @property
    def _is_held_up(self) -> bool:
        return bool(self._over or self._failure or self._broke)

    def _put(self) -> None:
        """Let threads have as many tasks as there is work for, but not more than would fill the crew."""
        most = 1 if self._in_order else self._crew.jobs
        while self._tasks < most and self._tasks - self._held < len(self._waiting) and not self._is_held_up:
            self._tasks += 1
            self._crew.move(self._work)

    # The threads of the crew

    def _work(self) -> None:
        """Take a span and bring it, if there is one to be had."""
        span = self._taken()
        try:
            if span is not None:
                self._bring(span)
        except (ServiceUnreachable, ServiceBusy) as error:
            self._broke = self._broke or error
        except _Dropped:
            pass
        except BaseException as error:  # noqa: BLE001 - whoever waits raises it
            self._failure = self._failure or error
        finally:
            self._put_back(span)

    def _taken(self) -> Span | None:
        with self._changed:
            if not self._waiting or self._is_held_up or (self._in_order and self._held):
                return None
            self._held += 1
            return self._waiting.popleft()

    def _put_back(self, span: Span | None) -> None:
        with self._changed:
            self._tasks -= 1
            if span is not None:
                self._held -= 1
                if span.whole.start not in self._roots:
                    self._waiting.appendleft(span)
            self._put()
            self._changed.notify_all()

    def _go_on(self) -> None:
        """Raises Stopped or _Dropped if this is not the time to read on."""
        self.look_up()
        if self._over or self._failure or (self._in_order and self._held > 1):
            raise _Dropped

    def _bring(self, span: Span) -> None:
        self._go_on()
        self._take_up(span)
        while span.rest.length:
            self._ask(span)
        self._close(span)

    def _take_up(self, span: Span) -> None:
        """Keep what was written down of the span, if its bytes are still so."""
        claim, span.claim = span.claim, None
        if claim is None:
            return
        try:
            for at in range(claim.range.start, claim.range.stop, LEAF):
                self._go_on()
                leaf = ByteRange(at, min(at + LEAF, claim.range.stop))
                span.grow(self._file.leaf(leaf), leaf.length)
        except BaseException:
            span.forget()
            span.claim = claim
            raise
        if span.arrived == claim:
            self._count(span.at - span.whole.start)
        else:
            span.forget()

    def _ask(self, span: Span) -> None:
        """Make one request and take its answer."""
        wanted = span.rest
        with self._source(wanted) as answer:
            given = _given(answer, wanted, self._file.total)
            if answer.start < wanted.start or given.stop > wanted.stop:
                self._read_through(answer, given.stop, span)
                return
            if answer.tree_hash and (answer.start, answer.stop) == (given.start, given.stop):
                span.believe(given, answer.tree_hash)
            self._read(answer, span, given.stop)

    def _read(self, answer: Incoming, span: Span, goal: int) -> None:
        while span.at < goal:
            leaf, at = hashlib.sha256(), span.at
            for block in self._blocks(answer, min(LEAF, goal - at)):
                self._file.write(block, at)
                leaf.update(block)
                at += len(block)
            length = at - span.at
            span.grow(leaf.digest(), length)
            self._count(length, received=length)

    def _blocks(self, answer: Incoming, length: int) -> Iterator[bytes]:
        """The next *length* bytes of *answer*, as they come."""
        while length:
            self._go_on()
            block = answer.read(min(length, _BLOCK))
            if not block:
                raise ServiceUnreachable("the answer ended early")
            self._take(len(block))
            length -= len(block)
            yield block

    def _read_through(self, answer: Incoming, goal: int, span: Span) -> None:
        """Take what is missing from an answer that holds more than *span*, in its order; alone, lest all of it come
        to every thread."""
        with self._changed:
            if self._in_order and self._held > 1:
                raise _Dropped
            self._in_order = True
            self._changed.wait_for(lambda: self._held == 1 or self._over)
            missing = sorted((span, *self._waiting), key=lambda each: each.whole.start)
        at = answer.start
        for each in missing:
            self._take_up(each)
            if not at <= each.at < goal:
                continue
            for _ in self._blocks(answer, each.at - at):
                pass
            self._read(answer, each, min(each.whole.stop, goal))
            at = each.at
            if each is not span and not each.rest.length:
                self._close(each)
        with self._changed:
            self._waiting = deque(each for each in self._waiting if each.whole.start not in self._roots)

    def _close(self, span: Span) -> None:
        """The span is whole. If the service says it should be another, ask once more. Raises BytesMismatch then."""
        try:
            span.check()
        except BytesMismatch:
            self._count(span.whole.start - span.at)
            span.forget()
            if span.doubted:
                raise
            span.doubted = True
            return
        self._journal.add(span.arrived)
        self._roots[span.whole.start] = span.arrived.tree_hash

    def _count(self, length: int, *, received: int = 0) -> None:
        with self._changed:
            self.received += received
            self._there += length
            self._progress(self._there)


@contextmanager
def _opened(journal: Place | None) -> Iterator[int | None]:
    if journal is None:
        yield None
        return
    with open_partial(journal) as fd:
        yield fd


def _given(answer: Incoming, wanted: ByteRange, total: int) -> ByteRange:
    """What of *answer* is of use: from where we are to its end, be it beyond the range asked for."""
    untold_stop = total if answer.start < wanted.start else wanted.stop
    stop = untold_stop if answer.stop is None else min(answer.stop, total)
    if stop < total:
        stop = stop // LEAF * LEAF
    if not 0 <= answer.start <= wanted.start < stop:
        raise ServiceError(
            f"asked for bytes {wanted.start} to {wanted.stop}, got {answer.start} to {answer.stop}"
        )
    return ByteRange(wanted.start, stop)
