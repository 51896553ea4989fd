"""The limits of a run: how fast bytes flow, as config.toml says by then, how many, and for how long."""

import functools
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from glacierkeep.cli.render.words import duration, size
from glacierkeep.cli.signals import Stop
from glacierkeep.clock import Clock
from glacierkeep.config.settings import Settings, TransferSettings
from glacierkeep.domain.timetable import Timetable
from glacierkeep.errors import GlacierkeepError, LimitReached
from glacierkeep.transfer.allowance import Allowance, Limit
from glacierkeep.transfer.pace import Pace, Take

LOOKED_AT = timedelta(seconds=2)
"""How often it is looked whether config.toml has changed."""


class LiveSettings:
    """The settings, read again when *file* changes. While it cannot be used the old ones hold, and *told* hears why,
    once for each change."""

    def __init__(
        self, file: Path, load: Callable[[], Settings], *, clock: Clock, told: Callable[[str], None]
    ) -> None:
        self._file, self._load, self._clock, self._told = file, load, clock, told
        self._looked = clock.now()
        self._state = _state(file)
        self._settings = load()

    def __call__(self) -> Settings:
        """What is wanted by now."""
        now = self._clock.now()
        if not timedelta() <= now - self._looked < LOOKED_AT:
            self._looked = now
            self._look()
        return self._settings

    def _look(self) -> None:
        state = _state(self._file)
        if state == self._state:
            return
        self._state = state
        try:
            self._settings = self._load()
        except (GlacierkeepError, OSError) as error:
            self._told(f"the limits stay as they were: {error}")


class Limits:
    """Of one run, from now on: the options and the settings that *load* gives are asked again when *file* changes."""

    def __init__(
        self,
        file: Path,
        load: Callable[[], Settings],
        *,
        clock: Clock,
        stop: Stop,
        note: Callable[[str], None],
    ) -> None:
        self._live = LiveSettings(file, load, clock=clock, told=note)
        self._clock, self._stop = clock, stop
        self._wanted = self._live().transfer
        self._allowance = Allowance(self._wanted.max_transfer, self._wanted.max_duration, clock)

    def heed(self) -> None:
        """From now on it is time to stop once the run has moved as much, or taken as long, as it may."""
        self._stop.heed(self._allowance.reached)

    @functools.cached_property
    def up(self) -> Take:
        """Lets bytes be sent, and counts them."""
        return self._take(lambda wanted: wanted.limit_upload)

    @functools.cached_property
    def down(self) -> Take:
        """Lets bytes be received, and counts them."""
        return self._take(lambda wanted: wanted.limit_download)

    def error(self) -> LimitReached:
        """The error that says which limit broke the run off."""
        most = {
            Limit.TRANSFER: size(self._wanted.max_transfer or 0),
            Limit.DURATION: duration(timedelta(seconds=self._wanted.max_duration or 0)),
        }
        reached = self._stop.reached
        assert reached is not None
        return LimitReached(
            f"the limit of {most[reached]} ({reached}) is reached; {size(self._allowance.moved)} were moved"
        )

    def _take(self, choose: Callable[[TransferSettings], Timetable | None]) -> Take:
        def rate() -> int | None:
            timetable = choose(self._live().transfer)
            return timetable.rate_at(_minute(self._clock.now())) if timetable else None

        # What is under way when a limit is reached still flows at its pace; only a person is in a hurry.
        pace = Pace(rate, self._clock, lambda: self._stop.asked)

        def take(amount: int) -> bool:
            is_free = pace.take(amount)
            self._allowance.count(amount)
            return is_free

        return take


def _minute(now: datetime) -> int:
    """The minute of the day on this machine's clocks; whatever hour they are set to, theirs counts."""
    local = now.astimezone()
    return local.hour * 60 + local.minute


def _state(file: Path) -> tuple[int, int, int] | None:
    """What changes when *file* is written or replaced; None if it is not there, or cannot be looked at."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
