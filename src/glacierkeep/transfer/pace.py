"""Moving bytes no faster than is wished: a bucket that all threads of the process take from."""

import io
import os
import threading
from collections.abc import Callable
from typing import BinaryIO, TypeAlias

from glacierkeep.clock import Clock
from glacierkeep.transfer.stopped import never

Take: TypeAlias = Callable[[int], bool | None]
"""Returns when so many bytes may flow; True if they need not wait for it."""

BLOCK = 16 * 1024
"""Bytes that flow at once, however slow the rate. Where there is no limit as many flow as are asked for."""

BURST = 0.25
"""Seconds' worth of bytes that may flow at once after a pause, if that is more than a block."""

LONGEST_SLEEP = 0.5
"""Seconds until it is looked again whether to stop, and at what rate."""

SHORTEST_SLEEP = 0.01
"""Seconds: waking up for each block would cost more than it evens out."""

ASKED_AGAIN = 1.0
"""Seconds after which the rate is asked for again."""


def freely(size: int) -> bool:
    """*size* bytes may flow at once."""
    return True


class Pace:
    """Lets bytes flow at *rate* bytes per second, in all; None is as fast as it goes. The rate may change at any time.

    Whoever comes first goes first, a block at a time, so that threads get equal shares. In no time do more bytes flow
    than the rate gives and BURST seconds' worth, and a block for each thread. Once *stop* says True, nobody waits.
    """

    def __init__(
        self, rate: Callable[[], int | None], clock: Clock, stop: Callable[[], bool] = never
    ) -> None:
        self._ask, self._clock, self._stop = rate, clock, stop
        self._lock = threading.Lock()
        self._rate = rate()
        self._looked = self._asked = clock.now()
        # Positions in the one stream of all bytes: up to where they are promised, up to where they may flow.
        self._promised = 0
        self._allowed = 0.0

    def take(self, size: int) -> bool:
        """Return when *size* bytes may flow, or at once when it is time to stop: who calls asks for that itself.

        Whether there is no limit at present.
        """
        while size > 0 and not self._is_free():
            block = min(size, BLOCK)
            self._wait(self._promise(block))
            size -= block
        return self._rate is None

    def _is_free(self) -> bool:
        """Whether there is no limit, cheaply: bytes that flow freely are asked about as often as others."""
        if self._rate is None and 0 <= (self._clock.now() - self._asked).total_seconds() < ASKED_AGAIN:
            return True
        with self._lock:
            self._look()
            return self._rate is None

    def _promise(self, size: int) -> int:
        """The position up to which the next *size* bytes go."""
        with self._lock:
            self._promised += size
            return self._promised

    def _wait(self, position: int) -> None:
        while (seconds := self._missing(position)) > 0 and not self._stop():
            self._clock.sleep(min(max(seconds, SHORTEST_SLEEP), LONGEST_SLEEP))

    def _missing(self, position: int) -> float:
        """Seconds until bytes may flow up to *position*, at the present rate."""
        with self._lock:
            self._look()
            return (position - self._allowed) / self._rate if self._rate else 0.0

    def _look(self) -> None:
        """Allow what the time since the last look gives; a clock that was set back gives nothing."""
        now = self._clock.now()
        passed = max((now - self._looked).total_seconds(), 0.0)
        self._looked = now
        if self._rate is None:
            self._allowed = float(self._promised)
        else:
            most = self._promised + max(self._rate * BURST, BLOCK)
            self._allowed = min(self._allowed + passed * self._rate, most)
        if not 0 <= (now - self._asked).total_seconds() < ASKED_AGAIN:
            self._rate, self._asked = self._ask(), now


class Paced(io.RawIOBase):
    """What *reader* reads, given no faster than *take* allows."""

    def __init__(self, reader: BinaryIO, take: Take) -> None:
        self._reader = reader
        self._take = take
        self._most = BLOCK

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._reader.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._reader.seek(offset, whence)

    def read(self, size: int = -1, /) -> bytes:
        """At most *size* bytes, b"" at the end, and under a limit at most a block; without *size*, all that is left."""
        if size < 0:
            return self.readall()
        content = self._reader.read(min(size, self._most))
        self._most = size if self._take(len(content)) else BLOCK
        return content

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        self._reader.close()
        super().close()
