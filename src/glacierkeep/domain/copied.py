"""Reading the lines of a copy of a vault's records: hostile until every field was checked."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from glacierkeep.domain import names
from glacierkeep.domain.copies import KINDS, LONGEST_LINE, LONGEST_TEXT, MOST_INCREMENTS, CopyHeader
from glacierkeep.domain.token import is_catalog_id, is_token

MOST = (1 << 63) - 1
LARGEST = 1 << 53
"""Bytes of anything, at most: so that sums of a thousand are numbers of 63 bits too."""

LONGEST_NAME = 4 * LONGEST_TEXT
"""Bytes of a path, a component or a link's target; a path may be longer than a system call takes."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999

Word = TypeVar("Word", bound=StrEnum)


class BadCopy(ValueError):
    """A line of a copy is not as we write it; the message says what is wrong with it."""


class Fields:
    """The fields of one line. Each method raises BadCopy for what is missing, of another kind or out of range."""

    def __init__(self, said: dict[str, object]) -> None:
        self._said = said
        self.kind = said.get("type")

    def has(self, key: str) -> bool:
        """Whether there is such a field."""
        return self._said.get(key) is not None

    def number(self, key: str, least: int = 0, most: int = MOST) -> int:
        """A whole number from *least* to *most*."""
        found = self._said.get(key)
        if type(found) is not int or not least <= found <= most:
            raise BadCopy(f"{key} is not a number from {least} to {most}")
        return found

    def maybe(self, key: str, least: int = 0, most: int = MOST) -> int | None:
        """As number, None if it is missing."""
        return self.number(key, least, most) if self.has(key) else None

    def key(self, key: str) -> int:
        """A record's key."""
        return self.number(key, 1)

    def maybe_key(self, key: str) -> int | None:
        """A record's key, or None."""
        return self.maybe(key, 1)

    def flag(self, key: str) -> int:
        """0 or 1; 0 if it is missing."""
        return self.maybe(key, 0, 1) or 0

    def moment(self, key: str) -> int:
        """A time in microseconds since 1970, of the years 1 to 9999."""
        return self.number(key, _EARLIEST, _LATEST)

    def maybe_moment(self, key: str) -> int | None:
        """As moment, None if it is missing."""
        return self.maybe(key, _EARLIEST, _LATEST)

    def text(self, key: str, most: int) -> str:
        """A text of at most *most* bytes of UTF-8, without NUL."""
        found = self._said.get(key)
        try:
            if isinstance(found, str) and "\0" not in found and len(found.encode()) <= most:
                return found
        except UnicodeEncodeError:
            pass
        raise BadCopy(f"{key} is not a text of at most {most} bytes")

    def word(self, key: str, words: type[Word]) -> Word:
        """One of *words*."""
        try:
            return words(self.text(key, 100))
        except ValueError as error:
            raise BadCopy(f"{key} is none of {', '.join(words)}") from error

    def digest(self, key: str, length: int) -> bytes:
        """A hash of *length* bytes."""
        try:
            found = bytes.fromhex(self.text(key, 2 * length))
        except ValueError:
            found = b""
        if len(found) != length:
            raise BadCopy(f"{key} is not a hash of {length} bytes")
        return found

    def maybe_digest(self, key: str, length: int) -> bytes | None:
        """As digest, None if it is missing."""
        return self.digest(key, length) if self.has(key) else None

    def name(self, key: str) -> bytes:
        """A name, in the field *key* or as base64 in `key_b64`."""
        exact = f"{key}_b64"
        if not self.has(exact):
            return self.text(key, LONGEST_TEXT).encode()
        try:
            found = names.from_b64(self.text(exact, 2 * LONGEST_NAME))
        except ValueError as error:
            raise BadCopy(f"{exact} is not base64") from error
        if len(found) > LONGEST_NAME or b"\0" in found:
            raise BadCopy(f"{exact} is no name")
        return found

    def component(self, key: str) -> bytes:
        """A name that is one component of a path."""
        found = self.name(key)
        trouble = "it holds a slash" if b"/" in found else names.trouble_with(found)
        if trouble:
            raise BadCopy(f"{key} is no name of a file or folder: {trouble}")
        return found

    def counts(self, key: str) -> dict[str, int]:
        """How many records of each kind there are."""
        found = self._said.get(key)
        if not isinstance(found, dict) or found.keys() != set(KINDS):
            raise BadCopy("the last line does not count the records")
        inner = Fields(found)
        return {kind: inner.number(kind) for kind in KINDS}


def read_line(line: bytes) -> Fields:
    """The fields of *line*. Raises BadCopy."""
    if len(line) > LONGEST_LINE:
        raise BadCopy(f"a line is longer than {LONGEST_LINE} bytes")
    try:
        said = json.loads(line.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise BadCopy("a line is not JSON in ASCII") from error
    if not isinstance(said, dict):
        raise BadCopy("a line is not a JSON object")
    return Fields(said)


def read_header(line: bytes) -> CopyHeader:
    """What the first line says of the copy. Raises BadCopy."""
    said = read_line(line)
    if said.kind != "catalog" or said.maybe("gk") != 1:
        raise BadCopy("it does not begin as a copy of ours")
    catalog, token = said.text("catalog", 8), said.text("set", 26)
    if not is_catalog_id(catalog) or not is_token(token):
        raise BadCopy("it names no catalog or no set")
    index, after = said.number("index", 0, MOST_INCREMENTS), said.maybe("after")
    if (index == 0) != (after is None):
        raise BadCopy("a full copy follows none, an increment another copy")
    dated = said.maybe_moment("inventory_date")
    return CopyHeader(
        catalog=catalog,
        vault=said.text("vault", 2048),
        generation=said.number("generation", 1, LARGEST),
        set_token=token,
        index=index,
        after=after,
        schema=said.text("schema", 32),
        made_at=_time(said.moment("made_at")),
        inventory_date=None if dated is None else _time(dated),
    )


def split_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a stream that comes in *chunks*, their ends left out. Raises BadCopy for one that is too long."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        if len(rest) > LONGEST_LINE:
            raise BadCopy(f"a line is longer than {LONGEST_LINE} bytes")
    if rest:
        yield rest


def _time(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
