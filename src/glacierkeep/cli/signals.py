"""The first Ctrl-C asks to stop, the second stops. A limit that is reached asks too."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from glacierkeep.errors import Exit

if TYPE_CHECKING:
    from glacierkeep.transfer.allowance import Limit

_SENTENCE = b"\ngk: finishing what is under way; press Ctrl-C again to stop at once\n"
_GRACE = 3.0
"""Seconds that the second signal leaves for tidying up. Whoever is killed then loses nothing either."""
_WATCHED = (signal.SIGINT, signal.SIGTERM)


class Terminated(KeyboardInterrupt):
    """SIGTERM came."""


class Stop:
    """Asked by operations: whether to come to an end. Only once armed is the first signal gentle.

    *heeded*: that somebody asked to stop was told; *reached*: that this limit is reached was.
    """

    def __init__(self) -> None:
        self.heeded = False
        self.reached: Limit | None = None
        self._limit: Callable[[], Limit | None] = lambda: None
        self._armed = False
        self._received: list[int] = []
        self._end: threading.Timer | None = None

    def __call__(self) -> bool:
        """Whether to stop. Once this said True, the command has been broken off."""
        if self._received:
            self.heeded = True
        elif self.reached is None:
            self.reached = self._limit()
        return self.heeded or self.reached is not None

    @property
    def asked(self) -> bool:
        """Whether to stop, for what is done when it stops: nothing is broken off by that."""
        return bool(self._received)

    def arm(self) -> "Stop":
        """From now on someone asks."""
        self._armed = True
        return self

    @property
    def limited(self) -> bool:
        """Whether it was a limit, and nobody, that broke the command off."""
        return self.reached is not None and not self.heeded

    def heed(self, limit: "Callable[[], Limit | None]") -> None:
        """From now on it is also time to stop once *limit* names one that is reached."""
        self._limit = limit

    @property
    def code(self) -> Exit:
        """The exit code of what was broken off."""
        return Exit.TERMINATED if signal.SIGTERM in self._received else Exit.INTERRUPTED

    def receive(self, number: int, frame: FrameType | None = None) -> None:
        """Take a signal. Raises KeyboardInterrupt, unless it is the first and someone asks."""
        self._received.append(number)
        if self._armed and len(self._received) == 1:
            # Not by way of sys.stderr: the signal may have come in the middle of a write to it.
            with contextlib.suppress(OSError):
                os.write(2, _SENTENCE)
            return
        if self._armed and len(self._received) > 2:
            _leave(self.code)
        if self._armed:
            # A connection on which nothing moves may hold up what is broken off for as long as it times out.
            self._end = threading.Timer(_GRACE, _leave, (self.code,))
            self._end.daemon = True
            self._end.start()
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    def close(self) -> None:
        """The command has ended."""
        if self._end is not None:
            self._end.cancel()


def _leave(code: Exit) -> None:
    """End the process here and now; a terminal gets its cursor back, which bars have hidden."""
    with contextlib.suppress(OSError):
        if os.isatty(2):
            os.write(2, b"\x1b[?25h\n")
    os._exit(code)


@contextmanager
def watched() -> Iterator[Stop]:
    """A Stop that hears SIGINT and SIGTERM, if this is the main thread; a signal that is ignored stays so."""
    stop = Stop()
    before = {}
    if threading.current_thread() is threading.main_thread():
        heard = [number for number in _WATCHED if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, stop.receive) for number in heard}
    try:
        yield stop
    finally:
        stop.close()
        for number, handler in before.items():
            signal.signal(number, handler)
