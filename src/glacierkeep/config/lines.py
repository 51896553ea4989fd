"""On which line of a TOML text a key stands. The standard parser does not tell."""

import tomllib
from collections.abc import Iterator
from typing import Any

from glacierkeep.config.keys import Key


def find_line(text: str, key: Key) -> int | None:
    """The line, counted from 1, where *key* is set, or else where the nearest table around it begins."""
    best: tuple[int, int] | None = None
    for line, found in _statements(text):
        shared = _shared(found, key)
        if shared == len(key):
            return line
        if shared == len(found) and shared and (best is None or shared > best[0]):
            best = (shared, line)
    return best[1] if best else None


def _shared(one: Key, other: Key) -> int:
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return at
    return min(len(one), len(other))


def _statements(text: str) -> Iterator[tuple[int, Key]]:
    """Each header and assignment of valid TOML *text*: its line and the key it is about."""
    table: Key = ()
    begun, lines = 0, text.replace("\r\n", "\n").split("\n")
    while begun < len(lines):
        end, parsed = _whole(lines, begun)
        if lines[begun].lstrip().startswith("["):
            table = _path(parsed, header=True)
            yield begun + 1, table
        elif parsed:
            yield begun + 1, table + _path(parsed, header=False)
        begun = end


def _whole(lines: list[str], begun: int) -> tuple[int, dict[str, Any]]:
    """The statement that begins at line *begun*: the line after it, and what it says."""
    for end in range(begun + 1, len(lines) + 1):
        try:
            return end, tomllib.loads("\n".join(lines[begun:end]))
        except tomllib.TOMLDecodeError:
            continue
    return len(lines), {}


def _path(parsed: dict[str, Any], *, header: bool) -> Key:
    """The names a single statement descends through; an inline table's only key counts as well."""
    names: list[str] = []
    level: Any = parsed
    while isinstance(level, dict) and len(level) == 1:
        name, level = next(iter(level.items()))
        names.append(name)
        if header and isinstance(level, list):
            level = level[0]
    return tuple(names)
