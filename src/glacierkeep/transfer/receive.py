"""Receiving a job's output into a partial file: in ranges, checked, continued where it broke off."""

import random as chance
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from glacierkeep.clock import Clock
from glacierkeep.domain.hashes import Hashes
from glacierkeep.domain.limits import LEAF, MIB
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.patience import USUAL, Patience, deserves_retry
from glacierkeep.domain.treehash import combine
from glacierkeep.errors import BytesMismatch, ServiceError, ServiceUnreachable, Stopped
from glacierkeep.transfer.partial import PartialFile, Place, open_partial
from glacierkeep.transfer.stopped import never, untold

REQUEST_SIZE = 64 * MIB
"""Asked for at once: big enough to be quick, small enough that a tree hash settles where it went wrong."""


class Incoming(Protocol):
    """An answer being read: bytes *start* to *stop* (if told) of the output, with their tree hash if told."""

    start: int
    stop: int | None
    tree_hash: bytes | None

    def read(self, size: int, /) -> bytes:
        """At most *size* more bytes, b"" at the end."""


class RangeSource(Protocol):
    """Where bytes come from."""

    def __call__(self, wanted: ByteRange, /) -> AbstractContextManager[Incoming]:
        """Ask for the range *wanted* of the output; the answer may begin before it and end after it."""


def receive(
    source: RangeSource,
    total: int,
    partial: Place,
    *,
    clock: Clock,
    patience: Patience = USUAL,
    progress: Callable[[int], None] = untold,
    stop: Callable[[], bool] = never,
    request_size: int = REQUEST_SIZE,
    random: Callable[[], float] = chance.random,
) -> Hashes:
    """Fill *partial* up to *total* bytes; the hashes of the whole, for the caller to compare.

    Whole MiBs that are there are kept and hashed again. *request_size* is a multiple of 1 MiB. A request that
    breaks off is made again from where it stopped, until *patience* is over. *progress* is told
    the bytes that are there so far. The file is on the disk when this returns.

    Raises BytesMismatch if a range does not have the service's own tree hash (its bytes are removed again),
    DiskTrouble, Stopped, ServiceError; what is in the file is then good for another call.
    """
    if request_size <= 0 or request_size % LEAF:
        raise ValueError(f"{request_size} is no multiple of 1 MiB")
    with open_partial(partial) as fd:
        receiving = _Receiving(source, PartialFile(fd, total), progress, stop)
        receiving.begin()
        _fill(receiving, clock, patience, request_size, random)
        receiving.file.sync()
        return receiving.file.result()


def _fill(
    receiving: "_Receiving", clock: Clock, patience: Patience, size: int, random: Callable[[], float]
) -> None:
    failed, since = 0, clock.now()
    while (at := receiving.file.at) < receiving.file.total:
        receiving.stop_here()
        try:
            receiving.ask(receiving.file.next_range(size))
            failed = 0
        except ServiceError as error:
            if not failed or receiving.file.at > at:
                failed, since = 0, clock.now()
            failed += 1
            lasting = (clock.now() - since).total_seconds()
            if not deserves_retry(error) or patience.is_over(failed, lasting):
                raise
            _wait(clock, patience.pause(failed, random), receiving)


def _wait(clock: Clock, seconds: float, receiving: "_Receiving") -> None:
    """Sleep, but wake to see whether to stop."""
    while seconds > 0:
        receiving.stop_here()
        clock.sleep(min(seconds, 1.0))
        seconds -= 1.0


class _Receiving:
    """One run: where bytes come from, where they go, who is told."""

    def __init__(
        self,
        source: RangeSource,
        file: PartialFile,
        progress: Callable[[int], None],
        stop: Callable[[], bool],
    ) -> None:
        self.file = file
        self._source = source
        self._progress = progress
        self._stop = stop

    def begin(self) -> None:
        """Take up what is there."""
        self.file.take_up()
        self._progress(self.file.at)

    def stop_here(self) -> None:
        """Raises Stopped if that is wished."""
        if self._stop():
            raise Stopped(self.file.at)

    def ask(self, wanted: ByteRange) -> None:
        """Make one request and take its answer."""
        with self._source(wanted) as answer:
            given = _given(answer, wanted, self.file.total)
            _skip(answer, wanted.start - answer.start)
            leaves = self._take(answer, given.stop)
            if answer.tree_hash and (answer.start, answer.stop) == (wanted.start, given.stop):
                self._compare(given, answer.tree_hash, combine(leaves))

    def _take(self, answer: Incoming, goal: int) -> list[bytes]:
        leaves = []
        while self.file.at < goal:
            leaves.append(self.file.add(_read_exactly(answer, min(LEAF, goal - self.file.at))))
            self._progress(self.file.at)
            if self.file.at < goal:
                self.stop_here()
        return leaves

    def _compare(self, given: ByteRange, expected: bytes, found: bytes) -> None:
        if expected != found:
            self.file.cut(given.start)
            what = f"received bytes {given.start} to {given.stop}"
            raise BytesMismatch(what, expected=expected, found=found, hint="run the same command again")


def _given(answer: Incoming, wanted: ByteRange, total: int) -> ByteRange:
    """What of *answer* is of use: from where we are to its end, be it beyond the range asked for."""
    stop = wanted.stop if answer.stop is None else min(answer.stop, total)
    if stop < total:
        stop = stop // LEAF * LEAF
    if not 0 <= answer.start <= wanted.start < stop:
        raise ServiceError(
            f"asked for bytes {wanted.start} to {wanted.stop}, got {answer.start} to {answer.stop}"
        )
    return ByteRange(wanted.start, stop)


def _skip(answer: Incoming, length: int) -> None:
    while length:
        length -= len(_read_exactly(answer, min(LEAF, length)))


def _read_exactly(answer: Incoming, length: int) -> bytes:
    pieces = []
    while length:
        piece = answer.read(length)
        if not piece:
            raise ServiceUnreachable("the answer ended early")
        pieces.append(piece)
        length -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
