"""The threads that all transfers of a run share, and the room they have."""

import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from glacierkeep.domain.limits import MAX_HELD_PART
from glacierkeep.transfer.room import Room

Task = Callable[[], None]


class Crew:
    """*jobs* threads that send or receive, one that hashes for each processor, and room for *jobs* + 1 parts that are
    held. Threads are started when they are needed. Tasks of all transfers wait in one line; each transfer puts only a
    few of its own there, so that a small one never waits for the end of a huge one.
    """

    def __init__(self, jobs: int, *, held: int = MAX_HELD_PART) -> None:
        self.jobs = jobs
        self.held = held
        self.broken_off = False
        """Whether what is under way is to be dropped instead of finished."""
        self.room = Room((jobs + 1) * held)
        self._senders = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="send")
        self._hashers = ThreadPoolExecutor(max_workers=processors(), thread_name_prefix="hash")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Return once all that was asked for is done; nothing more can be asked for."""
        self._senders.shutdown()
        self._hashers.shutdown()

    def break_off(self) -> None:
        """Have what is being sent or received broken off, because somebody will not wait for it."""
        self.broken_off = True

    def move(self, task: Task) -> None:
        """Have *task*, which waits for the network and raises nothing, done."""
        self._senders.submit(task)

    def hash(self, task: Task) -> None:
        """Have *task*, which computes and raises nothing, done."""
        self._hashers.submit(task)

    def strand(self) -> "Strand":
        """Hashing in an order."""
        return Strand(self)


class Strand:
    """Tasks that are done one after the other in the order they were given, by whichever hashing thread is free."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._waiting: deque[Task] = deque()
        self._lock = threading.Lock()

    def hash(self, task: Task) -> None:
        """Have *task* done after what was given before."""
        with self._lock:
            self._waiting.append(task)
            if len(self._waiting) > 1:
                return
        self._crew.hash(self._next)

    def _next(self) -> None:
        # The task stays in the queue while it is done: whoever adds one then must not start a second thread.
        self._waiting[0]()
        with self._lock:
            self._waiting.popleft()
            if not self._waiting:
                return
        self._crew.hash(self._next)


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
