"""What a person wants left out, in the syntax of .gitignore files."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from glacierkeep.errors import UsageError

_NEWLINE_TWIN = "\udc0a"
"""Stands for a newline in names, which `.` and `$` take for an end; surrogateescape never makes it."""


class Rules:
    """Patterns, later ones winning: first those of *files*, in order, then *patterns*. Anchored at the root.

    Raises UsageError naming the file and line of a bad pattern, or the file that cannot be read.
    """

    def __init__(self, patterns: Sequence[str] = (), files: Sequence[Path] = ()) -> None:
        self._patterns: list[tuple[re.Pattern[str], bool]] = []
        for file in files:
            for number, line in _lines_of(file):
                self._add(line, f"{file}, line {number}")
        for pattern in patterns:
            self._add(pattern, "an exclude pattern")

    @property
    def empty(self) -> bool:
        """Whether nothing at all is excluded."""
        return not self._patterns

    def excludes(self, path: bytes, is_folder: bool) -> bool:
        """Whether *path*, relative to the root, is left out.

        Parents are to be asked for first: what lies in an excluded folder cannot come back in.
        """
        if not self._patterns:
            return False
        text = os.fsdecode(path).replace("\n", _NEWLINE_TWIN) + "/" * is_folder
        for regex, excluded in reversed(self._patterns):
            if _matches(regex, text):
                return excluded
        return False

    def _add(self, line: str, where: str) -> None:
        if not line.strip() or line.startswith("#"):
            return
        compiled = _compile(line)
        if compiled is None:
            hint = "the syntax is that of .gitignore files"
            raise UsageError(f"{where}: {line.strip()!r} is no pattern", hint=hint)
        self._patterns.append(compiled)


def _matches(regex: re.Pattern[str], text: str) -> bool:
    """Whether *regex* matches the whole of *text*, not merely a folder that it lies in."""
    matches = list(regex.finditer(text))
    if not matches or "ps_d" not in regex.groupindex:
        return bool(matches)
    return matches[-1].start("ps_d") in (-1, len(text) - 1)


def _compile(line: str) -> tuple[re.Pattern[str], bool] | None:
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern  # late: most commands exclude nothing

    try:
        pattern = GitIgnoreSpecPattern(_spelled_out(line))
    except (ValueError, re.error):
        return None
    if pattern.regex is None or pattern.include is None:
        return None
    return pattern.regex, pattern.include


def _spelled_out(line: str) -> str:
    """*line* with a last `/**` written so that it matches what is in the folder, but not the folder."""
    stripped = line.rstrip()
    inner = stripped.rstrip("/")
    return f"{inner}/*{stripped[len(inner) :]}" if inner.endswith("/**") else line


def _lines_of(file: Path) -> Iterator[tuple[int, str]]:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"the exclude file {file} cannot be read: {error.strerror}") from error
    text = os.fsdecode(content.removeprefix(b"\xef\xbb\xbf"))
    yield from enumerate((line.removesuffix("\r") for line in text.split("\n")), start=1)
