"""Patterns of the policy language: ``*`` for any characters, ``?`` for one, ``${key}`` for a value of the request.

IAM user guide, "Policy variables". Matching takes no time that grows faster than pattern times text.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

_VARIABLE = re.compile(r"\$\{(?:([*?$])|([A-Za-z]+:[^{}$',]+)(?:, '([^{}$'*?]*)')?)\}")
_ARN_PARTS = 6
# What ${*} and ${?} stand for: a character that no value of a request has, as none has a star or a question mark.
_IN_NO_VALUE = "\0"


def is_sound(text: str) -> bool:
    """Whether every ``${`` in *text* begins a variable."""
    return "${" not in _VARIABLE.sub("x", text)


def without_variables(text: str) -> str:
    """*text* so spelt that it means itself: before version 2012-10-17 there were no variables."""
    return text.replace("${", "${$}{")


def fill(text: str, values: Mapping[str, str]) -> str | None:
    """*text* with its variables replaced; None when one of them has no value and no default."""
    filled, end = "", 0
    for found in _VARIABLE.finditer(text):
        value = _value(found, values)
        if value is None:
            return None
        filled += text[end : found.start()] + value
        end = found.end()
    return filled + text[end:]


def matches(pattern: str, text: str) -> bool:
    """Whether *text* is like *pattern*, which has stars and question marks.

    What stands between two stars is taken where it is first found; going back could gain nothing.
    """
    first, *others = pattern.split("*")
    if not others:
        return len(first) == len(text) and _fits(first, text, 0)
    *middle, last = others
    at, end = len(first), len(text) - len(last)
    if at > end or not _fits(first, text, 0) or not _fits(last, text, end):
        return False
    for stretch in middle:
        found = _find(stretch, text, at, end)
        if found < 0:
            return False
        at = found + len(stretch)
    return True


def arn_matches(pattern: str, arn: str) -> bool:
    """Whether each of the six parts of *arn* is like that of *pattern*."""
    wanted, parts = arn_parts(pattern), arn_parts(arn)
    return len(wanted) == len(parts) == _ARN_PARTS and all(map(matches, wanted, parts))


def is_arn(pattern: str) -> bool:
    """Whether *pattern* has the six parts of an ARN; a variable counts as a word."""
    parts = arn_parts(_VARIABLE.sub("x", pattern))
    return len(parts) == _ARN_PARTS and parts[0] == "arn"


def arn_parts(arn: str) -> list[str]:
    """arn, partition, service, region, account, and the resource with any colons it has."""
    return arn.split(":", _ARN_PARTS - 1)


def _value(variable: re.Match[str], values: Mapping[str, str]) -> str | None:
    mark, key, default = variable.groups()
    if mark:
        return "$" if mark == "$" else _IN_NO_VALUE
    return values.get(key.lower(), default)


def _find(stretch: str, text: str, start: int, end: int) -> int:
    if "?" not in stretch:
        return text.find(stretch, start, end)
    if start + len(stretch) > end:
        return -1
    places = (1 << end - len(stretch) + 1) - (1 << start)
    where = _where(text)
    for step, mark in enumerate(stretch):
        if mark != "?":
            places &= where.get(mark, 0) >> step
    return (places & -places).bit_length() - 1


@lru_cache(maxsize=64)
def _where(text: str) -> dict[str, int]:
    """The places of each character of *text*, as the bits of a number."""
    where: dict[str, int] = {}
    for place, character in enumerate(text):
        where[character] = where.get(character, 0) | 1 << place
    return where


def _fits(stretch: str, text: str, at: int) -> bool:
    if "?" not in stretch:
        return text.startswith(stretch, at)
    return all(mark in ("?", text[at + step]) for step, mark in enumerate(stretch))
