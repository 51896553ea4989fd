"""Recording versions in bulk: which are new, which only gain extents."""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, Connection, Row, Select, bindparam, select

from glacierkeep.catalog.asking import Place, rows_at
from glacierkeep.catalog.batches import batched, insert_rows, next_key
from glacierkeep.catalog.columns import signed, to_microseconds
from glacierkeep.catalog.fresh import FILE, VERSION, Sighting, insert_fresh, is_plain, version_row
from glacierkeep.catalog.laying import Laying, Wish
from glacierkeep.catalog.pieces import Lying, Pieces
from glacierkeep.catalog.places import make_places, occupied, stands_at
from glacierkeep.catalog.schema import archives, files, runs, versions
from glacierkeep.catalog.searching import searchable
from glacierkeep.domain.files import kept_mtime
from glacierkeep.domain.records import NewVersion

_RUN_BEGAN = select(runs.c.started_at).where(runs.c.id == bindparam("key"))
_ARCHIVE_MADE = select(archives.c.created_at).where(archives.c.id == bindparam("key"))


@dataclass(frozen=True, slots=True)
class _Said:
    """What a recorded version says, for comparing."""

    version_id: int
    facts: tuple[object, ...]
    hashes: tuple[bytes | None, bytes | None]
    inode: int
    adopted: bool
    seen: int


@dataclass(slots=True)
class _File:
    """A file's row as it will be after this recording."""

    file_id: int
    exists: bool
    current: _Said | None = None
    moved: bool = False


class Recording:
    """One call of `versions.record`."""

    def __init__(
        self, connection: Connection, root_id: int, vault_id: int, archive_key: int | None, *, adopted: bool
    ) -> None:
        self._connection = connection
        self._root_id = root_id
        self._vault_id = vault_id
        self._archive_key = archive_key
        self._adopted = adopted
        self._pieces = Pieces(connection, vault_id, archive_key)
        self._files: dict[Place, _File] = {}
        self._earlier: dict[int, list[_Said]] = {}
        self._new: list[tuple[Any, ...]] = []
        self._inodes: list[tuple[int, int]] = []
        self._confirmed: list[tuple[bytes | None, int]] = []

    def record(self, run_id: int | None, items: list[NewVersion], now: datetime) -> list[int]:
        """The keys of the versions of *items*, in order; see `Versions.record`."""
        if not items:
            return []
        lying = self._pieces.places(items)
        # What is plain raises nothing from here on; a savepoint costs half as much as all that is written.
        plain = all(map(is_plain, items))
        with nullcontext() if plain else self._connection.begin_nested():
            sighting = Sighting(run_id, to_microseconds(self._first_seen(run_id, now)), self._adopted)
            return self._record(items, lying, sighting)

    def _record(self, items: list[NewVersion], lying: list[list[Lying]], sighting: Sighting) -> list[int]:
        places = make_places(self._connection, self._root_id, [item.path for item in items])
        self._load(places)
        fresh = self._fresh(items, places)
        if len(fresh) == len(items):
            return list(insert_fresh(self._connection, items, places, lying, self._vault_id, sighting))
        made = insert_fresh(
            self._connection,
            [items[at] for at in fresh],
            [places[at] for at in fresh],
            [lying[at] for at in fresh],
            self._vault_id,
            sighting,
        )
        keys = dict(zip(fresh, made, strict=True))
        rest = [at for at in range(len(items)) if at not in keys]
        self._record_rest(rest, items, places, keys, sighting)
        return [keys[at] for at in range(len(items))]

    def _load(self, places: list[Place]) -> None:
        """The rows that stand at *places*."""
        folders = occupied(self._connection, places)
        perhaps = {place for place in places if place[0] in folders} if folders else ()
        for row in rows_at(self._connection, _select_current, perhaps):
            current = _said(row) if row.id is not None else None
            self._files[row.folder_id, row.name] = _File(row.file_id, exists=True, current=current)

    def _fresh(self, items: list[NewVersion], places: list[Place]) -> list[int]:
        """Which of *items* need no comparing: they are plain, and the first at their places."""
        if len(set(places)) < len(places):
            return []
        known = self._files
        return [at for at, item in enumerate(items) if places[at] not in known and is_plain(item)]

    def _record_rest(
        self,
        rest: list[int],
        items: list[NewVersion],
        places: list[Place],
        keys: dict[int, int],
        sighting: Sighting,
    ) -> None:
        """Compare each of *rest* with what is known, and add its key to *keys*."""
        self._number(places[at] for at in rest)
        if self._adopted:
            self._load_earlier()
        first = next_key(self._connection, versions)
        for at in rest:
            keys[at] = self._decide(items[at], places[at], first, sighting)
        self._write()
        last = {item.path: keys[at] for at, item in enumerate(items)}
        self._lay([(items[at], keys[at]) for at in rest], last, first)

    def _number(self, places: Iterable[Place]) -> None:
        """Give keys to the files that have no row yet."""
        key = next_key(self._connection, files)
        for place in places:
            if place not in self._files:
                self._files[place] = _File(key, exists=False)
                key += 1

    def _load_earlier(self) -> None:
        for few in batched([file.file_id for file in self._files.values()]):
            for row in self._connection.execute(select(versions).where(versions.c.file_id.in_(few))):
                self._earlier.setdefault(row.file_id, []).append(_said(row))

    def _first_seen(self, run_id: int | None, now: datetime) -> datetime:
        known, key = (_RUN_BEGAN, run_id) if run_id is not None else (_ARCHIVE_MADE, self._archive_key)
        seen: datetime | None = self._connection.execute(known, {"key": key}).scalar()
        return seen or now

    def _decide(self, item: NewVersion, place: Place, first: int, sighting: Sighting) -> int:
        file = self._files[place]
        same = self._same(item, file)
        if same is not None:
            self._again(item, file, same)
            return same.version_id
        key = first + len(self._new)
        said = _said_new(item, key, sighting)
        self._new.append(version_row(key, file.file_id, item, sighting))
        self._earlier.setdefault(file.file_id, []).append(said)
        if self._takes_over(said, file, sighting.run_id):
            file.current, file.moved = said, True
        return key

    def _same(self, item: NewVersion, file: _File) -> _Said | None:
        if file.current is not None and _agrees(item, file.current):
            return file.current
        if not self._adopted:
            return None
        return next((said for said in self._earlier.get(file.file_id, ()) if _agrees(item, said)), None)

    def _again(self, item: NewVersion, file: _File, same: _Said) -> None:
        if same.inode != signed(item.inode) and not self._adopted:
            self._inodes.append((same.version_id, signed(item.inode)))
        if same.adopted and not self._adopted and item.hashes is not None:
            self._confirmed.append((item.hashes.md5, same.version_id))
            file.current = replace(same, adopted=False)

    def _takes_over(self, said: _Said, file: _File, run_id: int | None) -> bool:
        if self._adopted and any(not other.adopted for other in self._earlier.get(file.file_id, ())):
            return False
        current = file.current
        if current is None or run_id is not None or (current.adopted and not self._adopted):
            return True
        return said.seen >= current.seen

    def _write(self) -> None:
        fresh = [self._file_row(place, file) for place, file in self._files.items() if not file.exists]
        insert_rows(self._connection, files, FILE, fresh)
        insert_rows(self._connection, versions, VERSION, self._new)
        moved = [
            (file.current.version_id, file.file_id)
            for file in self._files.values()
            if file.exists and file.moved and file.current
        ]
        self._set("files", "current_version", moved)
        self._set("versions", "inode", [(inode, key) for key, inode in self._inodes])
        self._set("versions", "adopted = 0, md5", self._confirmed)

    def _file_row(self, place: Place, file: _File) -> tuple[Any, ...]:
        folder_id, name = place
        current = file.current.version_id if file.current else None
        return (file.file_id, folder_id, name, searchable(name), current)

    def _set(self, table: str, column: str, values: Sequence[tuple[object, int]]) -> None:
        if values:
            self._connection.exec_driver_sql(f"UPDATE {table} SET {column} = ? WHERE id = ?", list(values))  # noqa: S608

    def _lay(self, recorded: list[tuple[NewVersion, int]], last: dict[bytes, int], first: int) -> None:
        wishes = [
            Wish(key, item, new=key >= first, source=self._source(item, last)) for item, key in recorded
        ]
        Laying(self._connection, self._root_id, self._vault_id, self._pieces).lay(wishes)

    def _source(self, item: NewVersion, last: dict[bytes, int]) -> int | None:
        return item.same_as if item.same_as_path is None else last.get(item.same_as_path)


def _select_current(asked: CTE) -> Select[Any]:
    columns = versions.c
    return (
        select(
            files.c.id.label("file_id"), files.c.folder_id, files.c.name, columns.id, columns.kind, columns.size,
            columns.mtime_ns, columns.mode, columns.target, columns.md5, columns.tree_hash, columns.inode,
            columns.adopted, columns.first_seen,
        )
        .select_from(asked.join(files, stands_at(asked)))
        .join(versions, columns.id == files.c.current_version, isouter=True)
    )  # fmt: skip


def _said(row: Row[Any]) -> _Said:
    facts = (row.kind, row.size, row.mtime_ns, row.mode, row.target)
    hashes = (row.md5, row.tree_hash)
    return _Said(row.id, facts, hashes, row.inode, bool(row.adopted), to_microseconds(row.first_seen))


def _facts(item: NewVersion) -> tuple[object, ...]:
    return (int(item.kind), item.size, kept_mtime(item.mtime_ns), item.mode, item.target)


def _said_new(item: NewVersion, key: int, sighting: Sighting) -> _Said:
    hashes = (item.hashes.md5, item.hashes.tree_hash) if item.hashes else (None, None)
    return _Said(key, _facts(item), hashes, signed(item.inode), sighting.adopted, sighting.seen)


def _agrees(item: NewVersion, said: _Said) -> bool:
    if said.facts != _facts(item):
        return False
    if item.hashes is None:
        return True
    md5, tree_hash = said.hashes
    return tree_hash == item.hashes.tree_hash and md5 in (None, item.hashes.md5)
