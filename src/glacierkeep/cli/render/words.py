"""Amounts, times and names as people read them."""

from datetime import UTC, datetime, timedelta

_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")


def safe(text: str) -> str:
    """*text* on one line of a terminal: what is not printable is escaped, backslashes are left alone."""
    if text.isprintable():
        return text
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}"


def size(number: int) -> str:
    """*number* bytes: `0 B`, `999 B`, `1.5 MiB`."""
    if abs(number) < 1024:
        return f"{number} B"
    power = next((at for at in range(1, len(_UNITS)) if abs(number) < 1023.95 * 1024**at), len(_UNITS))
    return f"{number / 1024**power:.1f} {_UNITS[power - 1]}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 file`, `12,000 files`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def moment(when: datetime | None) -> str:
    """*when* in local time, to the minute; `-` for none."""
    return when.astimezone().strftime("%Y-%m-%d %H:%M") if when else "-"


def duration(length: timedelta) -> str:
    """*length* in its two biggest units: `45s`, `3h 5m`, `2d 4h`."""
    seconds = int(abs(length.total_seconds()))
    parts = []
    for unit, worth in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= worth:
            parts.append(f"{seconds // worth}{unit}")
            seconds %= worth
    sign = "-" if length < timedelta() and parts else ""
    return sign + (" ".join(parts[:2]) or "0s")


def mtime(nanoseconds: int) -> str:
    """A file's time, in nanoseconds since 1970, as local time to the minute; as seconds if no calendar holds it."""
    try:
        return moment(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1000))
    except (OverflowError, ValueError):
        return f"{nanoseconds // 1_000_000_000} s"
