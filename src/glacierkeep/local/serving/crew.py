"""Threads for what is to be done: one for each connection at work, so that a slow client keeps only its own waiting."""

import threading
from collections import deque
from collections.abc import Callable

from glacierkeep.local.serving.connection import Connection


class Crew:
    """Does *work* on connections side by side, on *most* at once; others wait their turn.

    *work* does not raise. Threads end with the process, whatever they do.
    """

    def __init__(self, work: Callable[[Connection], None], most: int) -> None:
        self._work = work
        self._most = most
        self._lock = threading.Lock()
        self._busy: set[Connection] = set()
        self._waiting: deque[Connection] = deque()

    def take(self, connection: Connection) -> None:
        """Work on *connection* as soon as there is a thread."""
        with self._lock:
            if len(self._busy) >= self._most:
                self._waiting.append(connection)
                return
            self._busy.add(connection)
        self._start(connection)

    def cut_off(self) -> None:
        """End the connections that are being worked on: what waits for their clients stops waiting."""
        with self._lock:
            for connection in (*self._busy, *self._waiting):
                connection.cut_off()

    def _start(self, connection: Connection) -> None:
        thread = threading.Thread(target=self._run, args=(connection,), name="glacier-request", daemon=True)
        thread.start()

    def _run(self, connection: Connection) -> None:
        try:
            self._work(connection)
        finally:
            with self._lock:
                self._busy.discard(connection)
                following = self._waiting.popleft() if self._waiting else None
                if following:
                    self._busy.add(following)
            if following:
                self._start(following)
