"""Copies of a vault's records: which were made and acknowledged, and whether anything changed since."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from glacierkeep.catalog import schema
from glacierkeep.catalog.batches import inserted_key
from glacierkeep.catalog.concerning import concerns, is_kept_in
from glacierkeep.catalog.identity import Identity
from glacierkeep.catalog.schema import archives, files, folders, runs, segments, versions
from glacierkeep.catalog.schema_work import changes, copies
from glacierkeep.clock import Clock
from glacierkeep.domain.copies import Copy, Marks
from glacierkeep.domain.records import ArchiveState

_WATCHED = (schema.archives, schema.versions, schema.files, schema.roots, schema.runs)
"""The tables whose triggers note changes of rows that are in some copy."""


class Copies:
    """The copies of all vaults, and those under way."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def begin(self, vault_id: int, set_token: str, after: Copy | None = None) -> Copy:
        """Begin a copy of the records as they are now: a full one of the set *set_token*, or what follows *after*.

        Raises ValueError if *after* is of another vault or set, or not acknowledged.
        """
        if after is not None and (after.vault_id, after.set_token) != (vault_id, set_token):
            raise ValueError("an increment follows a copy of the same vault and set")
        if after is not None and after.archive_key is None:
            raise ValueError("an increment follows an acknowledged copy")
        marks = self._marks()
        self._note_copied()
        row = {
            "vault_id": vault_id, "set_token": set_token, "idx": after.index + 1 if after else 0,
            "generation": Identity(self._connection).next_generation(),
            "after": after.generation if after else None, "until_run": marks.run,
            "until_archive": marks.archive, "until_segment": marks.segment, "until_version": marks.version,
            "until_change": marks.change, "made_at": self._clock.now(),
        }  # fmt: skip
        return self.get(inserted_key(self._connection, copies, row))

    def _marks(self) -> Marks:
        tables = (runs, archives, segments, versions, changes)
        return Marks(*(self._connection.execute(_highest(table)).scalar_one() for table in tables))

    def _note_copied(self) -> None:
        """From now on the triggers note what happens to the records there are."""
        identity = Identity(self._connection)
        for table in _WATCHED:
            highest = self._connection.execute(_highest(table)).scalar_one()
            identity.set(f"copied {table.name}", str(highest))

    def acknowledge(self, copy_id: int, archive_key: int, size: int) -> None:
        """The vault holds the copy as that archive of *size* stored bytes; older notes of changes are let go of."""
        kept = copies.update().where(copies.c.id == copy_id)
        self._connection.execute(kept.values(archive_key=archive_key, size=size))
        self._forget_changes()

    def _forget_changes(self) -> None:
        """Drop the notes that the newest copy of every vault has."""
        newest = (
            select(func.max(copies.c.until_change).label("until"))
            .where(copies.c.archive_key.is_not(None), copies.c.closed == 0)
            .group_by(copies.c.vault_id)
            .subquery()
        )
        until = self._connection.execute(select(func.min(newest.c.until))).scalar()
        self._connection.execute(changes.delete().where(changes.c.id <= (until or 0)))

    def give_up(self, copy_id: int) -> None:
        """It does not come about; one that the vault holds stays, since the notes of changes before it are gone."""
        unheld = (copies.c.id == copy_id) & copies.c.archive_key.is_(None)
        self._connection.execute(copies.delete().where(unheld))

    def drop(self, copy_id: int) -> None:
        """Its archive was let go of."""
        self._connection.execute(copies.delete().where(copies.c.id == copy_id))

    def close(self, vault_id: int) -> None:
        """No increment may follow any copy made so far: the next one will be full."""
        self._connection.execute(copies.update().where(copies.c.vault_id == vault_id).values(closed=1))

    def get(self, copy_id: int) -> Copy:
        """The copy with that key. Raises KeyError."""
        found = self._select(copies.c.id == copy_id)
        if not found:
            raise KeyError(copy_id)
        return found[0]

    def by_archive(self, archive_key: int) -> Copy | None:
        """The copy that archive holds, or None."""
        return next(iter(self._select(copies.c.archive_key == archive_key)), None)

    def all(self, vault_id: int) -> list[Copy]:
        """The vault's copies, by generation; those without an archive are under way."""
        return self._select(copies.c.vault_id == vault_id)

    def chain(self, vault_id: int) -> list[Copy]:
        """The newest acknowledged full copy and the increments after it, in order.

        Empty if there is none, it was closed, or an archive of it is not present: then the next copy is full.
        """
        held = [copy for copy in self.all(vault_id) if copy.archive_key is not None]
        newest = next((copy.set_token for copy in reversed(held) if copy.index == 0), None)
        chain = [copy for copy in held if copy.set_token == newest]
        follows = [copy.after for copy in chain] == [None, *(copy.generation for copy in chain[:-1])]
        broken = not follows or any(copy.closed for copy in chain) or not self._all_present(chain)
        return [] if broken else chain

    def _all_present(self, chain: list[Copy]) -> bool:
        keys = [copy.archive_key for copy in chain]
        there = select(func.count()).where(archives.c.id.in_(keys), archives.c.state == ArchiveState.PRESENT)
        return self._connection.execute(there).scalar_one() == len(keys)

    def has_changed(self, vault_id: int, since: Copy | None) -> bool:
        """Whether a copy made now would say anything else of what is kept in the vault than *since* did.

        Runs that saw nothing new and new inventories do not count, nor do catalog archives.
        """
        marks = since.marks if since else Marks()
        asked = (
            select(archives.c.id).where(is_kept_in(vault_id), archives.c.id > marks.archive),
            select(versions.c.id).where(versions.c.id > marks.version, concerns(vault_id)),
            _noted("archive", marks)
            .join(archives, archives.c.id == changes.c.key)
            .where(is_kept_in(vault_id)),
            _noted("version", marks).join(versions, versions.c.id == changes.c.key).where(concerns(vault_id)),
            _noted("file", marks)
            .join(versions, versions.c.file_id == changes.c.key)
            .where(concerns(vault_id)),
            _noted("root", marks)
            .join(folders, folders.c.root_id == changes.c.key)
            .join(files, files.c.folder_id == folders.c.id)
            .join(versions, versions.c.file_id == files.c.id)
            .where(concerns(vault_id)),
        )
        return any(self._connection.execute(one.limit(1)).first() is not None for one in asked)

    def _select(self, where: ColumnElement[bool]) -> list[Copy]:
        found = select(copies).where(where).order_by(copies.c.generation)
        return [_copy(row) for row in self._connection.execute(found)]


def _highest(table: Any) -> Select[Any]:
    return select(func.coalesce(func.max(table.c.id), 0))


def _noted(kind: str, marks: Marks) -> Select[Any]:
    return select(changes.c.key).where(changes.c.kind == kind, changes.c.id > marks.change)


def _copy(row: Row[Any]) -> Copy:
    marks = Marks(row.until_run, row.until_archive, row.until_segment, row.until_version, row.until_change)
    return Copy(
        copy_id=row.id,
        vault_id=row.vault_id,
        set_token=row.set_token,
        index=row.idx,
        generation=row.generation,
        after=row.after,
        marks=marks,
        made_at=row.made_at,
        archive_key=row.archive_key,
        size=row.size,
        closed=bool(row.closed),
    )
