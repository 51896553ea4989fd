"""Signatures by the service's clock: it refuses those that are more than five minutes off its own."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

AHEAD = "ClockAhead"
"""Put beside the code of a refusal: the seconds by which this computer's clock is ahead of the service's."""

_STAMP = "%Y%m%dT%H%M%SZ"
_SIGNATURE = "v4-service-time"
_TIME = "glacierkeep_time"
_CODES = frozenset({"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"})
_ABOUT_TIME = ("Signature expired", "Signature not yet current")
_JUDGED_AT = re.compile(r"\((\d{8}T\d{6}Z) [-+] \d+ min")


def is_about_time(code: str, message: str) -> bool:
    """Whether the service refused a signature for the time it was made at."""
    return code in _CODES or message.startswith(_ABOUT_TIME)


class ServiceTime:
    """The time to sign with: this computer's (*now*), put right once the service has refused it."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._ahead = timedelta()

    def now(self) -> datetime:
        """The service's time, as far as is known."""
        return self._now() - self._ahead

    def sign(self, client: Any) -> None:
        """Have the requests of *client* signed by this time, and learn from its refusals."""
        _register()
        client.meta.events.register_first("choose-signer.glacier", self._choose)
        client.meta.events.register("response-received.glacier", self._heed)

    def _choose(self, context: dict[str, Any], **_: Any) -> str:
        context[_TIME] = self.now
        return _SIGNATURE

    def _heed(self, parsed_response: dict[str, Any] | None, **_: Any) -> None:
        refusal = (parsed_response or {}).get("Error")
        if not isinstance(refusal, dict):
            return
        message = str(refusal.get("Message") or "")
        if is_about_time(str(refusal.get("Code") or ""), message):
            told = _told(message, parsed_response or {})
            if told is not None:
                self._ahead = self._now() - told
                refusal[AHEAD] = self._ahead.total_seconds()


def _told(message: str, parsed: Mapping[str, Any]) -> datetime | None:
    """The service's time: the one it judged by, as the message says, else that of the answer."""
    judged = _JUDGED_AT.search(message)
    if judged:
        with suppress(ValueError):
            return datetime.strptime(judged[1], _STAMP).replace(tzinfo=UTC)
    headers = parsed.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    with suppress(ValueError, TypeError):
        return parsedate_to_datetime(headers.get("date")).astimezone(UTC)
    return None


@cache
def _register() -> None:
    """Tell botocore of a signer that does not ask the system for the time; it is used only where it is chosen."""
    from botocore.auth import AUTH_TYPE_MAPS, SigV4Auth

    class ServiceTimeAuth(SigV4Auth):
        def _modify_request_before_signing(self, request: Any) -> None:
            request.context["timestamp"] = request.context[_TIME]().strftime(_STAMP)
            super()._modify_request_before_signing(request)  # type: ignore[misc] # not in the stubs

    AUTH_TYPE_MAPS[_SIGNATURE] = ServiceTimeAuth
