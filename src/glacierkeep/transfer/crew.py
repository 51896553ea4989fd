"""The threads that all transfers of a run share, and the room they have."""

import itertools
import os
import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from glacierkeep.domain.limits import BLOCK
from glacierkeep.transfer.room import Room

Task = Callable[[], None]
T = TypeVar("T")


class Crew:
    """*jobs* threads that send or receive, *hashers* that hash, one for each processor, and room for *jobs* + 1 blocks.

    Threads are started when they are needed. Tasks of all transfers wait in one line; each transfer puts only a few of
    its own there, so that a small one never waits for the end of a huge one. Parts of up to *held* bytes, at most a
    block, are held in memory.
    """

    def __init__(self, jobs: int, *, held: int = BLOCK, hashers: int | None = None) -> None:
        self.jobs = jobs
        self.held = held
        self.hashers = hashers or cpus()
        self.broken_off = False
        """Whether what is under way is to be dropped instead of finished."""
        self.room = Room(jobs + 1)
        self._senders = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="send")
        self._hashers = _Hashers(self.hashers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Return once all that was asked for is done; nothing more can be asked for."""
        self._senders.shutdown()
        self._hashers.close()

    def break_off(self) -> None:
        """Have what is being sent or received broken off, because somebody will not wait for it."""
        self.broken_off = True

    def move(self, task: Task) -> None:
        """Have *task*, which waits for the network and raises nothing, done."""
        self._senders.submit(task)

    def begin(self, ask: Callable[[], T]) -> "Future[T]":
        """Have something asked for over the network, in line with what else is moved."""
        return self._senders.submit(ask)

    def hash(self, task: Task, *, first: bool = False) -> None:
        """Have *task*, which computes and raises nothing, done; before others if *first*."""
        self._hashers.hash(task, first)

    def strand(self, *, first: bool = False) -> "Strand":
        """Hashing in an order. *first*: it goes before what could be done side by side, because it is the longest."""
        return Strand(self, first)


class Strand:
    """Tasks that are done one after the other in the order they were given, by whichever hashing thread is free."""

    def __init__(self, crew: Crew, first: bool) -> None:
        self._crew, self._first = crew, first
        self._waiting: deque[Task] = deque()
        self._lock = threading.Lock()

    def hash(self, task: Task) -> None:
        """Have *task* done after what was given before."""
        with self._lock:
            self._waiting.append(task)
            if len(self._waiting) > 1:
                return
        self._crew.hash(self._next, first=self._first)

    def _next(self) -> None:
        # The task stays in the queue while it is done: whoever adds one then must not start a second thread.
        self._waiting[0]()
        with self._lock:
            self._waiting.popleft()
            if not self._waiting:
                return
        self._crew.hash(self._next, first=self._first)


class _Hashers:
    """*most* threads with one line before them; who is *first* goes to its head."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._line: queue.PriorityQueue[tuple[int, int, Task | None]] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def hash(self, task: Task, first: bool) -> None:
        self._line.put((0 if first else 1, next(self._numbers), task))
        if len(self._threads) < self._most:
            self._start()

    def close(self) -> None:
        for _ in self._threads:
            self._line.put((2, next(self._numbers), None))
        for thread in self._threads:
            thread.join()

    def _start(self) -> None:
        with self._lock:
            if len(self._threads) < self._most:
                name = f"hash-{len(self._threads)}"
                self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
                self._threads[-1].start()

    def _work(self) -> None:
        while (task := self._line.get()[2]) is not None:
            task()
            del task


def cpus() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
