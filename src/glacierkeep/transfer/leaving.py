"""How far the parts are that are under way: on a slow line one takes minutes until it is acknowledged."""

import threading
from collections.abc import Callable

from glacierkeep.domain.limits import KIB

_STEP = 256 * KIB
"""Bytes after which it is told again."""


class Leaving:
    """Adds up the bytes of unacknowledged parts that have left, and tells *told*, one thread at a time."""

    def __init__(self, told: Callable[[int], None]) -> None:
        self._tell = told
        self._parts: dict[int, int] = {}
        self._told = 0
        self._lock = threading.Lock()

    def begin(self, start: int) -> None:
        """The part at byte *start* is sent, perhaps once more: from its first byte on."""
        with self._lock:
            self._parts[start] = 0

    def add(self, start: int, size: int) -> None:
        """*size* more bytes of it have left."""
        with self._lock:
            self._parts[start] += size
            self._say(_STEP)

    def end(self, start: int) -> None:
        """It is acknowledged, or given up."""
        with self._lock:
            if self._parts.pop(start, 0):
                self._say(1)

    def _say(self, step: int) -> None:
        leaving = sum(self._parts.values())
        if abs(leaving - self._told) >= step:
            self._told = leaving
            self._tell(leaving)
