"""Limits that hold at certain hours: `500k`, `off`, or `1M, 08:00-23:00=500k, 23:00-06:00=off`."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

LEAST_RATE = 1024
"""Bytes per second. A request that flows more slowly is given up by the service before it has ended."""

DAY = 24 * 60
"""Minutes."""

_WINDOW = re.compile(r"([0-9]{1,2}):([0-9]{2})\s*-\s*([0-9]{1,2}):([0-9]{2})\s*=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Window:
    """From minute *start* of the day until *stop*, over midnight if that comes first. *rate*: bytes per second."""

    start: int
    stop: int
    rate: int | None

    def __contains__(self, minute: int) -> bool:
        if self.start < self.stop:
            return self.start <= minute < self.stop
        return minute >= self.start or minute < self.stop

    def __str__(self) -> str:
        return f"{_clock(self.start)}-{_clock(self.stop)}"


@dataclass(frozen=True, slots=True)
class Timetable:
    """At what rate bytes may flow: that of the window the minute is in, else *rest*. *text*: as it was written."""

    text: str
    rest: int | None
    windows: tuple[Window, ...] = ()

    def rate_at(self, minute: int) -> int | None:
        """Bytes per second at *minute* of the day; None is as fast as it goes."""
        return next((window.rate for window in self.windows if minute in window), self.rest)

    def __str__(self) -> str:
        return self.text


def read_timetable(text: str, size: Callable[[str], int]) -> Timetable:
    """The limits in *text*, whose amounts *size* reads as bytes. Raises ValueError, which says what is wrong."""
    windows, rests = list[Window](), list[str]()
    for item in (item.strip() for item in text.split(",")):
        found = _WINDOW.fullmatch(item)
        if found:
            windows.append(_window(item, found, size))
        elif "=" in item:
            raise ValueError(f"{item!r} is not a time of day and a limit, such as 08:00-23:00=500k")
        else:
            rests.append(item)
    if len(rests) > 1:
        raise ValueError(f"{rests[0]!r} and {rests[1]!r}: only one limit can hold for the rest of the day")
    for one, other in _overlapping(windows):
        raise ValueError(f"{one} and {other} overlap")
    return Timetable(text.strip(), _rate(rests[0], size) if rests else None, tuple(windows))


def _window(item: str, found: re.Match[str], size: Callable[[str], int]) -> Window:
    start, stop = _minute(item, found.group(1), found.group(2)), _minute(item, found.group(3), found.group(4))
    if start % DAY == stop % DAY:
        raise ValueError(f"{item!r} ends when it begins; a limit for the whole day stands alone")
    return Window(start % DAY, stop, _rate(found.group(5), size))


def _minute(item: str, hour: str, minute: str) -> int:
    at = int(hour) * 60 + int(minute)
    if int(minute) >= 60 or at > DAY:
        raise ValueError(f"{item!r}: {hour}:{minute} is no time of day")
    return at


def _rate(word: str, size: Callable[[str], int]) -> int | None:
    if word.strip().lower() == "off":
        return None
    rate = size(word)
    if rate < LEAST_RATE:
        raise ValueError(
            f"{word.strip()!r} is no limit: one is at least {LEAST_RATE} bytes per second, and `off` is none"
        )
    return rate


def _overlapping(windows: list[Window]) -> Iterator[tuple[Window, Window]]:
    for one, other in combinations(windows, 2):
        if other.start in one or one.start in other:
            yield one, other


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
