"""What all who use one store know of its failures, so that they wait together."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from glacierkeep.clock import Clock
from glacierkeep.domain.patience import COUNTED_GAP, Failures, Patience


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

    def fail(self, began: int, own: Failures, at_least: float) -> float | None:
        """A request that began in round *began* failed; *own* counts it. The seconds to wait, no less than *at_least*;
        None if it is to be given up."""
        with self._lock:
            now = self._clock.now()
            self._count(now, first=began == self._round)
            lasting = max(own.lasting, self._all.lasting)
            if self._is_over(own):
                return None
            count = max(own.count, self._all.count) if began == self._round else own.count
            pause = max(self._patience.pause(count, self._random), at_least)
            pause = min(pause, max(self._patience.retry_for - lasting, self._patience.first))
            if began == self._round:
                self._round += 1
                self._pause = pause
                self._until = now + timedelta(seconds=pause)
            return pause

    def _count(self, now: datetime, *, first: bool) -> None:
        last = self._all.last
        if last is not None and (now - last).total_seconds() > COUNTED_GAP:
            self._all = Failures()
        if first:
            self._all.add(now)

    def _is_over(self, own: Failures) -> bool:
        over = self._patience.is_over
        return over(own.count, own.lasting) or over(self._all.count, self._all.lasting)
