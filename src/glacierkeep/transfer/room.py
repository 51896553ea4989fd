"""Room in memory, shared by all who read ahead: a few buffers that are used again and again."""

import threading
from collections import deque

from glacierkeep.domain.limits import BLOCK


class Room:
    """At most *most* buffers of a block each. They are made when they are needed, and not given back to the system in
    between: fresh memory costs more than the reading into it. Whoever asks first gets one first: an archive that reads
    as fast as it can takes nothing away from another one."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._made = 0
        self._free: list[bytearray] = []
        self._line: deque[object] = deque()
        self._changed = threading.Condition()

    def take(self) -> bytearray:
        """A buffer that is yours until it is given back; waits until there is one."""
        place = object()
        with self._changed:
            self._line.append(place)
            try:
                self._changed.wait_for(lambda: self._line[0] is place and self._is_one_left())
                return self._free.pop() if self._free else self._make()
            finally:
                self._line.remove(place)
                self._changed.notify_all()

    def give_back(self, buffer: bytearray) -> None:
        """Nobody looks at *buffer* any more."""
        with self._changed:
            self._free.append(buffer)
            self._changed.notify_all()

    def _is_one_left(self) -> bool:
        return bool(self._free) or self._made < self.most

    def _make(self) -> bytearray:
        self._made += 1
        return bytearray(BLOCK)
