"""Laying extents: where the bytes of recorded versions are to be found, checked in the same write."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, Connection, Row, Select, select

from glacierkeep.catalog.asking import rows_at
from glacierkeep.catalog.batches import batched, insert_rows
from glacierkeep.catalog.fresh import EXTENT
from glacierkeep.catalog.pieces import Pieces
from glacierkeep.catalog.places import find_folders, stands_at
from glacierkeep.catalog.schema import archives, extents, files, segments, versions
from glacierkeep.catalog.values import ArchiveGone
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.names import name_of, parent_of
from glacierkeep.domain.records import ArchiveState, NewVersion


@dataclass(frozen=True, slots=True)
class Wish:
    """A recorded version that may want extents. *source* is the version its content is copied from, if known."""

    version_id: int
    item: NewVersion
    new: bool
    source: int | None


@dataclass(frozen=True, slots=True)
class _Lain:
    """An extent, and whether its archive is present."""

    ordinal: int
    segment_id: int
    offset: int
    length: int
    version_offset: int
    archive_key: int
    present: bool


class Laying:
    """The extents of one recording, in one vault."""

    def __init__(self, connection: Connection, root_id: int, vault_id: int, pieces: Pieces) -> None:
        self._connection = connection
        self._root_id = root_id
        self._vault_id = vault_id
        self._known_pieces = pieces
        self._held: dict[int, list[_Lain]] = {}
        self._sizes: dict[int, int] = {}
        self._rows: list[tuple[int, ...]] = []
        self._dropped: list[int] = []

    def lay(self, wishes: list[Wish]) -> None:
        """Write the extents of *wishes*, the places of whose pieces are known. Raises ArchiveGone."""
        wishes = self._with_sources(wishes)
        self._sizes = {wish.version_id: wish.item.size for wish in wishes}
        fresh = {wish.version_id for wish in wishes if wish.new}
        wanted = {key for wish in wishes for key in (wish.version_id, wish.source) if key is not None}
        self._load_held(wanted - fresh)
        pending = wishes
        while pending:
            waiting = {wish.version_id for wish in pending}
            ready = [wish for wish in pending if wish.source not in waiting] or pending
            for wish in ready:
                self._lay_one(wish)
            taken = {id(wish) for wish in ready}
            pending = [wish for wish in pending if id(wish) not in taken]
        self._write()

    def _with_sources(self, wishes: list[Wish]) -> list[Wish]:
        """*wishes* with the versions that stand now at the paths that are not part of this recording."""
        unknown = {wish.item.same_as_path for wish in wishes if wish.source is None} - {None}
        if not unknown:
            return wishes
        found = self._current({path for path in unknown if path is not None})
        return [
            Wish(wish.version_id, wish.item, wish.new, found.get(wish.item.same_as_path or b""))
            if wish.source is None
            else wish
            for wish in wishes
        ]

    def _current(self, paths: set[bytes]) -> dict[bytes, int]:
        above = find_folders(self._connection, self._root_id, {parent_of(path) for path in paths})
        places = {(above[parent_of(path)], name_of(path)): path for path in paths if parent_of(path) in above}
        rows = rows_at(self._connection, _select_current, places)
        return {places[row.folder_id, row.name]: row.current_version for row in rows}

    def _load_held(self, keys: Iterable[int]) -> None:
        for few in batched(keys):
            for row in self._connection.execute(_held(few, self._vault_id)).all():
                self._held.setdefault(row.version_id, []).append(_read_lain(row))
            sizes = select(versions.c.id, versions.c.size).where(versions.c.id.in_(few))
            for key, size in self._connection.execute(sizes):
                self._sizes.setdefault(key, size)

    def _lay_one(self, wish: Wish) -> None:
        held = self._held.get(wish.version_id, [])
        if held and self._complete(wish.version_id, held):
            return
        wanted = self._wanted(wish)
        if not wanted:
            return
        if not all(lain.present for lain in held):
            self._dropped.append(wish.version_id)
            held = []
        there = {lain.version_offset for lain in held}
        added = [lain for lain in wanted if lain.version_offset not in there] if there else wanted
        ordinal = max((lain.ordinal for lain in held), default=-1) + 1
        self._rows += [self._row(wish.version_id, ordinal + at, lain) for at, lain in enumerate(added)]
        self._held[wish.version_id] = held + added

    def _wanted(self, wish: Wish) -> list[_Lain]:
        pieces = self._pieces(wish.item)
        if pieces and wish.item.kind is not FileKind.HARDLINK:
            return pieces
        content = self._content(wish)
        return content + pieces if content else []

    def _pieces(self, item: NewVersion) -> list[_Lain]:
        known = self._known_pieces
        return [
            _Lain(0, *known.place(piece), known.archive_of(piece.archive_key), True) for piece in item.pieces
        ]

    def _content(self, wish: Wish) -> list[_Lain]:
        """The extents to copy; none if what `same_as_path` names is not stored, or nothing is named."""
        if wish.source is None:
            return []
        held = self._held.get(wish.source, [])
        if self._complete(wish.source, held):
            return [lain for lain in held if lain.length] or held[:1]
        if wish.item.same_as_path is None:
            raise ArchiveGone(tuple(sorted({lain.archive_key for lain in held if not lain.present})))
        return []

    def _complete(self, version_id: int, held: list[_Lain]) -> bool:
        covered = sum(lain.length for lain in held) >= self._sizes.get(version_id, 0)
        return bool(held) and covered and all(lain.present for lain in held)

    def _row(self, version_id: int, ordinal: int, lain: _Lain) -> tuple[int, ...]:
        where = (lain.segment_id, lain.offset, lain.length, lain.version_offset)
        return (version_id, self._vault_id, ordinal, *where)

    def _write(self) -> None:
        for few in batched(self._dropped):
            old = extents.c.version_id.in_(few) & (extents.c.vault_id == self._vault_id)
            self._connection.execute(extents.delete().where(old))
        insert_rows(self._connection, extents, EXTENT, self._rows)


def _read_lain(row: Row[Any]) -> _Lain:
    return _Lain(
        ordinal=row.ordinal,
        segment_id=row.segment_id,
        offset=row.offset,
        length=row.length,
        version_offset=row.version_offset,
        archive_key=row.archive_key,
        present=row.state == ArchiveState.PRESENT,
    )


def _select_current(asked: CTE) -> Select[Any]:
    return (
        select(files.c.folder_id, files.c.name, files.c.current_version)
        .select_from(asked.join(files, stands_at(asked)))
        .where(files.c.current_version.is_not(None))
    )


def _held(keys: list[int], vault_id: int) -> Any:
    columns = extents.c
    return (
        select(
            columns.version_id, columns.ordinal, columns.segment_id, columns.offset, columns.length,
            columns.version_offset, segments.c.archive_key, archives.c.state,
        )
        .join(segments, segments.c.id == columns.segment_id)
        .join(archives, archives.c.id == segments.c.archive_key)
        .where(columns.version_id.in_(keys), columns.vault_id == vault_id)
        .order_by(columns.version_id, columns.ordinal)
    )  # fmt: skip
