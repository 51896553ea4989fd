"""Room in memory, shared by all who read ahead."""

import threading
from collections import deque


class Room:
    """Room for *size* bytes. Whoever asks waits in line, so that nobody who needs much of it waits for ever."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._free = size
        self._line: deque[object] = deque()
        self._changed = threading.Condition()

    def take(self, wanted: int) -> None:
        """Return once *wanted* bytes are yours. Raises ValueError for more than there is in all."""
        if wanted > self.size:
            raise ValueError(f"there is room for {self.size} bytes, not for {wanted}")
        place = object()
        with self._changed:
            self._line.append(place)
            try:
                self._changed.wait_for(lambda: self._line[0] is place and self._free >= wanted)
                self._free -= wanted
            finally:
                self._line.remove(place)
                self._changed.notify_all()

    def give_back(self, size: int) -> None:
        """*size* bytes are free again."""
        with self._changed:
            self._free += size
            self._changed.notify_all()
