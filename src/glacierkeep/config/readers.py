"""What a value of the configuration may be: how it is checked, and how it is read from a word.

Every reader raises ValueError with what is wanted; whoever calls says where the value stood.
"""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Any

from glacierkeep.config.quantities import duration as read_seconds
from glacierkeep.config.quantities import read_size
from glacierkeep.domain.timetable import Timetable, read_timetable
from glacierkeep.domain.vault import VaultAddress, parse_address

_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")
_PUBLIC = ("age1", "ssh-")


@dataclass(frozen=True, slots=True)
class Reader:
    """*check* turns a TOML value into ours; *from_word* turns a word of the environment into a TOML value."""

    check: Callable[[object], Any]
    from_word: Callable[[str], Any]


def _same(word: str) -> str:
    return word


def _text(value: object) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("must be a text that is not empty")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _flag_word(word: str) -> bool:
    if word.strip().lower() not in _TRUE + _FALSE:
        raise ValueError("must be true or false")
    return word.strip().lower() in _TRUE


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError('must be a list of texts, such as ["a", "b"]')
    return tuple(_text(one) for one in value)


def _public_keys(value: object) -> tuple[str, ...]:
    """What they are exactly is for keys to say; a secret that was pasted here must not be written down."""
    found = _texts(value)
    for place, text in enumerate(found, start=1):
        if not text.strip().lower().startswith(_PUBLIC):
            raise ValueError(
                f"recipient {place} is no public key: they begin with age1, ssh-ed25519 or ssh-rsa"
            )
    return found


def _money(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("must be an amount of money, such as 5.00")
    amount = Decimal(str(value))
    if not amount.is_finite() or amount < 0:
        raise ValueError("must be an amount of money that is not negative")
    return amount


def _money_word(word: str) -> Decimal:
    try:
        return Decimal(word)
    except InvalidOperation as error:
        raise ValueError("must be an amount of money, such as 5.00") from error


def _path(value: object) -> Path:
    path = Path(_text(value)).expanduser()
    if not path.is_absolute():
        raise ValueError("must be an absolute path, or begin with ~")
    return path


def _paths(value: object) -> tuple[Path, ...]:
    if not isinstance(value, list):
        raise ValueError('must be a list of paths, such as ["~/key.txt"]')
    return tuple(_path(one) for one in value)


def _address(value: object) -> VaultAddress:
    return parse_address(_text(value))


def _size_of(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("must be a size such as 16MiB, 1GB or 8388608")
    return read_size(str(value))


def _duration(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ValueError("must be a length of time such as 90m, 5h or 3d")
    return read_seconds(str(value))


def _timetable(value: object) -> Timetable:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("must be a limit such as 500k, off or 08:00-23:00=500k")
    return read_timetable(str(value), read_size)


def _some_time(value: object) -> float:
    found = _duration(value)
    if not found:
        raise ValueError("must be longer than no time at all")
    return found


def _int_word(word: str) -> int:
    if not word.strip().isdecimal():
        raise ValueError("must be a whole number")
    return int(word)


text = Reader(_text, _same)
flag = Reader(_flag, _flag_word)
texts = Reader(_texts, shlex.split)
public_keys = Reader(_public_keys, shlex.split)
money = Reader(_money, _money_word)
path = Reader(_path, _same)
paths = Reader(_paths, shlex.split)
address = Reader(_address, _same)
duration = Reader(_duration, _same)
"""Seconds."""
some_time = Reader(_some_time, _same)
"""Seconds, more than 0."""
timetable = Reader(_timetable, _same)
"""Bytes per second, by the time of day."""


def size(least: int, most: int, *, power: bool = False) -> Reader:
    """Bytes from *least* to *most*; with *power*, 2^n times *least* only."""

    def check(value: object) -> int:
        found = _size_of(value)
        if not least <= found <= most:
            raise ValueError(f"must be between {least} and {most} bytes")
        if power and found & (found - 1):
            raise ValueError("must be a power of two, such as 8MiB")
        return found

    return Reader(check, _same)


def count(least: int, most: int) -> Reader:
    """A whole number from *least* to *most*."""

    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return value

    return Reader(check, _int_word)


def one_of(choices: type[StrEnum]) -> Reader:
    """One of the words of *choices*, in any case."""
    words = {choice.value.lower(): choice for choice in choices}

    def check(value: object) -> StrEnum:
        found = words.get(value.lower()) if isinstance(value, str) else None
        if found is None:
            raise ValueError("must be one of " + ", ".join(choices))
        return found

    return Reader(check, _same)
