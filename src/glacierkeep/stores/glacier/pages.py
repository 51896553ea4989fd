"""A listing of the service, page after page."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from glacierkeep.errors import ServiceError

T = TypeVar("T")

Ask = Callable[[dict[str, str]], tuple[Mapping[str, Any], list[T]]]
"""Asks for a page, with the arguments that name it; its answer, and what is listed there."""


class Pages(Generic[T]):
    """What is listed on the pages that *ask* gives. If asking raises, the next one may be asked for again: the page
    that failed is then asked for once more, and nothing is told twice."""

    def __init__(self, ask: Ask[T]) -> None:
        self._ask = ask
        self._listed: deque[T] = deque()
        self._marker: str | None = ""

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        while not self._listed:
            if self._marker is None:
                raise StopIteration
            self._turn({"marker": self._marker} if self._marker else {})
        return self._listed.popleft()

    def _turn(self, named: dict[str, str]) -> None:
        page, listed = self._ask(named)
        marker = page.get("Marker") or None
        if marker is not None and marker == self._marker:
            raise ServiceError(f"the service's list has no end: it goes on at {str(marker)[:80]!r} again")
        self._marker = marker
        self._listed.extend(listed)
