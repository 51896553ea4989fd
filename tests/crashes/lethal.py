"""A local Glacier over HTTP, in a process of its own, that kills whoever talks to it at a moment counted in bytes."""

import contextlib
import json
import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from glacierkeep.local import LocalGlacier
from glacierkeep.local.routes import find_route
from glacierkeep.local.serving import serve
from glacierkeep.local.wire.messages import Readable, Request, Response

REQUEST = 64 * 1024
"""What a request weighs beside its bytes, when it comes and again when it is answered."""


class Lethal(LocalGlacier):
    """Kills when *weight* more has come and gone. *granted* are the bytes of parts by vault, each time they came."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._counting = threading.Lock()
        self._victim: tuple[int, int] | None = None
        self._left = 0
        self.granted: Counter[str] = Counter()

    def __call__(self, request: Request) -> Response:
        self._weigh(REQUEST)
        match = find_route(request)
        response = super().__call__(replace(request, body=_Weighed(request.body, self._weigh)))
        if match.route.name == "UploadMultipartPart" and response.status < 300:
            with self._counting:
                self.granted[match.path["vault"]] += int(request.headers["Content-Length"])
        self._weigh(REQUEST)
        return replace(response, body=_Weighed(response.body, self._weigh))

    def aim(self, victim: int, number: int, weight: int) -> int:
        """Send the signal *number* to the process *victim* (0: nobody) after *weight*; 0, once that is so."""
        with self._counting:
            self._victim, self._left = (victim, number) if victim else None, weight
        return 0

    def _weigh(self, weight: int) -> None:
        with self._counting:
            self._left -= weight
            if self._victim and self._left < 0:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(*self._victim)
                self._victim = None


class _Weighed:
    def __init__(self, body: Readable, weigh: Any) -> None:
        self._body, self._weigh = body, weigh

    def read(self, size: int, /) -> bytes:
        piece = self._body.read(size) or b""
        self._weigh(len(piece))
        return piece

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        if close is not None:
            close()


@dataclass
class Gun:
    """The Lethal at *url*, from another process."""

    url: str
    _orders: Any
    _answers: Any

    def aim(self, victim: int, number: int, weight: int) -> None:
        """See Lethal."""
        self._ask("aim", victim, number, weight)

    def rest(self) -> None:
        """Nobody is aimed at."""
        self.aim(0, 0, 0)

    def granted(self, vault: str) -> int:
        """Bytes of the parts that the service took in, in all."""
        return int(self._ask("granted", vault))

    def _ask(self, *order: Any) -> Any:
        self._orders.write(json.dumps(order) + "\n")
        self._orders.flush()
        return json.loads(self._answers.readline())


@contextmanager
def lethal(folder: Path) -> Iterator[Gun]:
    """A Lethal at work in *folder*. To be called before this process has threads."""
    orders, to_order = os.pipe()
    answers, to_answer = os.pipe()
    child = os.fork()
    if not child:
        os.close(to_order)
        os.close(answers)
        _serve(folder, orders, to_answer)
    os.close(orders)
    os.close(to_answer)
    with os.fdopen(to_order, "w") as asking, os.fdopen(answers) as answered:
        yield Gun(answered.readline().strip(), asking, answered)
    os.waitpid(child, 0)


def _serve(folder: Path, orders: int, answers: int) -> NoReturn:
    service = Lethal(folder)
    with os.fdopen(orders) as asked, os.fdopen(answers, "w") as answered, serve(service, grace=1) as server:
        answered.write(server.url + "\n")
        answered.flush()
        for line in asked:
            match json.loads(line):
                case ["aim", victim, number, weight]:
                    said = service.aim(victim, number, weight)
                case ["granted", vault]:
                    said = service.granted[vault]
            answered.write(f"{said}\n")
            answered.flush()
    os._exit(0)
