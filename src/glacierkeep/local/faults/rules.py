"""A rule: one line of words that says what is to go wrong, with which operation, and how often."""

import difflib
import random
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from glacierkeep.local.routes import ROUTES

LONGEST = 200
"""Characters in a rule."""


class Kind(StrEnum):
    """What can go wrong."""

    THROTTLE = "throttle"
    ERROR_500 = "error-500"
    ERROR_503 = "error-503"
    TIMEOUT = "timeout"
    RESET_BEFORE = "reset-before"
    RESET_AFTER = "reset-after"
    SLOW = "slow"
    TRUNCATE = "truncate"
    CORRUPT = "corrupt"
    CORRUPT_UPLOAD = "corrupt-upload"
    EXPIRE_JOBS = "expire-jobs"
    EXPIRED_TOKEN = "expired-token"  # noqa: S105 - the name of a fault
    NO_LONGER_SUPPORTED = "no-longer-supported"
    INSUFFICIENT_CAPACITY = "insufficient-capacity"
    POLICY_ENFORCED = "policy-enforced"


OPERATIONS = tuple(route.name for route in ROUTES)
_WITH_A_BODY = tuple(route.name for route in ROUTES if route.method == "GET")
_ONLY: Mapping[Kind, tuple[str, ...]] = {
    Kind.SLOW: _WITH_A_BODY,
    Kind.TRUNCATE: _WITH_A_BODY,
    Kind.CORRUPT: _WITH_A_BODY,
    Kind.CORRUPT_UPLOAD: ("UploadArchive", "UploadMultipartPart"),
    Kind.EXPIRE_JOBS: ("DescribeJob", "GetJobOutput"),
    Kind.INSUFFICIENT_CAPACITY: ("InitiateJob",),
    Kind.POLICY_ENFORCED: ("InitiateJob",),
}
_ARGUMENTS: Mapping[Kind, str] = {
    Kind.SLOW: "rate",
    Kind.TRUNCATE: "bytes",
    Kind.CORRUPT: "offset",
    Kind.CORRUPT_UPLOAD: "offset",
}
_NEEDED = ("rate", "bytes")
_UNITS = {"": 1, "k": 1024, "M": 1024**2, "G": 1024**3}

_WHOLE = re.compile(r"[0-9]{1,9}")
_SIZE = re.compile(r"([0-9]{1,9})([kMG]?)")
_SHARE = re.compile(r"1(?:\.0{1,6})?|0?\.[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Rule:
    """What goes wrong, with *operation* or, if None, with every one that can fail so.

    It lets *after* requests pass, then takes effect on each with this *probability*, at most *count* times.
    *amount* is the number of bytes that some kinds want: a second, before the end, or before the one that is wrong.
    """

    kind: Kind
    operation: str | None = None
    count: int | None = None
    probability: Decimal = Decimal(1)
    seed: int = 0
    after: int = 0
    amount: int = 0

    def __str__(self) -> str:
        words: dict[str, object] = {
            "count": self.count,
            "probability": self.probability if self.probability != 1 else None,
            "seed": self.seed or None,
            "after": self.after or None,
        }
        argument = _ARGUMENTS.get(self.kind)
        if argument and (self.amount or argument in _NEEDED):
            words[argument] = _spelt(self.amount)
        said = [f"{name}={value}" for name, value in words.items() if value is not None]
        return " ".join([self.kind, *([self.operation] if self.operation else []), *said])

    def concerns(self, operation: str) -> bool:
        """Whether it is about requests for *operation*."""
        return operation == self.operation or (
            self.operation is None and operation in _ONLY.get(self.kind, OPERATIONS)
        )

    def is_spent(self, done: int) -> bool:
        """Whether it has taken effect often enough after *done* times."""
        return self.count is not None and done >= self.count

    def strikes(self, met: int) -> bool:
        """Whether it takes effect on the request it meets after *met* others: by chance, and always the same."""
        if met < self.after or self.probability == 1:
            return met >= self.after
        # Rules of one seed draw apart from each other, so the kind and the operation are in it too.
        draws = random.Random(f"{self.kind} {self.operation} {self.seed}:{met}")  # noqa: S311
        return draws.random() < self.probability


def parse(line: str) -> Rule:
    """The rule that *line* says; ValueError with a sentence that says what is wrong with it, and what is right."""
    if len(line) > LONGEST:
        raise ValueError(f"a rule has at most {LONGEST} characters")
    name, *words = line.split() or [""]
    if name not in tuple(Kind):
        raise ValueError(f"no fault is named {name!r}; there are {', '.join(Kind)}")
    kind = Kind(name)
    operation = _read_operation(kind, words.pop(0)) if words and "=" not in words[0] else None
    values = _read_values(kind, words)
    if "seed" in values and "probability" not in values:
        raise ValueError("seed says nothing without probability")
    argument = _ARGUMENTS.get(kind, "")
    if argument in _NEEDED and argument not in values:
        raise ValueError(f"{kind} needs {argument}={_VALUES[argument].meaning}")
    return Rule(kind, operation, amount=values.pop(argument, 0), **values)


def split_rules(words: Iterable[str]) -> list[str]:
    """The rules in *words* that stand side by side: each begins where a word is neither operation nor NAME=VALUE."""
    rules: list[list[str]] = []
    for word in words:
        if not rules or not ("=" in word or word[:1].isupper()):
            rules.append([])
        rules[-1].append(word)
    return [" ".join(rule) for rule in rules]


def _read_operation(kind: Kind, word: str) -> str:
    if word not in OPERATIONS:
        near = {name.lower(): name for name in OPERATIONS}
        meant = difflib.get_close_matches(word.lower(), near, n=1)
        hint = f"did you mean {near[meant[0]]}?" if meant else "they are spelt as in the API: UploadArchive"
        raise ValueError(f"no operation is named {word!r}; {hint}")
    if word not in _ONLY.get(kind, OPERATIONS):
        raise ValueError(f"{kind} is not for {word}, only for {', '.join(_ONLY[kind])}")
    return word


def _read_values(kind: Kind, words: Iterable[str]) -> dict[str, Any]:
    allowed = [name for name in _VALUES if name in (*_EVERYWHERE, _ARGUMENTS.get(kind))]
    values: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or name not in allowed:
            raise ValueError(f"{kind} takes {', '.join(allowed)}, not {word!r}")
        if name in values:
            raise ValueError(f"{name} is said twice")
        value = _VALUES[name].read(text)
        if value is None or not (value or _VALUES[name].zero):
            raise ValueError(f"{word!r} is wrong: it must be {name}={_VALUES[name].meaning}")
        values[name] = value
    return values


def _whole(text: str) -> int | None:
    return int(text) if _WHOLE.fullmatch(text) else None


def _size(text: str) -> int | None:
    match = _SIZE.fullmatch(text)
    return int(match[1]) * _UNITS[match[2]] if match else None


def _share(text: str) -> Decimal | None:
    return Decimal(text) if _SHARE.fullmatch(text) else None


@dataclass(frozen=True, slots=True)
class _Value:
    """What may stand after ``NAME=``."""

    read: Callable[[str], int | Decimal | None]
    meaning: str
    zero: bool = True


_EVERYWHERE = ("count", "probability", "seed", "after")
_VALUES: Mapping[str, _Value] = {
    "count": _Value(_whole, "N, how often at most, from 1 on", zero=False),
    "probability": _Value(_share, "P, above 0 and at most 1, such as 0.2", zero=False),
    "seed": _Value(_whole, "N, a number of at most 9 digits"),
    "after": _Value(_whole, "N, how many requests pass before"),
    "rate": _Value(_size, "N, bytes a second, such as 100k or 1M", zero=False),
    "bytes": _Value(_size, "N, how many bytes come, such as 1000 or 2M"),
    "offset": _Value(_size, "N, which byte, from 0 on, such as 1000 or 2M"),
}


def _spelt(size: int) -> str:
    for unit in ("G", "M", "k"):
        if size and size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]}{unit}"
    return str(size)
