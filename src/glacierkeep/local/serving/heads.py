"""The head of a request: its line and its headers, read strictly (RFC 9112). Whatever is odd is refused."""

import re
from dataclasses import dataclass

from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.messages import Headers
from glacierkeep.local.wire.refusals import Refusal

MAX_HEAD_BYTES = 32 * 1024
MAX_FIELDS = 100

_END = re.compile(rb"\n\r?\n")
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb"{1,32}) ([\x21-\x22\x24-\x7e]+) HTTP/1\.([01])")
_FIELD = re.compile(rb"(" + _TOKEN + rb"+):([^\x00-\x08\x0a-\x1f\x7f]*)")
_TARGET = re.compile(r"(?:https?://[^/?]+|(?=[/*]))(\*|/[^?]*|)(?:\?(.*))?", re.IGNORECASE)
_LENGTH = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Head:
    """What precedes a body of *length* bytes.

    *keep*: the client can go on with the connection afterwards. *expects*: it waits for leave to send the body.
    """

    method: str
    path: str
    query: str
    headers: Headers
    length: int
    keep: bool
    expects: bool


def end_of_head(received: bytearray, searched: int) -> int:
    """Where the first head in *received* ends, of which *searched* bytes were looked at before; -1 if nowhere."""
    found = _END.search(received, max(searched - 2, 0))
    return found.end() if found else -1


def read_head(block: bytes) -> Head:
    """The head in *block*, its empty line included. Raises Refusal."""
    first, *lines = block.split(b"\r\n")[:-2] or [b""]
    asked = _REQUEST_LINE.fullmatch(first)
    target = _TARGET.fullmatch(asked[2].decode("ascii")) if asked else None
    if asked is None or target is None:
        raise malformed("request line")
    recent = asked[3] == b"1"
    if len(lines) > MAX_FIELDS:
        raise malformed("number of headers")
    pairs = [_field(line) for line in lines]
    headers = Headers(pairs)
    hosts = _values(pairs, "host")
    if len(hosts) > 1 or (recent and not hosts):
        raise malformed("Host")
    length = _body_length(_values(pairs, "content-length"), chunked="transfer-encoding" in headers)
    wishes = {wish.strip(" \t") for wish in headers.get("connection", "").lower().split(",")}
    return Head(
        method=asked[1].decode("ascii"),
        path=target[1] or "/",
        query=target[2] or "",
        headers=headers,
        length=length,
        keep=recent and "close" not in wishes,
        expects=recent and length > 0 and headers.get("expect", "").lower() == "100-continue",
    )


def malformed(what: str) -> Refusal:
    """A request that is not the HTTP spoken here."""
    return Refusal(400, "BadRequest", f"The request cannot be read: wrong {what}")


def late() -> Refusal:
    """A request whose head did not come to its end."""
    return Refusal(408, "RequestTimeoutException", "Request timed out: its headers were not received.")


def _field(line: bytes) -> tuple[str, str]:
    field = _FIELD.fullmatch(line)
    if field is None:
        raise malformed("header")
    return field[1].decode("ascii").lower(), field[2].decode("latin-1").strip(" \t")


def _values(pairs: list[tuple[str, str]], wanted: str) -> list[str]:
    return [value for name, value in pairs if name == wanted]


def _body_length(announced: list[str], *, chunked: bool) -> int:
    """How long the body is. The service knows no framing but Content-Length."""
    if len(announced) > 1 or (announced and chunked):
        raise malformed("Content-Length")
    if chunked:
        raise refusals.missing("Content-Length")
    if not announced:
        return 0
    if not _LENGTH.fullmatch(announced[0]):
        raise refusals.invalid_parameter("Content-Length", announced[0])
    return int(announced[0])
