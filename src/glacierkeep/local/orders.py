"""What an InitiateJob request asks for, read from its JSON and checked."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from glacierkeep.local import refusals
from glacierkeep.local.calls import Call, check_description, read_marker
from glacierkeep.local.pieces import read_body
from glacierkeep.local.treehash import MIB

MAX_BODY_BYTES = 1024 * 1024
TIERS = ("Expedited", "Standard", "Bulk")
FORMATS = ("JSON", "CSV")

_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")
_TOPIC = re.compile(r"arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]{1,256}")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:?\d\d)", re.ASCII)
_LIMIT = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class ArchiveOrder:
    """An archive to be retrieved."""

    description: str | None
    sns_topic: str | None
    tier: str
    archive_id: str
    byte_range: str | None

    def bytes_of(self, size: int) -> tuple[int, int]:
        """The bytes [start, stop) asked for in an archive of *size* bytes: whole MiB, or up to its end."""
        if self.byte_range is None:
            return 0, size
        match = _RANGE.fullmatch(self.byte_range)
        start, stop = (int(match[1]), int(match[2]) + 1) if match else (0, 0)
        if not start < stop <= size or start % MIB or (stop % MIB and stop != size):
            raise refusals.invalid_parameter("RetrievalByteRange", self.byte_range)
        return start, stop


@dataclass(frozen=True, slots=True)
class InventoryOrder:
    """A list of the vault's archives, perhaps filtered by date of creation or cut to a page."""

    description: str | None
    sns_topic: str | None
    format: str
    start_date: str | None
    end_date: str | None
    limit: int | None
    marker: str | None


def read_order(call: Call) -> ArchiveOrder | InventoryOrder:
    """The job asked for, or the refusal. The body is the bare parameters object, whatever its type says."""
    fields = _read_fields(call)
    description, topic = _text(fields, "Description"), _text(fields, "SNSTopic")
    check_description("Description", description or "")
    if topic is not None and not _TOPIC.fullmatch(topic):
        raise refusals.invalid_parameter("SNSTopic", topic)
    kind = _text(fields, "Type")
    if kind is None:
        raise refusals.missing("type")
    if kind == "archive-retrieval":
        return _archive_order(fields, description, topic)
    if kind == "inventory-retrieval":
        return _inventory_order(fields, description, topic)
    raise refusals.invalid(f"The job type is not valid: {kind}")


def date_milliseconds(text: str) -> int:
    """A filter date in milliseconds since 1970 UTC; ValueError when it is none."""
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)


def _archive_order(fields: dict[str, Any], description: str | None, topic: str | None) -> ArchiveOrder:
    archive_id = _text(fields, "ArchiveId")
    if not archive_id:
        raise refusals.missing("ArchiveId")
    byte_range = _text(fields, "RetrievalByteRange")
    return ArchiveOrder(description, topic, _tier(fields), archive_id, byte_range)


def _inventory_order(fields: dict[str, Any], description: str | None, topic: str | None) -> InventoryOrder:
    for name in ("ArchiveId", "RetrievalByteRange"):
        if _text(fields, name) is not None:
            raise refusals.invalid(f"{name} is not allowed for an inventory retrieval")
    _tier(fields)
    style = _text(fields, "Format") or "JSON"
    if style not in FORMATS:
        raise refusals.invalid_parameter("Format", style)
    wanted = _object(fields, "InventoryRetrievalParameters")
    start, end, marker = _date(wanted, "StartDate"), _date(wanted, "EndDate"), _text(wanted, "Marker")
    if start and end and date_milliseconds(start) > date_milliseconds(end):
        raise refusals.invalid_parameter("StartDate", start)
    if marker is not None:
        read_marker(marker, "Marker")
    return InventoryOrder(description, topic, style, start, end, _limit(wanted), marker)


def _read_fields(call: Call) -> dict[str, Any]:
    body = bytearray()
    while len(body) <= MAX_BODY_BYTES and (more := read_body(call.request.body, MAX_BODY_BYTES)):
        body += more
    if len(body) > MAX_BODY_BYTES:
        raise refusals.malformed_body("The request body is too large")
    if not body:
        raise refusals.missing("Job Parameters")
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise refusals.malformed_body("The request body is not valid JSON") from None
    if not isinstance(fields, dict):
        raise refusals.malformed_body("The request body is not a JSON object")
    return fields


def _text(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise refusals.malformed_body(f"{name} is not a string")
    return value


def _object(fields: dict[str, Any], name: str) -> dict[str, Any]:
    value = fields.get(name)
    if value is not None and not isinstance(value, dict):
        raise refusals.malformed_body(f"{name} is not an object")
    return value or {}


def _tier(fields: dict[str, Any]) -> str:
    tier = _text(fields, "Tier") or "Standard"
    if tier not in TIERS:
        raise refusals.invalid_parameter("Tier", tier)
    return tier


def _date(fields: dict[str, Any], name: str) -> str | None:
    text = _text(fields, name)
    if text is not None:
        try:
            date_milliseconds(text)
        except (ValueError, OverflowError):
            raise refusals.invalid_parameter(name, text) from None
    return text


def _limit(fields: dict[str, Any]) -> int | None:
    text = _text(fields, "Limit")
    if text is not None and not _LIMIT.fullmatch(text):
        raise refusals.invalid_parameter("Limit", text)
    return int(text) if text is not None else None
