"""What all who use one store know of its failures, so that they wait together."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from glacierkeep.clock import Clock
from glacierkeep.domain.patience import COUNTED_GAP, Failures, Patience


class Pause(NamedTuple):
    """*is_first*: of those who failed together, this one failed first."""

    seconds: float
    is_first: bool


class Outage:
    """Failures of all requests to one store, with no answer between them. Thread-safe.

    A failure makes everybody wait, as often as they failed in a row; those that were under way together count as one.
    """

    def __init__(self, patience: Patience, clock: Clock, random: Callable[[], float]) -> None:
        self._patience = patience
        self._clock = clock
        self._random = random
        self._lock = threading.Lock()
        self._all = Failures()
        self._round = 0
        self._pause = 0.0
        self._until: datetime | None = None

    @property
    def round(self) -> int:
        """How many pauses there were."""
        return self._round

    def left(self) -> float:
        """Seconds during which nobody should ask."""
        with self._lock:
            if self._until is None:
                return 0.0
            left = (self._until - self._clock.now()).total_seconds()
            # More than the whole pause is left if the clock was set back.
            return left if left <= self._pause else 0.0

    def end(self) -> None:
        """The service answers."""
        with self._lock:
            self._all = Failures()
            self._until = None

    def fail(self, began: int, own: Failures, at_least: float) -> Pause | None:
        """A request that began in round *began* failed; *own* counts it. How long to wait, no less than *at_least*
        seconds; None if it is to be given up."""
        with self._lock:
            now = self._clock.now()
            is_first = began == self._round or self._until is None or now >= self._until
            self._count(now, is_first=is_first)
            if self._is_over(own):
                return None
            lasting = max(own.lasting, self._all.lasting)
            count = max(own.count, self._all.count) if is_first else own.count
            seconds = max(self._patience.pause(count, self._random), at_least)
            seconds = min(seconds, max(self._patience.retry_for - lasting, self._patience.first))
            if is_first:
                self._round += 1
                self._pause = seconds
                self._until = now + timedelta(seconds=seconds)
            return Pause(seconds, is_first)

    def _count(self, now: datetime, *, is_first: bool) -> None:
        last = self._all.last
        if last is not None and (now - last).total_seconds() > COUNTED_GAP:
            self._all = Failures()
        if is_first:
            self._all.add(now)

    def _is_over(self, own: Failures) -> bool:
        over = self._patience.is_over
        return over(own.count, own.lasting) or over(self._all.count, self._all.lasting)
