"""The one thread that hears all clients: it accepts them, gathers the heads of their requests, and loses patience."""

import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from glacierkeep.local.serving.connection import Connection
from glacierkeep.local.serving.limits import Limits

_TURN_SECONDS = 1.0
_LAST_SECONDS = 2.0


class Listener:
    """Hears what comes through *door*. A connection on which a head has come is handed to *take*, once, and heard
    again when it is given back."""

    def __init__(self, door: socket.socket, take: Callable[[Connection], None], limits: Limits) -> None:
        self._door = door
        self._take = take
        self._limits = limits
        self._selector = selectors.DefaultSelector()
        self._bell, self._cord = socket.socketpair()
        self._resting: set[Connection] = set()
        self._back: deque[Connection] = deque()
        self._out = 0
        self._next_look = 0.0
        self._open = self._stopping = self._ended = False

    def run(self) -> None:
        """Listen until it is stopped, and all that was handed out is back."""
        for each in (self._door, self._bell, self._cord):
            each.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._open_door()
        try:
            while not self._ended:
                self._turn()
        finally:
            self._end()

    def give_back(self, connection: Connection) -> None:
        """Hear a connection again, which goes on, lingers or is closed. From any thread."""
        self._back.append(connection)
        self._ring()
        if self._ended:
            connection.close()

    def stop(self, *, at_once: bool = False) -> None:
        """Let nobody in any more, and end when all is answered, or *at_once*. From any thread."""
        self._stopping = True
        self._ended = self._ended or at_once
        self._ring()

    def _turn(self) -> None:
        for key, _ in self._selector.select(_TURN_SECONDS):
            if key.fileobj is self._door:
                self._accept()
            elif isinstance(key.data, Connection):
                self._hear(key.data)
            else:
                self._bell.recv(4096)
        now = time.monotonic()
        while self._back:
            self._out -= 1
            self._rest(self._back.popleft(), now)
        if now >= self._next_look or self._stopping:
            self._next_look = now + _TURN_SECONDS
            self._look_around(now)

    def _look_around(self, now: float) -> None:
        if self._stopping:
            self._shut_door()
            self._door.close()
            for connection in self._resting:
                last = now + _LAST_SECONDS if connection.lingering else now
                connection.deadline = min(connection.deadline, last)
        else:
            self._open_door()
        for connection in [each for each in self._resting if each.deadline <= now]:
            if connection.begun and not self._stopping:
                self._hand_out(connection)
            else:
                self._forget(connection)
        self._ended = self._ended or (self._stopping and not self._out and not self._resting)

    def _accept(self) -> None:
        if len(self._resting) + self._out >= self._limits.connections and not self._make_room():
            self._shut_door()
            return
        try:
            sock, _ = self._door.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError:
            # No more files can be opened for the moment; who wants to come in waits at the door.
            self._shut_door()
            return
        now = time.monotonic()
        self._rest(Connection(sock, now + self._limits.idle), now)

    def _make_room(self) -> bool:
        if not self._resting:
            return False
        self._forget(min(self._resting, key=lambda each: each.deadline))
        return True

    def _hear(self, connection: Connection) -> None:
        begun = connection.begun
        try:
            connection.listen()
        except OSError:
            self._forget(connection)
            return
        if connection.ready:
            self._hand_out(connection)
        elif connection.begun and not begun:
            connection.deadline = time.monotonic() + self._limits.head

    def _rest(self, connection: Connection, now: float) -> None:
        """Wait for what comes on *connection*, which may be there already."""
        if connection.closed:
            return
        if connection.ready and not self._stopping:
            self._out += 1
            self._take(connection)
            return
        if connection.begun:
            connection.deadline = now + self._limits.head
        self._resting.add(connection)
        self._selector.register(connection.socket, selectors.EVENT_READ, connection)

    def _hand_out(self, connection: Connection) -> None:
        self._selector.unregister(connection.socket)
        self._resting.discard(connection)
        self._out += 1
        self._take(connection)

    def _forget(self, connection: Connection) -> None:
        self._selector.unregister(connection.socket)
        self._resting.discard(connection)
        connection.close()

    def _open_door(self) -> None:
        if not self._open:
            self._open = True
            self._selector.register(self._door, selectors.EVENT_READ)

    def _shut_door(self) -> None:
        if self._open:
            self._open = False
            self._selector.unregister(self._door)

    def _ring(self) -> None:
        with suppress(OSError):
            self._cord.send(b".")

    def _end(self) -> None:
        self._ended = True
        for connection in (*self._resting, *self._back):
            connection.close()
        self._selector.close()
        for each in (self._door, self._bell, self._cord):
            each.close()
