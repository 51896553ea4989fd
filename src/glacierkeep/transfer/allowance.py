"""How many bytes a run may move, and for how long."""

import threading
from datetime import timedelta
from enum import StrEnum

from glacierkeep.clock import Clock


class Limit(StrEnum):
    """What an allowance ends at."""

    TRANSFER = "max_transfer"
    DURATION = "max_duration"


class Allowance:
    """At most *size* bytes and at most *seconds* from now on; None is no limit. Used by several threads."""

    def __init__(self, size: int | None, seconds: float | None, clock: Clock) -> None:
        self.moved = 0
        self._size, self._clock = size, clock
        self._until = None if seconds is None else clock.now() + timedelta(seconds=seconds)
        self._lock = threading.Lock()

    def count(self, size: int) -> None:
        """*size* more bytes are moved."""
        with self._lock:
            self.moved += size

    def reached(self) -> Limit | None:
        """The limit that is reached, if any. What is under way then is still finished and counted."""
        if self._size is not None and self.moved >= self._size:
            return Limit.TRANSFER
        if self._until is not None and self._clock.now() >= self._until:
            return Limit.DURATION
        return None
