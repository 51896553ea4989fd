"""How the service writes things: ids, ARNs, dates, JSON."""

import json
import secrets
import string
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from io import BytesIO
from typing import Any

from glacierkeep.local.wire.messages import Response

ID_ALPHABET = string.ascii_letters + string.digits + "_-"
ARCHIVE_ID_LENGTH = 138
JOB_ID_LENGTH = 92
UPLOAD_ID_LENGTH = 92
CAPACITY_ID_LENGTH = 24
LOCK_ID_LENGTH = 24
REQUEST_ID_LENGTH = 47

# The alphabet has 64 characters, so that each is as likely when a random byte chooses.
_RANDOM_LETTERS = ID_ALPHABET.encode("ascii") * 4

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_id(length: int) -> str:
    """*length* random characters of the service's alphabet; one in 64 begins with ``-``."""
    return secrets.token_bytes(length).translate(_RANDOM_LETTERS).decode("ascii")


def vault_arn(region: str, account: str, name: str) -> str:
    """The ARN of a vault."""
    return f"arn:aws:glacier:{region}:{account}:vaults/{name}"


def to_milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 UTC, cut off."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def from_milliseconds(milliseconds: int) -> datetime:
    """The moment, aware, UTC."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def timestamp(milliseconds: int | None) -> str | None:
    """A date in an API answer: ``2012-03-20T17:03:43.221Z``."""
    if milliseconds is None:
        return None
    return f"{_seconds(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


def inventory_timestamp(milliseconds: int) -> str:
    """A date inside an inventory: ``2012-03-20T17:03:43Z``."""
    return _seconds(milliseconds // 1000) + "Z"


@lru_cache(maxsize=256)
def _seconds(seconds: int) -> str:
    return from_milliseconds(seconds * 1000).strftime("%Y-%m-%dT%H:%M:%S")


def http_date(moment: datetime) -> str:
    """A Date header (RFC 1123)."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def json_text(document: Mapping[str, Any]) -> str:
    """JSON as the service writes it: compact, keys in alphabetical order, nulls spelt out, ASCII."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def json_response(status: int, document: Mapping[str, Any]) -> Response:
    """A JSON answer."""
    body = json_text(document).encode("ascii")
    return Response(status, {"Content-Type": "application/json"}, BytesIO(body), len(body))


def empty_response(status: int, headers: dict[str, str] | None = None) -> Response:
    """An answer of headers alone."""
    return Response(status, headers or {}, BytesIO(), 0)
