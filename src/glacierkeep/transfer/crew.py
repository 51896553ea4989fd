"""The threads that all transfers of a run share."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

Task = Callable[[], None]


class Crew:
    """*jobs* threads that send or receive, started when they are needed. Tasks of all transfers wait in one line; each
    transfer puts only a few of its own there, so that a small one never waits for the end of a huge one.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.broken_off = False
        """Whether what is under way is to be dropped instead of finished."""
        self._movers = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="move")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Return once all that was asked for is done; nothing more can be asked for."""
        self._movers.shutdown()

    def break_off(self) -> None:
        """Have what is being sent or received broken off, because somebody will not wait for it."""
        self.broken_off = True

    def move(self, task: Task) -> None:
        """Have *task*, which waits for the network and raises nothing, done."""
        self._movers.submit(task)
