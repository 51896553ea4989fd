"""Times are aware UTC; here are the texts they are written as."""

import re
from datetime import UTC, datetime, timedelta

_STAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6})\d*)?Z")


def read_stamp(text: str) -> datetime:
    """A service's time such as 2012-03-20T17:03:43.221Z. Raises ValueError."""
    found = _STAMP.fullmatch(text)
    if not found:
        raise ValueError(f"not a UTC time: {text!r}")
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    microsecond = int((found.group(7) or "0").ljust(6, "0"))
    return datetime(year, month, day, hour, minute, second, microsecond, tzinfo=UTC)


def write_stamp(moment: datetime) -> str:
    """*moment* as 2012-03-20T17:03:43Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_compact(mtime_ns: int) -> str:
    """Nanoseconds since 1970 as 20190704T101112Z; years outside 1 to 9999 are clamped."""
    seconds = min(max(mtime_ns // 1_000_000_000, -62135596800), 253402300799)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return f"{moment.year:04d}{moment:%m%dT%H%M%SZ}"
