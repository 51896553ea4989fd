"""The local Glacier at an address: it is listened there, answered side by side, and its clock ticks."""

import ipaddress
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from glacierkeep.local.service import LocalGlacier
from glacierkeep.local.serving.connection import Connection
from glacierkeep.local.serving.crew import Crew
from glacierkeep.local.serving.exchange import Answered, exchange
from glacierkeep.local.serving.limits import Limits
from glacierkeep.local.serving.listener import Listener
from glacierkeep.local.store.occupancy import occupied

GRACE_SECONDS = 30.0
_BACKLOG = 128
_TICK_SECONDS = 1.0
_PARTING_SECONDS = 5.0

Tell = Callable[[Answered], None]


class Server:
    """*service* at *host* and *port* (0: any that is free). *tell* hears of each answer, from several threads at once.

    The address is taken when the server is made: OSError when it cannot be had.
    """

    def __init__(
        self,
        service: LocalGlacier,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        tell: Tell | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._service = service
        self._tell = tell
        self._limits = limits or Limits()
        door = _bind(host, port)
        host, self._port = door.getsockname()[:2]
        self._address = ipaddress.ip_address(host)
        self._crew = Crew(self._attend, self._limits.threads)
        self._listener = Listener(door, self._crew.take, self._limits)
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._listener.run, name="glacier-listener", daemon=True),
            threading.Thread(target=self._tick, name="glacier-clock", daemon=True),
        ]

    @property
    def url(self) -> str:
        """Where clients on this machine reach it."""
        if not self._address.is_unspecified:
            host = self._address
        else:
            host = ipaddress.ip_address("127.0.0.1" if self._address.version == 4 else "::1")
        return f"http://{host if host.version == 4 else f'[{host}]'}:{self._port}"

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return self._address.is_loopback

    def start(self) -> None:
        """Begin to answer; once."""
        for thread in self._threads:
            thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait so long; whether it is still at work."""
        self._threads[0].join(seconds)
        return self._threads[0].is_alive()

    def stop(self, grace: float = GRACE_SECONDS) -> None:
        """Let nobody in any more; requests under way have *grace* seconds to be answered, and are cut off then."""
        listening, ticking = self._threads
        self._stopping.set()
        self._listener.stop()
        listening.join(grace)
        if listening.is_alive():
            self._crew.cut_off()
            listening.join(_PARTING_SECONDS)
            self._listener.stop(at_once=True)
            listening.join()
        ticking.join(_PARTING_SECONDS)

    def _attend(self, connection: Connection) -> None:
        try:
            answered = exchange(connection, self._service, self._limits, self._stopping.is_set)
            if self._tell:
                self._tell(answered)
        except BaseException:
            connection.close()
            raise
        finally:
            self._listener.give_back(connection)

    def _tick(self) -> None:
        """Let expire what expires, and messages go out, though nobody asks for anything."""
        while not self._stopping.wait(_TICK_SECONDS):
            # A full or failing disk is told to whoever asks for something.
            with suppress(OSError, sqlite3.OperationalError):
                self._service.tick()


@contextmanager
def serve(
    service: LocalGlacier,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    tell: Tell | None = None,
    limits: Limits | None = None,
    grace: float = GRACE_SECONDS,
) -> Iterator[Server]:
    """A Server at work until the end of the block, which leaves requests under way *grace* seconds; an exception none.

    OSError when the address cannot be had. Several may serve one folder; meanwhile it cannot be reset.
    """
    with occupied(service.folder):
        server = Server(service, host, port, tell=tell, limits=limits)
        server.start()
        try:
            yield server
        except BaseException:
            server.stop(0)
            raise
        server.stop(grace)


def _bind(host: str, port: int) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return socket.create_server(address, family=family, backlog=_BACKLOG)
