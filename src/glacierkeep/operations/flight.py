"""Archives on their way side by side."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import NamedTuple, Self, TypeAlias

from glacierkeep.transfer.crew import Crew

MOST_STAGED = 2
"""So many archives that lie in staging are sent at once, while one more is made: staging never holds more."""

Landed: TypeAlias = Callable[[BaseException | None], None]
"""Told, in the thread that launches and waits, what ended an archive's way; None if it arrived."""


class _Archive(NamedTuple):
    landed: Landed
    staged: bool


class Flight:
    """At most *most* archives, else as many as *crew* has jobs, each with a thread of its own that reads it and waits
    for its parts.

    A context manager: left with an error, `broken` tells those under way to end, and all are waited for; left because
    somebody will not wait, parts are broken off as well.
    """

    def __init__(self, crew: Crew, most: int | None = None) -> None:
        self._crew = crew
        self._most = most or crew.jobs
        self._threads = ThreadPoolExecutor(max_workers=self._most, thread_name_prefix="archive")
        self._under_way: dict[Future[None], _Archive] = {}
        self._broken = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error:
            self._broken.set()
            if not isinstance(error, Exception):
                self._crew.break_off()
        self._threads.shutdown()

    @property
    def broken(self) -> bool:
        """Whether the run has failed and those under way are to end."""
        return self._broken.is_set()

    def launch(self, ship: Callable[[], None], landed: Landed, *, staged: bool = False) -> None:
        """Have *ship* done; waits while too many are under way. Raises what *landed* of any raises."""
        while not self._has_room(staged):
            self._land(wait(self._under_way, return_when=FIRST_COMPLETED).done)
        self._land([each for each in self._under_way if each.done()])
        self._under_way[self._threads.submit(ship)] = _Archive(landed, staged)

    def land_all(self) -> None:
        """Wait for all that are under way, and those that these bring about. Raises what *landed* of any raises."""
        while self._under_way:
            self._land(wait(self._under_way, return_when=FIRST_COMPLETED).done)

    def _has_room(self, staged: bool) -> bool:
        lying = sum(each.staged for each in self._under_way.values())
        return len(self._under_way) < self._most and not (staged and lying >= MOST_STAGED)

    def _land(self, done: Iterable[Future[None]]) -> None:
        for future in done:
            self._under_way.pop(future).landed(future.exception())


def raise_it(error: BaseException | None) -> None:
    """A landing that lets nothing pass."""
    if error is not None:
        raise error
