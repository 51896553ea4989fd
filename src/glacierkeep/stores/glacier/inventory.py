"""An inventory, read as a stream: JSON or CSV, a million archives in little memory."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from glacierkeep.domain.service import ListedArchive
from glacierkeep.errors import ServiceError
from glacierkeep.stores.glacier.output import GlacierOutput
from glacierkeep.stores.glacier.replies import listed, to_listed, to_time

PIECE = 64 * 1024
LONGEST_LINE = 64 * 1024
"""Bytes of a CSV line: a description has at most 1,024 characters."""

_HEADER = '"?ArchiveId"?,"?ArchiveDescription"?,"?CreationDate"?,"?Size"?,"?SHA256TreeHash"?'
# A quote in a description is written \", a backslash as it is: no CSV reader gets that right. The other
# columns cannot hold a comma, so the description is what lies between them.
_LINE = re.compile(
    r'"?([A-Za-z0-9_-]+)"?,(.*),"?(\d{4}-\d\d-\d\dT[\d:.]+Z)"?,"?(\d{1,15})"?,"?([0-9a-f]{64})"?', re.DOTALL
)


class GlacierInventory:
    """The inventory in *output*, which is that of *vault*. It can be gone through once."""

    def __init__(self, output: GlacierOutput, vault: str) -> None:
        self.date: datetime | None = None
        self._output = output
        self._vault = vault

    def __iter__(self) -> Iterator[ListedArchive]:
        """The listed archives. Raises ServiceError for what is no whole inventory of this vault."""
        first = self._output.read(PIECE)
        return self._json(first) if first.lstrip()[:1] == b"{" else self._csv(first)

    def _pieces(self, first: bytes) -> Iterator[bytes]:
        piece = first
        while piece:
            yield piece
            piece = self._output.read(PIECE)

    def _json(self, first: bytes) -> Iterator[ListedArchive]:
        import ijson

        reading = _JsonReading(ijson)
        try:
            for piece in self._pieces(first):
                entries = reading.take(piece)
                self._look_at_head(reading)
                yield from map(to_listed, entries)
            reading.close()
        except ijson.JSONError as error:
            raise ServiceError(f"the inventory is no JSON: {error}") from error
        self._look_at_head(reading)
        if not reading.has_list:
            raise ServiceError("the document is no inventory: it has no ArchiveList")

    def _look_at_head(self, reading: "_JsonReading") -> None:
        if self.date is None and reading.date is not None:
            self.date = to_time("InventoryDate", reading.date)
        told = reading.vault
        if told is not None and told.rpartition("/")[2] != self._vault:
            raise ServiceError(f"this is the inventory of another vault: {told[:300]!r}")

    def _csv(self, first: bytes) -> Iterator[ListedArchive]:
        lines = _lines(self._pieces(first))
        if not re.fullmatch(_HEADER, next(lines, "")):
            raise ServiceError("the document is no inventory: neither JSON nor CSV")
        return map(_from_line, lines)


class _JsonReading:
    """Two parsers side by side: one for what stands before the list, one for the list's entries."""

    def __init__(self, ijson: Any) -> None:
        self.date: str | None = None
        self.vault: str | None = None
        self.has_list = False
        self._events: Any = ijson.sendable_list()
        self._entries: Any = ijson.sendable_list()
        self._head = ijson.parse_coro(self._events)
        self._list = ijson.items_coro(self._entries, "ArchiveList.item")

    def take(self, piece: bytes) -> list[object]:
        """The entries that *piece* completes."""
        # The head is usually known after the first piece; looking through it all costs more than the entries.
        if self.date is None or not self.has_list:
            self._head.send(piece)
            self._read_head()
        self._list.send(piece)
        entries = list(self._entries)
        del self._entries[:]
        return entries

    def close(self) -> None:
        """The document has ended. Raises the parser's error if it is not whole."""
        self._list.close()

    def _read_head(self) -> None:
        for prefix, event, value in self._events:
            if (prefix, event) == ("InventoryDate", "string"):
                self.date = value
            elif (prefix, event) == ("VaultARN", "string"):
                self.vault = value
            elif (prefix, event) == ("ArchiveList", "start_array"):
                self.has_list = True
        del self._events[:]


def _lines(pieces: Iterator[bytes]) -> Iterator[str]:
    """Lines without their LF or CRLF, the empty ones left out. Raises ServiceError for an endless one."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from filter(None, map(_text, whole))
        if len(rest) > LONGEST_LINE:
            raise ServiceError("the document is no inventory: a line has no end")
    if rest:
        yield _text(rest)


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "backslashreplace")


def _from_line(line: str) -> ListedArchive:
    found = _LINE.fullmatch(line)
    if not found:
        raise ServiceError(f"a line of the inventory makes no sense: {line[:80]!r}")
    archive_id, description, created, size, digest = found.groups()
    if len(description) > 1 and description[0] == description[-1] == '"':
        description = description[1:-1]
    return listed(archive_id, description.replace('\\"', '"'), created, int(size), digest)
