"""The arithmetic of AWS Signature Version 4: a request in its one canonical form, and that form signed.

Written from the published specification (IAM user guide, "Create a signed AWS API request"). What a request
says is bytes; text that stands for them is encoded as UTF-8, lone surrogates too, so that nothing fails.
"""

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote, unquote_to_bytes

from glacierkeep.local.wire.messages import Request

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "glacier"
TERMINATOR = "aws4_request"

_BLANKS = re.compile(r"[ \t\r\n]+")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signature is good for: a day (``YYYYMMDD``) and a region."""

    date: str
    region: str

    def __str__(self) -> str:
        return f"{self.date}/{self.region}/{SERVICE}/{TERMINATOR}"


def canonical_request(request: Request, signed: Sequence[str], payload_hash: str) -> str:
    """The request with those of its headers that are *signed* (names in lower case, sorted).

    A signed header that was not sent has no line, so that leaving one out is not like sending it empty.
    """
    headers = request.headers
    lines = (f"{name}:{_BLANKS.sub(' ', headers[name])}\n" for name in signed if name in headers)
    return "\n".join(
        (
            request.method,
            _path(request.path),
            _query(request.query),
            "".join(lines),
            ";".join(signed),
            payload_hash,
        )
    )


def string_to_sign(stamp: str, scope: Scope, canonical: str) -> str:
    """What the signature is made of; *stamp* is the moment of signing, ``YYYYMMDDTHHMMSSZ``."""
    return f"{ALGORITHM}\n{stamp}\n{scope}\n{sha256(_bytes(canonical)).hexdigest()}"


def signature(secret: str, scope: Scope, text: str) -> str:
    """The signature of a string to sign, in hex."""
    key = _bytes("AWS4" + secret)
    for part in (scope.date, scope.region, SERVICE, TERMINATOR, text):
        key = hmac.digest(key, _bytes(part), "sha256")
    return key.hex()


def same(one: str, other: str) -> bool:
    """Whether two texts are the same, in a time that does not tell where they differ."""
    return hmac.compare_digest(_bytes(one), _bytes(other))


def _path(path: str) -> str:
    """Without dot segments and repeated slashes, and percent-encoded although it is so already."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in {"", "."}:
            kept.append(segment)
    end = "/" if kept and path.endswith("/") else ""
    return quote(_bytes("/" + "/".join(kept) + end), safe="/~")


def _query(query: str) -> str:
    """Names and values as their servers read them, encoded in one way, and sorted."""
    if not query:
        return ""
    pairs = (pair.partition("=") for pair in query.split("&"))
    return "&".join(f"{name}={value}" for name, value in sorted((_again(n), _again(v)) for n, _, v in pairs))


def _again(encoded: str) -> str:
    return quote(unquote_to_bytes(_bytes(encoded.replace("+", " "))), safe="-_.~")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
