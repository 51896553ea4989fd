"""Amounts as people write them: `16MiB`, `1GB`, `8388608`, `5h`, `90m`, `1d12h`."""

import re
from datetime import timedelta
from fractions import Fraction

_SIZE = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,6})?)\s*([A-Za-z]*)")
_UNITS = {"": 1, "b": 1} | {
    f"{letter}{suffix}": power
    for at, letter in enumerate("kmgtp", start=1)
    for suffix, power in (("", 1024**at), ("ib", 1024**at), ("b", 1000**at))
}
_LENGTH = re.compile(r"(?:[0-9]{1,6}(?:\.[0-9]{1,3})?\s*[smhdw]\s*)+")
_STEP = re.compile(r"([0-9.]+)\s*([smhdw])")
_BARE = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,3})?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def read_size(text: str) -> int:
    """Bytes: KiB, MiB, GiB (and K, M, G) are powers of 1024, KB, MB, GB powers of 1000. Raises ValueError."""
    found = _SIZE.fullmatch(text.strip())
    unit = _UNITS.get(found.group(2).lower()) if found else None
    if found is None or unit is None:
        raise ValueError(f"{text!r} is not a size such as 16MiB, 1GB or 8388608")
    size = Fraction(found.group(1)) * unit
    if size.denominator != 1:
        raise ValueError(f"{text!r} is not a whole number of bytes")
    return int(size)


def write_size(size: int) -> str:
    """*size* bytes, exactly, with the biggest binary unit that needs no fraction."""
    for unit, power in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if size and size % power == 0:
            return f"{size // power}{unit}"
    return str(size)


def read_duration(text: str) -> timedelta:
    """A length of time in s, m, h, d, w. Raises ValueError."""
    if not _LENGTH.fullmatch(text.strip()):
        raise ValueError(f"{text!r} is not a length of time such as 90m, 5h, 3d or 1d12h")
    steps = _STEP.findall(text)
    try:
        return sum((timedelta(seconds=float(number) * _SECONDS[unit]) for number, unit in steps), timedelta())
    except OverflowError as error:
        raise ValueError(f"{text!r} is too long a time") from error


def duration(text: str) -> float:
    """Seconds in a length of time: s, m, h, d, w, or a bare number of seconds. Raises ValueError."""
    if _BARE.fullmatch(text.strip()):
        return float(text)
    return read_duration(text).total_seconds()
