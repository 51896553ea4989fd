"""One client's connection: what it sent and nobody took yet, and how it ends."""

import socket
import struct
from contextlib import suppress

from glacierkeep.local.serving.heads import MAX_HEAD_BYTES, end_of_head, late, malformed
from glacierkeep.local.store.treehash import MIB

_PIECE = 64 * 1024
_RESET = struct.pack("ii", 1, 0)


class Connection:
    """A socket with the bytes that came on it.

    While it waits for a head the listener owns it, afterwards the thread that answers; *deadline* is the moment, on
    the monotonic clock, when the listener's patience ends.
    """

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = sock
        self.deadline = deadline
        self.lingering = False
        self._received = bytearray()
        self._searched = 0
        self._head_end = -1
        self._unwanted = 0

    @property
    def begun(self) -> bool:
        """Whether part of a head is there."""
        return bool(self._received)

    @property
    def ready(self) -> bool:
        """Whether a head is there, or more than a head may be."""
        return self._head_end >= 0 or len(self._received) > MAX_HEAD_BYTES

    @property
    def closed(self) -> bool:
        """Whether the socket was let go of."""
        return self.socket.fileno() < 0

    def listen(self) -> None:
        """Take what has come, without waiting. Raises OSError when the client has gone or sends without end."""
        try:
            piece = self.socket.recv(_PIECE)
        except BlockingIOError:
            return
        if not piece:
            raise ConnectionAbortedError("the client has ended the connection")
        dropped = min(self._unwanted, len(piece))
        self._unwanted -= dropped
        if not self.lingering:
            self._received += memoryview(piece)[dropped:]
            self._look_for_head()
        elif not self._unwanted:
            raise ConnectionAbortedError("the client does not stop sending")

    def take_head(self) -> bytes:
        """The head that is there. Raises Refusal when it is too long, or did not come in time."""
        if self._head_end < 0 and len(self._received) <= MAX_HEAD_BYTES:
            raise late()
        if not 0 <= self._head_end <= MAX_HEAD_BYTES:
            raise malformed("length of the headers")
        head = bytes(self._received[: self._head_end])
        del self._received[: self._head_end]
        self._searched, self._head_end = 0, -1
        return head

    def put(self, view: memoryview) -> int:
        """Put the next bytes into *view*, waiting for at least one; how many, 0 when the client ended the stream."""
        if not self._received:
            return self.socket.recv_into(view)
        count = min(len(self._received), len(view))
        view[:count] = self._received[:count]
        del self._received[:count]
        return count

    def go_on(self, unread: int, deadline: float) -> None:
        """Wait for the next request, once *unread* bytes of the body before it were dropped."""
        self.socket.setblocking(False)
        self._drop(unread)
        self.deadline = deadline
        self._look_for_head()

    def linger(self, most: int, deadline: float) -> None:
        """End our side, and drop what the client still sends, so that it comes to read the answer."""
        self.lingering = True
        self.deadline = deadline
        self._received.clear()
        self._unwanted = most
        self.socket.setblocking(False)
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def cut_off(self) -> None:
        """End both sides at once; a thread that waits for the client stops waiting."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """End it so that the client's next use of it fails: what was sent and not yet received is lost."""
        with suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.close()

    def close(self) -> None:
        """Let go of the socket."""
        self.socket.close()

    def _drop(self, unread: int) -> None:
        there = min(unread, len(self._received))
        del self._received[:there]
        self._unwanted = unread - there

    def _look_for_head(self) -> None:
        if self._searched == 0 and self._received.startswith((b"\r", b"\n")):
            self._received = self._received.lstrip(b"\r\n")
        if self._head_end < 0:
            self._head_end = end_of_head(self._received, self._searched)
            self._searched = len(self._received)


class Body:
    """The *length* bytes that follow a head, read as they are wanted. When *expected* the client waits to be asked."""

    def __init__(self, connection: Connection, length: int, *, expected: bool) -> None:
        self.length = length
        self.left = length
        self._connection = connection
        self._expected = expected
        self._failed = False

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most *size* and at most 1 MiB; none at the end. Raises OSError when they do not come."""
        view = memoryview(bytearray(min(size, self.left, MIB)))
        return bytes(view[: self.put(view)])

    def put(self, view: memoryview, /) -> int:
        """How many of the next bytes were put into *view*; none at the end. Raises OSError when they do not come."""
        wanted = min(len(view), self.left)
        if not wanted:
            return 0
        try:
            self._ask()
            count = self._connection.put(view[:wanted])
            if not count:
                raise ConnectionAbortedError("the client ended the body early")
        except OSError:
            self._failed = True
            raise
        self.left -= count
        return count

    def may_be_dropped(self, most: int) -> bool:
        """Whether what is left is sure to come, and so little that the connection is worth the wait."""
        return not (self._expected or self._failed) and self.left <= most

    def _ask(self) -> None:
        if self._expected:
            self._expected = False
            self._connection.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
