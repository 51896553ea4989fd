"""Which failures deserve another try, and after how long."""

import random as chance
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from glacierkeep.clock import Clock
from glacierkeep.errors import NoConnection, ServiceBusy, ServiceError, ServiceUnreachable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """At most *tries* tries; pauses grow from *first* to *longest* seconds, doubling."""

    tries: int = 5
    first: float = 1.0
    longest: float = 60.0

    def pause(self, failed: int, random: Callable[[], float]) -> float:
        """Seconds to wait after *failed* tries: half of it sure, half by chance (*random* in [0, 1)).

        Chance spreads clients that failed together; the sure half keeps them from coming back at once.
        """
        # The exponent is bounded: a float overflows after a thousand failures.
        whole = min(self.first * 2.0 ** min(failed - 1, 60), self.longest)
        return whole * (0.5 + 0.5 * random())


USUAL = Patience()


def deserves_retry(error: BaseException) -> bool:
    """Whether the same request may succeed if it is simply made again."""
    return isinstance(error, ServiceUnreachable | ServiceBusy)


def may_have_been_done(error: BaseException) -> bool:
    """Whether a request that failed so may have been carried out all the same.

    True where no whole answer came, and for the service's own failures (5xx): before an upload or a job
    is asked for again, look whether it is there.
    """
    if isinstance(error, ServiceBusy):
        return error.status >= 500
    return isinstance(error, ServiceUnreachable) and not isinstance(error, NoConnection)


def persist(
    action: Callable[[], T],
    *,
    patience: Patience,
    clock: Clock,
    random: Callable[[], float] = chance.random,
) -> T:
    """What *action*, which must be safe to repeat, gives; tried again where that may help.

    Raises what the last try raised.
    """
    failed = 0
    while True:
        try:
            return action()
        except ServiceError as error:
            failed += 1
            if failed >= patience.tries or not deserves_retry(error):
                raise
        clock.sleep(patience.pause(failed, random))
