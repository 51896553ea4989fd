"""One request and its answer."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO

from glacierkeep.local.routes import find_route
from glacierkeep.local.service import LocalGlacier
from glacierkeep.local.serving.connection import Body, Connection
from glacierkeep.local.serving.heads import Head, read_head
from glacierkeep.local.serving.limits import Limits
from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.messages import STREAM_PIECE, ConnectionLost, Headers, Request, Response
from glacierkeep.local.wire.refusals import Refusal

_BODILESS = (204, 304)
_UNREAD = Head("", "", "", Headers(), 0, keep=False, expects=False)
_ENDS_A_LINE = str.maketrans("\r\n\0", "   ")


@dataclass(frozen=True, slots=True)
class Answered:
    """A request and how it was answered.

    *status* is 0 when the connection was reset instead, *operation* None when no operation was meant, *error* the
    code of a refusal. *seconds* are those from the end of the head to the end of the answer.
    """

    method: str
    path: str
    status: int
    operation: str | None
    error: str | None
    seconds: float


def exchange(
    connection: Connection, service: LocalGlacier, limits: Limits, ending: Callable[[], bool]
) -> Answered:
    """Answer the request whose head is there. The *connection* then goes on, unless all is *ending*, lingers, or is
    closed."""
    began = time.monotonic()
    connection.socket.settimeout(limits.stall)
    head, refusal = _take_head(connection)
    request = Request(head.method, head.path, head.query, head.headers, BytesIO())
    body = Body(connection, head.length, expected=head.expects)
    status, error = 0, None
    try:
        response = service.refuse(refusal) if refusal else _answer(service, head, body)
        status, error = response.status, _error_code(response)
        goes_on = head.keep and body.may_be_dropped(limits.drain) and not ending()
        _send(connection, response, bodiless=head.method == "HEAD", goes_on=goes_on)
    except ConnectionLost:
        connection.reset()
    except OSError:
        connection.close()
    else:
        _part(connection, body.left, limits, goes_on=goes_on)
    return Answered(head.method, head.path, status, _operation(request), error, time.monotonic() - began)


def _take_head(connection: Connection) -> tuple[Head, Refusal | None]:
    try:
        return read_head(connection.take_head()), None
    except Refusal as refusal:
        return _UNREAD, refusal


def _answer(service: LocalGlacier, head: Head, body: Body) -> Response:
    try:
        return service(Request(head.method, head.path, head.query, head.headers, body))
    except OSError:
        # Only the sender's own stream raises.
        return service.refuse(refusals.body_cut_short(body.length - body.left, body.length))


def _send(connection: Connection, response: Response, *, bodiless: bool, goes_on: bool) -> None:
    """Raises OSError when the client does not take it, or the body ends before it should: so must the connection."""
    bodiless = bodiless or response.status in _BODILESS
    left = 0 if bodiless else response.length
    block = _head_of(response, goes_on=goes_on)
    try:
        while left and (piece := response.body.read(min(left, STREAM_PIECE))):
            connection.socket.sendall(block + piece if block else piece)
            left -= len(piece)
            block = b""
        if block:
            connection.socket.sendall(block)
    finally:
        response.close()
    if left:
        raise ConnectionAbortedError("the body of the answer ended early")


def _head_of(response: Response, *, goes_on: bool) -> bytes:
    headers = dict(response.headers)
    if response.status in _BODILESS:
        headers.pop("Content-Length", None)
    if not goes_on:
        headers["Connection"] = "close"
    lines = [f"HTTP/1.1 {response.status} {_phrase(response.status)}"]
    lines += [f"{name}: {value.translate(_ENDS_A_LINE)}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _part(connection: Connection, unread: int, limits: Limits, *, goes_on: bool) -> None:
    now = time.monotonic()
    if goes_on:
        connection.go_on(unread, now + (limits.linger if unread else limits.idle))
    else:
        connection.linger(limits.drain, now + limits.linger)


def _operation(request: Request) -> str | None:
    try:
        return find_route(request).route.name
    except Refusal:
        return None


def _error_code(response: Response) -> str | None:
    if response.status < 400 or not isinstance(response.body, BytesIO):
        return None
    try:
        document = json.loads(response.body.getvalue())
    except ValueError:
        return None
    return str(document["code"]) if isinstance(document, dict) and "code" in document else None
