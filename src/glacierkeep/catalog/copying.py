"""Writing out one vault's records, all of them or what changed since an earlier copy, as a stream of lines.

No read is held open while lines are given out. What is recorded while they are is left to the next copy: records above
the copy's marks, and changes noted after it was begun.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from glacierkeep.catalog.batches import FEW, PAGE, Opener, batched
from glacierkeep.catalog.concerning import concerns, is_kept_in
from glacierkeep.catalog.copied_lines import (
    Line,
    end_line,
    extent_line,
    file_line,
    header_line,
    version_line,
)
from glacierkeep.catalog.copied_needs import Needs
from glacierkeep.catalog.current import current_of
from glacierkeep.catalog.schema import archives, extents, files, folders, roots, runs, segments, versions
from glacierkeep.catalog.schema_work import changes
from glacierkeep.domain.copies import KINDS, Copy, CopyHeader, Marks

WINDOW = 50_000
"""Keys looked at in one read: no read lasts long, however few are of the vault."""

_MOST = 4 * PAGE
"""Extents held at once."""

Currents = dict[int, int | None]
"""Files, and their current versions."""


class Copying:
    """One pass of writing out the records of *copy*'s vault; *since* None: all, else what changed since then."""

    def __init__(self, read: Opener, header: CopyHeader, copy: Copy, since: Marks | None) -> None:
        self._read = read
        self._header = header
        self._vault_id = copy.vault_id
        self._until = copy.marks
        self._since = since
        self._needs = Needs()
        self._file: int | None = None

    def lines(self) -> Iterator[bytes]:
        """The lines, each with its end."""
        counts = dict.fromkeys(KINDS, 0)
        yield header_line(self._header)
        for kind, line in self._records():
            counts[kind] += 1
            yield line
        yield end_line(counts)

    def _records(self) -> Iterator[Line]:
        yield from self._runs()
        yield from self._archives()
        if self._since is None:
            yield from self._all_versions()
        else:
            yield from self._noted_roots(self._since)
            yield from self._new_versions(self._since)
            yield from self._noted(self._since)

    def _runs(self) -> Iterator[Line]:
        own = select(runs.c.id).where(runs.c.vault_id == self._vault_id, runs.c.id <= self._until.run)
        if self._since is not None:
            own = own.where((runs.c.id > self._since.run) | runs.c.id.in_(_noted_keys("run", self._since)))
        for keys in self._pages(own, runs.c.id):
            with self._read() as connection:
                lines = self._needs.runs(connection, keys)
            yield from lines

    def _archives(self) -> Iterator[Line]:
        """Archives that are new or changed, each with its segments."""
        own = select(archives.c.id).where(is_kept_in(self._vault_id), archives.c.id <= self._until.archive)
        if self._since is not None:
            noted = archives.c.id.in_(_noted_keys("archive", self._since))
            own = own.where((archives.c.id > self._since.archive) | noted)
        for keys in self._pages(own, archives.c.id):
            for key in keys:
                parts = select(segments.c.id).where(segments.c.archive_key == key)
                for part in self._pages(parts, segments.c.id):
                    with self._read() as connection:
                        lines = self._needs.segments(connection, part)
                    yield from lines

    def _noted_roots(self, since: Marks) -> Iterator[Line]:
        """The roots that got another name or place and have files in the vault; others come with their folders."""
        own = (
            select(versions.c.id)
            .join(files, files.c.id == versions.c.file_id)
            .join(folders, folders.c.id == files.c.folder_id)
            .where(folders.c.root_id == roots.c.id, concerns(self._vault_id))
            .correlate(roots)
        )
        wanted = select(roots.c.id).where(roots.c.id.in_(_noted_keys("root", since)), own.exists())
        with self._read() as connection:
            lines = self._needs.roots(connection, list(connection.execute(wanted).scalars()))
        yield from lines

    def _all_versions(self) -> Iterator[Line]:
        """Every version, file by file."""
        with self._read() as connection:
            highest = select(files.c.id).order_by(files.c.id.desc()).limit(1)
            end = connection.execute(highest).scalar() or 0
        file_id, version_id = 0, 0
        while file_id <= end:
            stop = file_id + WINDOW
            with self._read() as connection:
                rows = connection.execute(self._page(file_id, version_id, stop)).all()
                current = self._current(connection, {row.file_id for row in rows})
            yield from self._with_extents(list(rows), current)
            full = len(rows) == PAGE
            file_id, version_id = (rows[-1].file_id, rows[-1].id) if full else (stop, 0)

    def _page(self, file_id: int, version_id: int, stop: int) -> Select[Any]:
        columns = versions.c
        after = (columns.file_id > file_id) | (columns.id > version_id)
        within = (columns.file_id >= file_id) & (columns.file_id < stop)
        page = self._versions().where(within, after).order_by(columns.file_id, columns.id)
        return page.limit(PAGE)

    def _noted(self, since: Marks) -> Iterator[Line]:
        """Versions that changed, and files of which another version is the current one, or none."""
        for keys in self._pages(_noted_keys("version", since), changes.c.key):
            yield from self._by_key(keys)
        for keys in self._pages(_noted_keys("file", since), changes.c.key):
            yield from self._by_key([], self._needs.take("file", keys))

    def _new_versions(self, since: Marks) -> Iterator[Line]:
        for start in range(since.version, self._until.version, WINDOW):
            stop = min(start + WINDOW, self._until.version)
            within = (versions.c.id > start) & (versions.c.id <= stop)
            own = select(versions.c.id).where(within, concerns(self._vault_id))
            for keys in self._pages(own, versions.c.id):
                yield from self._by_key(keys)

    def _by_key(self, version_ids: list[int], file_ids: Iterable[int] = ()) -> Iterator[Line]:
        """Those versions and files, as far as they are of the vault; each file with its current version."""
        with self._read() as connection:
            current = self._current(connection, {*file_ids, *_owners(connection, version_ids)})
            keys = {*version_ids, *(key for key in current.values() if key is not None)}
            rows = [
                row
                for few in batched(keys)
                for row in connection.execute(self._versions().where(versions.c.id.in_(few))).all()
            ]
            lines = self._bare_files(connection, current.keys() - {row.file_id for row in rows})
        yield from lines
        yield from self._with_extents(sorted(rows, key=lambda row: (row.file_id, row.id)), current)

    def _current(self, connection: Connection, file_ids: set[int]) -> Currents:
        return current_of(connection, file_ids, self._vault_id, self._until.version)

    def _bare_files(self, connection: Connection, keys: Iterable[int]) -> list[Line]:
        """Files without a current version, of which no other is to be told either."""
        lines: list[Line] = []
        self._file = None
        for few in batched(sorted(keys)):
            rows = connection.execute(select(files).where(files.c.id.in_(few)).order_by(files.c.id)).all()
            lines += self._needs.folders(connection, {row.folder_id for row in rows})
            lines += [file_line(row.id, row.folder_id, row.name, None) for row in rows]
        return lines

    def _with_extents(self, rows: list[Row[Any]], current: Currents) -> Iterator[Line]:
        """*rows* in their order, each file's before its versions, each version's extents after it."""
        for few in batched(rows, FEW):
            yield from self._few_with_extents(few, current)

    def _few_with_extents(self, rows: list[Row[Any]], current: Currents) -> Iterator[Line]:
        with self._read() as connection:
            lying = list(connection.execute(self._extents(rows)).all())
            fit = len(lying) <= _MOST or len(rows) == 1
            lines = self._needed(connection, rows, lying) if fit else []
        if not fit:
            middle = len(rows) // 2
            yield from self._few_with_extents(rows[:middle], current)
            yield from self._few_with_extents(rows[middle:], current)
            return
        yield from lines
        yield from self._lines_of(rows, lying, current)
        while len(lying) > _MOST:
            with self._read() as connection:
                after = self._extents(rows).where(extents.c.ordinal > lying[-1].ordinal)
                lying = list(connection.execute(after).all())
                lines = self._needs.segments(connection, {row.segment_id for row in lying})
            yield from lines
            yield from map(extent_line, lying)

    def _needed(self, connection: Connection, rows: list[Row[Any]], lying: list[Row[Any]]) -> list[Line]:
        seen = {row.own_first for row in rows} | {row.own_absent for row in rows}
        return [
            *self._needs.runs(connection, seen - {None}),
            *self._needs.folders(connection, {row.folder_id for row in rows}),
            *self._needs.segments(connection, {row.segment_id for row in lying}),
        ]

    def _lines_of(self, rows: list[Row[Any]], lying: list[Row[Any]], current: Currents) -> Iterator[Line]:
        of_version: dict[int, list[Row[Any]]] = {}
        for row in lying:
            of_version.setdefault(row.version_id, []).append(row)
        for row in rows:
            if row.file_id != self._file:
                self._file = row.file_id
                self._needs.take("file", [row.file_id])
                yield file_line(row.file_id, row.folder_id, row.name, current.get(row.file_id))
            yield version_line(row, row.own_first, row.own_absent)
            yield from map(extent_line, of_version.get(row.id, ()))

    def _extents(self, rows: list[Row[Any]]) -> Select[Any]:
        """The first extents of *rows* in this vault, one more than may be held."""
        columns = extents.c
        return (
            select(extents)
            .where(columns.version_id.in_([row.id for row in rows]), columns.vault_id == self._vault_id)
            .where(columns.segment_id <= self._until.segment)
            .order_by(columns.version_id, columns.ordinal)
            .limit(_MOST + 1)
        )

    def _versions(self) -> Select[Any]:
        """The vault's versions, with their file's place. A run into another vault is told as none."""
        first = select(runs.c.id).where(runs.c.id == versions.c.first_run, runs.c.vault_id == self._vault_id)
        absent = select(runs.c.id).where(
            runs.c.id == versions.c.absent_run, runs.c.vault_id == self._vault_id
        )
        return (
            select(
                versions,
                files.c.folder_id,
                files.c.name,
                first.correlate(versions).scalar_subquery().label("own_first"),
                absent.correlate(versions).scalar_subquery().label("own_absent"),
            )
            .join(files, files.c.id == versions.c.file_id)
            .where(versions.c.id <= self._until.version, concerns(self._vault_id))
        )

    def _pages(self, own: Select[Any], key: Any) -> Iterator[list[int]]:
        """The keys that *own* finds, in order, at most PAGE at once."""
        last = 0
        while True:
            with self._read() as connection:
                page = own.where(key > last).order_by(key).limit(PAGE)
                keys = list(connection.execute(page).scalars())
            yield keys
            if len(keys) < PAGE:
                return
            last = keys[-1]


def _owners(connection: Connection, version_ids: Iterable[int]) -> set[int]:
    """The files of those versions."""
    found: set[int] = set()
    for few in batched(version_ids):
        owners = select(versions.c.file_id).where(versions.c.id.in_(few))
        found |= set(connection.execute(owners).scalars())
    return found


def _noted_keys(kind: str, since: Marks) -> Select[tuple[int]]:
    return select(changes.c.key).where(changes.c.kind == kind, changes.c.id > since.change)
