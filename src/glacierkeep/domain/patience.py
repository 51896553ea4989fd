"""Which failed requests deserve another try, after how long, and for how long."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from glacierkeep.errors import (
    ClockWrong,
    NoConnection,
    ServiceBusy,
    ServiceUnreachable,
    StaleCredentials,
    TurnedAway,
)

COUNTED_GAP = 180.0
"""Seconds that count at most between two failures: a computer that slept, and a part that took an hour to send before
it failed, have not been failing all that time."""


@dataclass(frozen=True, slots=True)
class Patience:
    """A request that keeps failing is given up once it has failed for *retry_for* seconds since its first failure, but
    never after one try. Pauses grow from *first* to *longest* seconds, doubling.

    *for_credentials*: expired credentials are waited for as well; without it they are read anew once.
    """

    retry_for: float = 600.0
    first: float = 1.0
    longest: float = 60.0
    for_credentials: bool = False

    def is_over(self, failed: int, lasting: float) -> bool:
        """Whether to give up after *failed* tries in a row, the first of which failed *lasting* seconds ago."""
        return failed >= 2 and lasting >= self.retry_for

    def pause(self, failed: int, random: Callable[[], float]) -> float:
        """Seconds to wait after *failed* tries: half of it sure, half by chance (*random* in [0, 1)).

        Chance spreads clients that failed together; the sure half keeps them from coming back at once.
        """
        # The exponent is bounded: a float overflows after a thousand failures.
        whole = min(self.first * 2.0 ** min(failed - 1, 60), self.longest)
        return whole * (0.5 + 0.5 * random())


USUAL = Patience()


@dataclass(slots=True)
class Failures:
    """Failures in a row: how many, and for how many seconds they go on."""

    count: int = 0
    lasting: float = 0.0
    last: datetime | None = None

    def add(self, now: datetime) -> None:
        """One more, *now*."""
        if self.last is not None:
            self.lasting += min(max((now - self.last).total_seconds(), 0.0), COUNTED_GAP)
        self.count += 1
        self.last = now


def deserves_retry(error: BaseException) -> bool:
    """Whether the same request may succeed if it is simply made again, in a while; unless that was tried enough."""
    return isinstance(error, ServiceUnreachable | ServiceBusy) and not error.given_up


def was_turned_away(error: BaseException) -> bool:
    """Whether it is sure that the request was not carried out, though another like it may be: nothing was sent, there
    were too many, or the signature was refused."""
    return isinstance(error, NoConnection | TurnedAway | StaleCredentials | ClockWrong)


def may_have_been_done(error: BaseException) -> bool:
    """Whether a request that failed so may have been carried out all the same.

    True where no whole answer came, and for the service's own failures (5xx, or a 408 of somebody between): before an
    upload or a job is asked for again, look whether it is there.
    """
    if getattr(error, "in_doubt", False):
        return True
    if isinstance(error, ServiceBusy):
        return not isinstance(error, TurnedAway) and (error.status >= 500 or error.status == 408)
    return isinstance(error, ServiceUnreachable) and not isinstance(error, NoConnection)
