"""Bodies with something wrong: too slow, too short, or with a byte that was not sent."""

from glacierkeep.clock import Clock
from glacierkeep.local.wire.messages import Readable

_PIECES_A_SECOND = 10


class _Changed:
    def __init__(self, body: Readable) -> None:
        self._body = body

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        if close is not None:
            close()


class SlowBody(_Changed):
    """*body* at *rate* bytes a second of *clock*."""

    def __init__(self, body: Readable, rate: int, clock: Clock) -> None:
        super().__init__(body)
        self._rate = rate
        self._clock = clock

    def read(self, size: int, /) -> bytes:
        """At most *size* bytes, once their time has passed."""
        piece = self._body.read(min(size, max(self._rate // _PIECES_A_SECOND, 1))) or b""
        self._clock.sleep(len(piece) / self._rate)
        return piece


class CutBody(_Changed):
    """The first *length* bytes of *body*."""

    def __init__(self, body: Readable, length: int) -> None:
        super().__init__(body)
        self._left = length

    def read(self, size: int, /) -> bytes:
        """At most *size* bytes; none at the end."""
        piece = self._body.read(min(size, self._left)) or b""
        self._left -= len(piece)
        return piece


class CorruptBody(_Changed):
    """*body* with one bit changed in the byte at *offset*; *changed* once that byte was read."""

    def __init__(self, body: Readable, offset: int) -> None:
        super().__init__(body)
        self._before = offset
        self.changed = False

    def read(self, size: int, /) -> bytes:
        """At most *size* bytes; none at the end."""
        piece = self._body.read(size) or b""
        if not self.changed and self._before < len(piece):
            wrong = bytearray(piece)
            wrong[self._before] ^= 1
            self.changed = True
            return bytes(wrong)
        self._before -= len(piece)
        return piece
