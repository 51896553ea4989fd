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
        """Work on *connection* as soon as there is a thread. RuntimeError when there can be none at all."""
        with self._lock:
            if len(self._busy) >= self._most:
                self._waiting.append(connection)
                return
            self._busy.add(connection)
        try:
            threading.Thread(
                target=self._run, args=(connection,), name="glacier-request", daemon=True
            ).start()
        except RuntimeError:
            self._wait_for_others(connection)

    def cut_off(self) -> None:
        """End the connections that are being worked on: what waits for their clients stops waiting."""
        with self._lock:
            for connection in (*self._busy, *self._waiting):
                connection.cut_off()

    def _run(self, connection: Connection) -> None:
        following: Connection | None = connection
        while following:
            try:
                self._work(following)
            except BaseException:
                self._done(following)
                raise
            following = self._done(following, go_on=True)

    def _done(self, connection: Connection, *, go_on: bool = False) -> Connection | None:
        """Let go of *connection*; to *go_on*, take what has waited for longest."""
        with self._lock:
            self._busy.discard(connection)
            if not go_on or not self._waiting:
                return None
            following = self._waiting.popleft()
            self._busy.add(following)
            return following

    def _wait_for_others(self, connection: Connection) -> None:
        """The system has no more threads for the moment: those at work take it over."""
        with self._lock:
            self._busy.discard(connection)
            if not self._busy:
                raise RuntimeError("no thread can be started")
            self._waiting.append(connection)
