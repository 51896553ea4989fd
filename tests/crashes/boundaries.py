"""Where a run can be killed: between any two things that anyone else can see."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from support.unreliable import Unreliable

_ON_DISK = {"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.truncate"}
_SYNCING = {"fsync", "fdatasync"}


class Boundaries:
    """Counts the boundaries this process comes to, and kills it at number *fatal* (from 1 on).

    They are: before each commit of the catalog, before each request and after it was done, before each fsync, and
    before each change in a folder. What a request makes the service do on its own disk is part of that request. What
    the service did is left behind in *testament*, beside what the caller *knew* before. There is no undoing it: for
    processes that end soon.

    Unless it may be killed *amid* a request of another thread, such a request is waited for: then it is known exactly
    what the service did.
    """

    def __init__(
        self, fatal: int, service: Unreliable, testament: Path, *, amid: bool = False, **knew: int
    ) -> None:
        self._passed: list[str] = []
        self._fatal, self._service, self._knew = fatal, service, knew
        self._testament = os.open(testament, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._lock = threading.Lock()
        self._amid = amid
        self._request = threading.RLock()
        self._answering = threading.local()
        event.listen(Engine, "commit", lambda _: self._pass("commit"))
        service.before, service.after = self._asked, self._answered
        sys.addaudithook(self._audit)
        for name in _SYNCING & set(dir(os)):
            setattr(os, name, self._seen(name, getattr(os, name)))

    def _seen(self, name: str, system: Callable[[Any], None]) -> Callable[[Any], None]:
        """What no audit hook tells of: *system*, a call of that name, with a boundary before it."""

        def call(file: Any) -> None:
            if not getattr(self._answering, "now", False):
                self._pass(f"before {name}")
            system(file)

        return call

    def _leave(self) -> None:
        left = {
            "boundary": self._passed[-1],
            "passed": len(self._passed),
            "done": dict(self._service.done),
            "sent": self._service.sent,
            "unanswered": self._service.unanswered,
        }
        os.write(self._testament, json.dumps(left | self._knew).encode())

    def _asked(self, operation: str) -> None:
        self._pass(f"before {operation}")
        self._answering.now = True
        if not self._amid:
            self._request.acquire()

    def _answered(self, operation: str) -> None:
        self._answering.now = False
        if not self._amid:
            self._request.release()
        self._pass(f"after {operation}")

    def _audit(self, name: str, args: tuple[Any, ...]) -> None:
        creates = name == "open" and isinstance(args[2], int) and args[2] & os.O_CREAT
        if (creates or name in _ON_DISK) and not getattr(self._answering, "now", False):
            self._pass(f"before {name}")

    def _pass(self, what: str) -> None:
        with self._request, self._lock:
            self._passed.append(what)
            if len(self._passed) == self._fatal:
                self._leave()
                os.kill(os.getpid(), signal.SIGKILL)
