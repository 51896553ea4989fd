"""Work on pieces done by a few threads, a little ahead, its results taken in the pieces' order."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Result = TypeVar("Result")

_WORKERS = 2
_MOST = 3
"""Pieces that are worked on or wait to be taken: memory holds as many, with their results."""


class Ahead(Generic[Result]):
    """*work* is done on every piece in some thread; *take* is given each result in order, by the thread that asks.

    Hashing and compressing leave Python's lock to others, so that they go on beside writing and sealing.
    """

    def __init__(self, work: Callable[[bytes], Result], take: Callable[[Result], None]) -> None:
        self._work, self._take = work, take
        self._workers = ThreadPoolExecutor(_WORKERS)
        self._pending: deque[Future[Result]] = deque()

    def put(self, piece: bytes) -> None:
        """One more piece; waits while too many are under way. Raises what *work* and *take* raise."""
        self._pending.append(self._workers.submit(self._work, piece))
        while len(self._pending) >= _MOST:
            self._take(self._pending.popleft().result())

    def flush(self) -> None:
        """Take all that is under way. Raises what *work* and *take* raise."""
        while self._pending:
            self._take(self._pending.popleft().result())

    def close(self) -> None:
        """Let go of the threads; what was not taken is dropped."""
        self._workers.shutdown(cancel_futures=True)
