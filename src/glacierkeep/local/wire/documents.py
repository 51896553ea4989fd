"""JSON bodies of requests: read with a bound, and their members taken out by type."""

import json
import re
from typing import Any

from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.messages import Readable, read_body

MAX_BODY_BYTES = 1024 * 1024

Fields = dict[str, Any]

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


def read_document(body: Readable) -> bytes:
    """The whole body; refused beyond 1 MiB."""
    document = bytearray()
    while len(document) <= MAX_BODY_BYTES and (more := read_body(body, MAX_BODY_BYTES)):
        document += more
    if len(document) > MAX_BODY_BYTES:
        raise refusals.malformed_body("The request body is too large")
    return bytes(document)


def read_fields(body: Readable, name: str) -> Fields:
    """The members of the JSON object in the body; *name* is what is missing when there is no body."""
    document = read_document(body)
    if not document:
        raise refusals.missing(name)
    try:
        fields = json.loads(document)
    except (ValueError, RecursionError):
        raise refusals.malformed_body("The request body is not valid JSON") from None
    if not isinstance(fields, dict):
        raise refusals.malformed_body("The request body is not a JSON object")
    return fields


def text(fields: Fields, name: str) -> str | None:
    """A string member; None when absent or null."""
    value = fields.get(name)
    # JSON can spell half a character, which nothing can store or look up.
    if value is not None and (not isinstance(value, str) or _HALF_CHARACTER.search(value)):
        raise refusals.malformed_body(f"{name} is not a string")
    return value


def members(fields: Fields, name: str) -> Fields:
    """A member that is an object; empty when absent or null."""
    value = fields.get(name)
    if value is not None and not isinstance(value, dict):
        raise refusals.malformed_body(f"{name} is not an object")
    return value or {}


def texts(fields: Fields, name: str) -> list[str]:
    """A member that is a list of strings; empty when absent or null."""
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise refusals.malformed_body(f"{name} is not a list of strings")
    return value


def objects(fields: Fields, name: str) -> list[Fields]:
    """A member that is a list of objects; empty when absent or null."""
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise refusals.malformed_body(f"{name} is not a list of objects")
    return value


def number(fields: Fields, name: str) -> int | None:
    """A member that is a whole number; None when absent or null."""
    value = fields.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise refusals.malformed_body(f"{name} is not a whole number")
    return value
