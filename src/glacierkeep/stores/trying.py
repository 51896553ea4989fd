"""One request, from its first try to its last."""

from glacierkeep.clock import Clock
from glacierkeep.domain.patience import (
    Failures,
    Patience,
    deserves_retry,
    may_have_been_done,
    was_turned_away,
)
from glacierkeep.errors import BytesRefused, ClockWrong, ExpiredCredentials, ServiceError, StaleCredentials
from glacierkeep.events import Event, Noted, Retrying
from glacierkeep.stores.outage import Outage


class Trying:
    """Decides after each failure whether the request to *vault* is made again; *once*: only if it certainly was not
    carried out."""

    def __init__(self, vault: str, patience: Patience, outage: Outage, clock: Clock, *, once: bool) -> None:
        self.pause = 0.0
        """Seconds until the next try."""
        self.event: Event | None = None
        """What there is to tell of the last failure."""
        self._vault = vault
        self._patience = patience
        self._outage = outage
        self._clock = clock
        self._once = once
        self._own = Failures()
        self._began = 0
        self._mended: set[type[Exception]] = set()
        self._in_doubt = False

    def begin(self) -> None:
        """A try begins."""
        self._began = self._outage.round
        self.pause, self.event = 0.0, None

    def goes_on(self, error: ServiceError | BytesRefused) -> bool:
        """Whether there is another try after *error*. If not, the error tells what is known of all tries."""
        again = self._is_mended(error) or self._is_waited_for(error)
        if isinstance(error, ServiceError):
            error.in_doubt = error.in_doubt or self._in_doubt
            self._in_doubt = may_have_been_done(error)
        return again

    def _is_mended(self, error: ServiceError | BytesRefused) -> bool:
        """Whether the cause is out of the way already, so that another try may be made at once; one for each cause."""
        mended = isinstance(error, BytesRefused | StaleCredentials) or (
            isinstance(error, ClockWrong) and error.ahead is not None
        )
        if not mended or type(error) in self._mended:
            return False
        self._mended.add(type(error))
        if isinstance(error, ClockWrong):
            self.event = Noted("clock-wrong", f"{error}; requests are signed by the service's clock")
        return True

    def _is_waited_for(self, error: ServiceError | BytesRefused) -> bool:
        if not isinstance(error, ServiceError) or not self._is_over_soon(error):
            self._outage.end()
            return False
        self._own.add(self._clock.now())
        pause = self._outage.fail(self._began, self._own, error.retry_after)
        if self._once and not was_turned_away(error):
            return False
        if pause is None:
            self._give_up(error)
            return False
        self.pause = pause.seconds
        if pause.is_first:
            left = max(self._patience.retry_for - self._own.lasting, pause.seconds)
            self.event = Retrying(self._vault, error.code, str(error), self._own.count, pause.seconds, left)
        return True

    def _is_over_soon(self, error: ServiceError) -> bool:
        renewed = self._patience.for_credentials and isinstance(error, ExpiredCredentials)
        return renewed or deserves_retry(error)

    def _give_up(self, error: ServiceError) -> None:
        error.given_up = True
        if self._own.count > 1:
            tried = f"{self._own.count} tries failed, in {self._own.lasting:.0f} s"
            error.hint = f"{error.hint}; {tried}" if error.hint else tried
