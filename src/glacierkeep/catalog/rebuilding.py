"""Reading a copy of a vault's records back into a catalog: all of it, checked line by line, or nothing.

A line is applied as it comes. In memory are one line and the keys of one file's versions; the keys of everything that
later lines may refer to are in a temporary table on disk.
"""

import sqlite3
from collections.abc import Iterable, Iterator

from sqlalchemy import Connection

from glacierkeep.catalog.arriving import Arriving
from glacierkeep.catalog.copies import Copies
from glacierkeep.catalog.identity import Identity
from glacierkeep.catalog.rebuilt_archives import Archives
from glacierkeep.catalog.rebuilt_places import Places
from glacierkeep.catalog.rebuilt_versions import Versions
from glacierkeep.catalog.schema import HEAD
from glacierkeep.catalog.vaults import Vaults
from glacierkeep.clock import Clock
from glacierkeep.domain.copied import BadCopy, Fields, read_header, read_line
from glacierkeep.domain.copies import KINDS, CopyHeader, Expected, trouble_with_header
from glacierkeep.errors import CopyUnreadable


class Rebuilding:
    """One copy that arrives in the write of *connection*, which the caller rolls back if it fails."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def receive(self, lines: Iterable[bytes], expect: Expected) -> CopyHeader:
        """Take in the records of *lines*; the copy's header. Raises CopyUnreadable, and what reading *lines* raises."""
        rest = iter(lines)
        try:
            header = read_header(next(rest, b""))
            trouble = trouble_with_header(header, expect)
            if trouble:
                raise BadCopy(trouble)
            self._take_in(rest, header)
        except (BadCopy, sqlite3.IntegrityError) as error:
            raise _unreadable(error) from error
        return header

    def _take_in(self, lines: Iterator[bytes], header: CopyHeader) -> None:
        identity = Identity(self._connection)
        if identity.is_unused():
            identity.take_over(header.catalog)
        vaults = Vaults(self._connection, self._clock)
        vault = vaults.remember(header.vault)
        is_own = identity.id == header.catalog
        _Lines(self._connection, vault.vault_id, is_own=is_own).take_in(lines, header.schema)
        if header.inventory_date is not None:
            vaults.note_inventory(vault.vault_id, header.inventory_date)
        if is_own:
            identity.reach(header.generation)
        Copies(self._connection, self._clock).close(vault.vault_id)


class _Lines:
    """The lines between the first and the last."""

    def __init__(self, connection: Connection, vault_id: int, *, is_own: bool) -> None:
        driver = connection.connection.driver_connection
        assert driver is not None
        self._arriving = Arriving(driver.cursor())
        places = Places(self._arriving, vault_id)
        self._archives = Archives(self._arriving, vault_id)
        self._versions = Versions(self._arriving, vault_id, is_own=is_own)
        self._steps = {
            "root": places.root,
            "run": places.run,
            "folder": places.folder,
            "file": self._versions.file,
            "archive": self._archives.archive,
            "segment": self._archives.segment,
            "version": self._versions.version,
            "extent": self._versions.extent,
        }

    def take_in(self, lines: Iterator[bytes], schema: str) -> None:
        """Apply *lines* up to the last, which must agree with their number."""
        counts = dict.fromkeys(KINDS, 0)
        for line in lines:
            said = read_line(line)
            if said.kind == "end":
                self._end(said, counts, lines)
                return
            self._apply(said, counts, schema)
        raise BadCopy("it ends too early")

    def _apply(self, said: Fields, counts: dict[str, int], schema: str) -> None:
        kind = said.kind
        if not isinstance(kind, str) or kind not in self._steps:
            newer = ": a newer gk made it" if schema > HEAD else ""
            raise BadCopy(f"a line is of an unknown type{newer}")
        self._steps[kind](said)
        counts[kind] += 1

    def _end(self, said: Fields, counts: dict[str, int], lines: Iterator[bytes]) -> None:
        if said.counts("records") != counts:
            raise BadCopy("its last line counts other records than it holds")
        if next(lines, None) is not None:
            raise BadCopy("something follows its last line")
        self._versions.end_file()
        self._archives.check()
        self._arriving.close()


def _unreadable(error: Exception) -> CopyUnreadable:
    reason = str(error) if isinstance(error, BadCopy) else "it contradicts itself"
    return CopyUnreadable(
        f"a copy of the records cannot be used: {reason}",
        hint="nothing of it was taken over; retrieve it again, or rebuild without it",
    )
