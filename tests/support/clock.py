"""A clock that stands still until it is turned."""

from datetime import UTC, datetime, timedelta


class TurnedClock:
    """Time for tests: *sleep* turns it, nothing else passes."""

    def __init__(self, moment: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.turn(seconds=seconds)

    def turn(self, **by: float) -> None:
        """Let time pass: keyword arguments as of timedelta."""
        self.moment += timedelta(**by)
