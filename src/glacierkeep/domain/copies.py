"""Copies of a vault's records, as they are kept in the vault: a full one now and then, increments between.

A copy is JSON Lines in ASCII. The first line says what it is a copy of, a line per record follows, and the last one
counts them. Keys are those of the catalog that wrote it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

MOST_INCREMENTS = 20
"""Increments that may follow one full copy."""

LONGEST_LINE = 32 * 1024
"""Bytes of a line, its end included: a name as text, each byte escaped as six, with the rest stays below."""

LONGEST_TEXT = 4096
"""Bytes of a name that is written as text; a longer one, or one that is not UTF-8, is written as base64."""

KINDS = ("root", "run", "folder", "file", "archive", "segment", "version", "extent")
"""The kinds of records, in the words of their lines' `type`."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The highest keys a copy holds of each kind, and the newest change it has seen."""

    run: int = 0
    archive: int = 0
    segment: int = 0
    version: int = 0
    change: int = 0


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that was begun. *index* is 0 for a full one; *after* the generation of the one it goes on from.

    *archive_key* and *size* (stored bytes) are None until the vault acknowledged it; *closed*: nothing may follow it.
    """

    copy_id: int
    vault_id: int
    set_token: str
    index: int
    generation: int
    after: int | None
    marks: Marks
    made_at: datetime
    archive_key: int | None = None
    size: int | None = None
    closed: bool = False


@dataclass(frozen=True, slots=True)
class CopyHeader:
    """What a copy says of itself: of which catalog and vault (address), which of which set, when made.

    *inventory_date*: of the newest full inventory of the vault that was reconciled by then.
    """

    catalog: str
    vault: str
    generation: int
    set_token: str
    index: int
    after: int | None
    schema: str
    made_at: datetime
    inventory_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """Which copy is to come: of that catalog and vault. *set_token* None: of any set."""

    catalog: str
    vault: str
    set_token: str | None = None
    index: int = 0
    after: int | None = None


def next_after(header: CopyHeader) -> Expected:
    """The increment that follows the copy of that header."""
    return Expected(header.catalog, header.vault, header.set_token, header.index + 1, header.generation)


def trouble_with_header(header: CopyHeader, expect: Expected) -> str | None:
    """Why the copy is not the one expected, or None if it is."""
    said = (header.catalog, header.vault, header.index, header.after)
    for what, found, wanted in zip(
        ("catalog", "vault", "index", "predecessor"),
        said,
        (expect.catalog, expect.vault, expect.index, expect.after),
        strict=True,
    ):
        if found != wanted:
            return f"its {what} is {found}, not {wanted}"
    if expect.set_token not in (None, header.set_token):
        return "it belongs to another set"
    if expect.after is not None and header.generation <= expect.after:
        return "it is older than the copy before it"
    return None


def is_full_due(sizes: Sequence[int]) -> bool:
    """Whether the next copy is to be a full one, after copies of *sizes* (stored bytes), the full one first.

    It is if there is none yet, after 20 increments, or when these together are larger than half of the full one.
    """
    if not sizes:
        return True
    full, *increments = sizes
    return len(increments) >= MOST_INCREMENTS or 2 * sum(increments) > full


def write_line(kind: str, said: dict[str, object]) -> bytes:
    """One line of a copy; what is None is left out."""
    kept = {"type": kind} | {key: value for key, value in said.items() if value is not None}
    return json.dumps(kept, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"
