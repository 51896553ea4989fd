"""Waiting for the service in steps so short that a wish to stop is heard."""

from collections.abc import Callable

from glacierkeep.clock import Clock

_STEP_SECONDS = 1.0


def wait(seconds: float, *, clock: Clock, stop: Callable[[], bool]) -> None:
    """Return after *seconds*, or soon after *stop* says so."""
    left = seconds
    while left > 0 and not stop():
        clock.sleep(min(left, _STEP_SECONDS))
        left -= _STEP_SECONDS
