"""What an InitiateJob request asks for, read from its JSON and checked."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from glacierkeep.local.answers.calls import Call, check_description, read_marker
from glacierkeep.local.store.clearing import HOUR_MS
from glacierkeep.local.store.treehash import MIB
from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.documents import Fields, members, read_fields, text

TIER_MS = {"Expedited": 3 * 60_000, "Standard": 4 * HOUR_MS, "Bulk": 8 * HOUR_MS}
"""How long a retrieval takes in realistic mode: within the developer guide's 1-5 min, 3-5 h, 5-12 h."""
FORMATS = ("JSON", "CSV")

_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")
# AWS's own examples show accounts of 13 digits.
_TOPIC = re.compile(r"arn:[a-z-]+:sns:([a-z0-9-]+):[0-9]{12,13}:[A-Za-z0-9_.-]{1,256}")
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
    fields = read_fields(call.request.body, "Job Parameters")
    description, topic = text(fields, "Description"), text(fields, "SNSTopic")
    check_description("Description", description or "")
    if topic is not None:
        check_topic(call, topic)
    kind = text(fields, "Type")
    if kind is None:
        raise refusals.missing("type")
    if kind == "archive-retrieval":
        return _archive_order(fields, description, topic)
    if kind == "inventory-retrieval":
        return _inventory_order(fields, description, topic)
    raise refusals.invalid(f"The job type is not valid: {kind}")


def check_topic(call: Call, topic: str) -> None:
    """Refuse what is no ARN of an SNS topic, or one of another region."""
    match = _TOPIC.fullmatch(topic)
    if not match:
        raise refusals.invalid_parameter("SNSTopic", topic)
    if match[1] != call.region:
        raise refusals.foreign_topic(topic)


def date_milliseconds(text: str) -> int:
    """A filter date in milliseconds since 1970 UTC; ValueError when it is none."""
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)


def _archive_order(fields: Fields, description: str | None, topic: str | None) -> ArchiveOrder:
    archive_id = text(fields, "ArchiveId")
    if not archive_id:
        raise refusals.missing("ArchiveId")
    byte_range = text(fields, "RetrievalByteRange")
    return ArchiveOrder(description, topic, _tier(fields), archive_id, byte_range)


def _inventory_order(fields: Fields, description: str | None, topic: str | None) -> InventoryOrder:
    for name in ("ArchiveId", "RetrievalByteRange"):
        if text(fields, name) is not None:
            raise refusals.invalid(f"{name} is not allowed for an inventory retrieval")
    _tier(fields)
    style = text(fields, "Format") or "JSON"
    if style not in FORMATS:
        raise refusals.invalid_parameter("Format", style)
    wanted = members(fields, "InventoryRetrievalParameters")
    start, end, marker = _date(wanted, "StartDate"), _date(wanted, "EndDate"), text(wanted, "Marker")
    if start and end and date_milliseconds(start) > date_milliseconds(end):
        raise refusals.invalid_parameter("StartDate", start)
    if marker is not None:
        read_marker(marker, "Marker")
    return InventoryOrder(description, topic, style, start, end, _limit(wanted), marker)


def _tier(fields: Fields) -> str:
    tier = text(fields, "Tier") or "Standard"
    if tier not in TIER_MS:
        raise refusals.invalid_parameter("Tier", tier)
    return tier


def _date(fields: Fields, name: str) -> str | None:
    said = text(fields, name)
    if said is not None:
        try:
            date_milliseconds(said)
        except (ValueError, OverflowError):
            raise refusals.invalid_parameter(name, said) from None
    return said


def _limit(fields: Fields) -> int | None:
    said = text(fields, "Limit")
    if said is not None and not _LIMIT.fullmatch(said):
        raise refusals.invalid_parameter("Limit", said)
    return int(said) if said is not None else None
