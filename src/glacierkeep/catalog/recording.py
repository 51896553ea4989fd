"""Recording versions in bulk: which are new, which only gain extents."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, Connection, Row, Select, select

from glacierkeep.catalog.asking import Place, rows_at
from glacierkeep.catalog.batches import batched, insert_rows, next_key
from glacierkeep.catalog.columns import signed, to_microseconds
from glacierkeep.catalog.laying import Laying, Wish
from glacierkeep.catalog.places import checked, make_folders, stands_at
from glacierkeep.catalog.schema import archives, files, runs, versions
from glacierkeep.catalog.searching import searchable
from glacierkeep.domain.files import kept_mtime
from glacierkeep.domain.names import name_of, parent_of
from glacierkeep.domain.records import NewVersion

_FILE = ("id", "folder_id", "name", "text", "current_version")
_VERSION = (
    "id", "file_id", "kind", "size", "mtime_ns", "mode", "target", "md5", "tree_hash", "inode", "adopted",
    "first_run", "first_seen",
)  # fmt: skip


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
        self._files: dict[Place, _File] = {}
        self._earlier: dict[int, list[_Said]] = {}
        self._new: list[tuple[Any, ...]] = []
        self._inodes: list[tuple[int, int]] = []
        self._confirmed: list[tuple[bytes | None, int]] = []

    def record(self, run_id: int | None, items: list[NewVersion], now: datetime) -> list[int]:
        """The keys of the versions of *items*, in order; see `Versions.record`."""
        if not items:
            return []
        places = self._places(items)
        self._load(places)
        seen = self._first_seen(run_id, now)
        first = next_key(self._connection, versions)
        keys = [
            self._decide(item, place, first, run_id, seen) for item, place in zip(items, places, strict=True)
        ]
        self._write()
        self._lay(items, keys, first)
        return keys

    def _places(self, items: list[NewVersion]) -> list[Place]:
        above = make_folders(
            self._connection, self._root_id, {parent_of(checked(item.path)) for item in items}
        )
        return [(above[parent_of(item.path)], name_of(item.path)) for item in items]

    def _load(self, places: list[Place]) -> None:
        for row in rows_at(self._connection, _select_current, set(places)):
            current = _said(row) if row.id is not None else None
            self._files[row.folder_id, row.name] = _File(row.file_id, exists=True, current=current)
        if self._adopted:
            self._load_earlier()
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
        known = select(runs.c.started_at).where(runs.c.id == run_id)
        if run_id is None:
            known = select(archives.c.created_at).where(archives.c.id == self._archive_key)
        seen: datetime | None = self._connection.execute(known).scalar()
        return seen or now

    def _decide(self, item: NewVersion, place: Place, first: int, run_id: int | None, seen: datetime) -> int:
        file = self._files[place]
        same = self._same(item, file)
        if same is not None:
            self._again(item, file, same)
            return same.version_id
        key = first + len(self._new)
        said = _said_new(item, key, seen, adopted=self._adopted)
        self._new.append(_version_row(said, file.file_id, run_id))
        self._earlier.setdefault(file.file_id, []).append(said)
        if self._takes_over(said, file, run_id):
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
        insert_rows(self._connection, files, _FILE, fresh)
        insert_rows(self._connection, versions, _VERSION, self._new)
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

    def _lay(self, items: list[NewVersion], keys: list[int], first: int) -> None:
        laying = Laying(self._connection, self._root_id, self._vault_id, self._archive_key)
        last = {item.path: key for item, key in zip(items, keys, strict=True)}
        wishes = [
            Wish(key, item, new=key >= first, source=self._source(item, last))
            for item, key in zip(items, keys, strict=True)
        ]
        laying.lay(wishes)

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


def _said_new(item: NewVersion, key: int, seen: datetime, *, adopted: bool) -> _Said:
    hashes = (item.hashes.md5, item.hashes.tree_hash) if item.hashes else (None, None)
    return _Said(key, _facts(item), hashes, signed(item.inode), adopted, to_microseconds(seen))


def _agrees(item: NewVersion, said: _Said) -> bool:
    if said.facts != _facts(item):
        return False
    if item.hashes is None:
        return True
    md5, tree_hash = said.hashes
    return tree_hash == item.hashes.tree_hash and md5 in (None, item.hashes.md5)


def _version_row(said: _Said, file_id: int, run_id: int | None) -> tuple[Any, ...]:
    own = (said.version_id, file_id, *said.facts, *said.hashes, said.inode, int(said.adopted))
    return (*own, run_id, said.seen)
