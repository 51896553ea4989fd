"""Time, injected. Nothing in glacierkeep asks the system for it in any other way."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is, and how to wait."""

    def now(self) -> datetime:
        """The present moment: aware, UTC."""

    def sleep(self, seconds: float) -> None:
        """Return once *seconds* have passed on this clock."""


class SystemClock:
    """The computer's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
