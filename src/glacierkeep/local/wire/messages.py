"""What goes in and what comes out: requests and responses, with bodies that are streams."""

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Protocol, runtime_checkable

STREAM_PIECE = 256 * 1024


class Readable(Protocol):
    """Bytes that can be read once, in order."""

    def read(self, size: int, /) -> bytes | None:
        """At most *size* bytes; none at the end."""


@runtime_checkable
class Direct(Readable, Protocol):
    """Bytes that can be put where they are wanted, without a copy on the way."""

    def put(self, view: memoryview, /) -> int:
        """How many of the next bytes were put into *view*; none at the end."""


class Headers(Mapping[str, str]):
    """HTTP headers: names in any case, values without surrounding blanks, bytes read as Latin-1.

    A header that is sent more than once has all its values, in order, with commas between them.
    """

    __slots__ = ("_values",)

    def __init__(self, pairs: Iterable[tuple[str | bytes, str | bytes]] = ()) -> None:
        values: dict[str, list[str]] = {}
        for name, value in pairs:
            values.setdefault(_text(name).lower(), []).append(_text(value).strip(" \t"))
        self._values = {name: ",".join(several) for name, several in values.items()}

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. *path* and *query* are as sent, percent-encoded, the query without its ``?``.

    *body* may hold more than the request: only Content-Length bytes belong to it.
    """

    method: str
    path: str
    query: str = ""
    headers: Headers = field(default_factory=Headers)
    body: Readable = field(default_factory=BytesIO)


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response; *body* yields *length* bytes and is closed by whoever reads it.

    It ends before that only where a fault was ordered (``truncate``). *length* is announced all the same, so the
    connection must then be ended too.
    """

    status: int
    headers: dict[str, str]
    body: Readable
    length: int

    def stream(self, size: int = STREAM_PIECE) -> Iterator[bytes]:
        """The body in pieces of at most *size* bytes; closed afterwards."""
        try:
            while piece := self.body.read(size):
                yield piece
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the body."""
        close = getattr(self.body, "close", None)
        if close is not None:
            close()


class BodyError(Exception):
    """The sender's body could not be read; the cause says why. Never the service's own trouble."""


class ConnectionLost(Exception):
    """An ordered fault: instead of getting an answer, the sender is to see its connection reset."""


def read_body(body: Readable, size: int) -> bytes:
    """The next bytes of *body*, at most *size*; BodyError when the sender's stream fails."""
    try:
        return body.read(size) or b""
    except OSError as error:
        raise BodyError from error


def fill(body: Readable, view: memoryview) -> int:
    """Put the next bytes of *body* into *view*; how many, fewer than fit only at the end. BodyError as above."""
    put = body.put if isinstance(body, Direct) else functools.partial(_copy, body)
    filled = 0
    try:
        while filled < len(view) and (count := put(view[filled:])):
            filled += count
    except OSError as error:
        raise BodyError from error
    return filled


def _copy(body: Readable, view: memoryview) -> int:
    piece = body.read(len(view)) or b""
    view[: len(piece)] = piece
    return len(piece)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
