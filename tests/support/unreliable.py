"""A service that may be cut off: requests are counted, and lost before or after they are done."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from glacierkeep.local import LocalGlacier
from glacierkeep.local.routes import find_route
from glacierkeep.local.wire.messages import Request, Response

Fault = Callable[[str], Exception | None]
"""Given an operation's name, what the connection breaks with; None to let it be."""


_BRING_BYTES = {"UploadArchive", "UploadMultipartPart"}


def no_fault(operation: str) -> Exception | None:
    """Nothing breaks."""
    return None


class Unreliable:
    """Stands between gk and *service*. *before* breaks a request that then never arrives; *after* one that was done,
    so that only its answer is lost. *done* counts, by operation, what the service did and granted. *sent* are the bytes
    of archives that were sent in all, *unanswered* those of parts whose answer was lost or is not there yet."""

    def __init__(self, service: LocalGlacier) -> None:
        self.service = service
        self.before: Fault = no_fault
        self.after: Fault = no_fault
        self.done: Counter[str] = Counter()
        self.sent = self.unanswered = 0
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Response:
        operation = find_route(request).route.name
        size = int(request.headers.get("Content-Length", 0)) if operation in _BRING_BYTES else 0
        part = size if operation == "UploadMultipartPart" else 0
        self._count(size, part)
        _break(self.before(operation))
        response = self.service(request)
        if response.status < 300:
            self._count(0, 0, operation)
        try:
            _break(self.after(operation))
        except Exception:
            response.close()
            raise
        self._count(0, -part)
        return response

    def cut(self, operation: str, *, nth: int = 1, arrived: bool = False) -> None:
        """Nothing comes through any more from the *nth* request for *operation* on; that one *arrived*, or did not."""
        gone, seen = False, 0

        def before(asked: str) -> Exception | None:
            nonlocal gone, seen
            seen += asked == operation
            now = asked == operation and seen == nth
            lost = gone or (now and not arrived)
            gone |= now
            return ConnectionResetError("the connection was reset") if lost else None

        def after(asked: str) -> Exception | None:
            return ConnectionResetError("the connection was reset") if gone and asked == operation else None

        self.before, self.after = before, after

    def mend(self) -> None:
        """Everything comes through again."""
        self.before = self.after = no_fault

    def forget(self) -> None:
        """Count from here."""
        self.done.clear()
        self.sent = self.unanswered = 0

    def now(self) -> datetime:
        return self.service.now()

    def advance(self, by: timedelta) -> None:
        self.service.advance(by)

    def close(self) -> None:
        self.service.close()

    def _count(self, sent: int, unanswered: int, *done: str) -> None:
        with self._lock:
            self.sent += sent
            self.unanswered += unanswered
            self.done.update(done)


def from_on(operation: str, nth: int) -> Fault:
    """The connection breaks at the *nth* request for *operation*, and at every later one."""
    seen = 0

    def fault(asked: str) -> Exception | None:
        nonlocal seen
        seen += asked == operation
        return (
            ConnectionResetError("the connection was reset") if asked == operation and seen >= nth else None
        )

    return fault


def once(operation: str, *, nth: int = 1) -> Fault:
    """The connection breaks at the *nth* request for *operation*, and at no other."""
    seen = 0

    def fault(asked: str) -> Exception | None:
        nonlocal seen
        seen += asked == operation
        if asked == operation and seen == nth:
            return ConnectionResetError("the connection was reset")
        return None

    return fault


def down_from(operation: str, nth: int) -> Fault:
    """The line is down for *operation* from its *nth* request on."""
    seen = 0

    def fault(asked: str) -> Exception | None:
        nonlocal seen
        seen += asked == operation
        return ConnectionResetError("the line is down") if asked == operation and seen >= nth else None

    return fault


def _break(error: Exception | None) -> None:
    if error is not None:
        raise error
