"""Archives: what a vault holds, how surely, and which of them nothing needs."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, literal, select, update

from glacierkeep.catalog.batches import batched, insert_rows, inserted_key
from glacierkeep.catalog.columns import Moment
from glacierkeep.catalog.schema import archives, extents, segments, vaults, versions
from glacierkeep.catalog.schema_work import retrieval_archives, volumes
from glacierkeep.clock import Clock
from glacierkeep.domain.description import ArchiveKind
from glacierkeep.domain.records import Archive, ArchiveState, NewArchive
from glacierkeep.domain.segments import Codec, SealKind, Segment

_KEPT = (ArchiveState.PRESENT, ArchiveState.SUSPECT)


class Archives:
    """The archives of all vaults. A key is ours, an id is the service's."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def acknowledge(self, new: NewArchive, segments: Sequence[Segment] | None = None) -> int:
        """Record an archive the service has acknowledged, with its segments (one plain one of the whole if None).

        One that is known already keeps its key, state and segments and gains what was not known (token, MD5,
        part size; a foreign one its kind). Raises ValueError if size or tree hash contradict what is recorded.
        """
        known = self.by_archive_id(new.vault_id, new.archive_id)
        if known is not None:
            return self._complete(known, new)
        key = inserted_key(self._connection, archives, _row(new, self._clock.now()))
        self._insert_segments(key, segments or [Segment(0, new.size, new.size)])
        return key

    def _complete(self, known: Archive, new: NewArchive) -> int:
        if (known.size, known.tree_hash) != (new.size, new.tree_hash):
            raise ValueError(f"archive {new.archive_id} is recorded with another size or tree hash")
        gained = {
            "token": known.token or new.token,
            "md5": known.md5 or new.md5,
            "part_size": known.part_size or new.part_size,
            "kind": new.kind if known.kind == "foreign" else known.kind,
        }
        self._connection.execute(update(archives).where(archives.c.id == known.archive_key).values(gained))
        return known.archive_key

    def _insert_segments(self, key: int, new: Sequence[Segment]) -> None:
        rows = [(key, at, *astuple(one)) for at, one in enumerate(new)]
        columns = ("archive_key", "idx", *(field.name for field in fields(Segment)))
        insert_rows(self._connection, segments, columns, rows)

    def segments(self, key: int) -> list[Segment]:
        """The archive's segments, in order of index."""
        columns = segments.c
        own = select(
            columns.stored_offset, columns.stored_length, columns.plain_length, columns.codec, columns.seal,
            columns.hash,
        )  # fmt: skip
        rows = self._connection.execute(own.where(columns.archive_key == key).order_by(columns.idx))
        return [Segment(*row[:3], Codec(row.codec), SealKind(row.seal), row.hash) for row in rows]

    def get(self, key: int) -> Archive:
        """The archive with that key. Raises KeyError."""
        found = self._select(archives.c.id == key)
        if not found:
            raise KeyError(key)
        return found[0]

    def many(self, keys: Iterable[int]) -> dict[int, Archive]:
        """The archives with those keys."""
        found: dict[int, Archive] = {}
        for few in batched(keys):
            found |= {archive.archive_key: archive for archive in self._select(archives.c.id.in_(few))}
        return found

    def by_archive_id(self, vault_id: int, archive_id: str) -> Archive | None:
        """The archive the service calls so in that vault, or None."""
        return next(
            iter(self._select((archives.c.vault_id == vault_id) & (archives.c.archive_id == archive_id))),
            None,
        )

    def by_token(self, vault_id: int, token: str) -> Archive | None:
        """The archive with that token in that vault, or None; a present one first."""
        found = self._select((archives.c.vault_id == vault_id) & (archives.c.token == token))
        return min(found, key=lambda archive: archive.state is not ArchiveState.PRESENT, default=None)

    def with_content(self, vault_id: int, size: int, tree_hash: bytes) -> list[Archive]:
        """The vault's archives of that content, in any state."""
        alike = (archives.c.tree_hash == tree_hash) & (archives.c.size == size)
        return self._select(alike & (archives.c.vault_id == vault_id))

    def any_sealed(self, vault_id: int) -> bool:
        """Whether an archive that is kept in the vault is sealed."""
        kept = archives.c.state != ArchiveState.DELETED
        wanted = (archives.c.vault_id == vault_id) & (archives.c.kind == ArchiveKind.SEALED) & kept
        return self._connection.execute(select(archives.c.id).where(wanted).limit(1)).first() is not None

    def find_id(self, archive_id: str) -> list[Archive]:
        """The archives of that id in any vault; if there are none, those whose id begins so, at most 20."""
        somewhere = archives.c.vault_id.in_(select(vaults.c.id))
        exact = self._select(somewhere & (archives.c.archive_id == archive_id))
        if exact or not archive_id:
            return exact
        begins = (archives.c.archive_id >= archive_id) & (archives.c.archive_id < archive_id + "\U0010ffff")
        rows = self._connection.execute(select(archives).where(somewhere, begins).limit(20))
        return [read_archive(row) for row in rows]

    def unneeded(self, keys: Iterable[int]) -> list[int]:
        """Which of *keys*, present or suspect, no live version has an extent in, and no set under way a volume.

        A version lives until it is retired: what is gone from disk or superseded still keeps its archive.
        Archives without any extents (catalog archives, unread foreign ones) count as unneeded.
        """
        return [key for few in batched(keys) for key in self._connection.execute(_unneeded(few)).scalars()]

    def begin_deletion(self, keys: Iterable[int]) -> list[int]:
        """Those of *keys* that are unneeded, now in state deleting: nothing can refer to them any more."""
        free = self.unneeded(keys)
        self.mark(free, ArchiveState.DELETING)
        return free

    def deleting(self, vault_id: int | None = None) -> list[Archive]:
        """Archives whose deletion was begun and is not known to be done, of that vault or of all."""
        places = select(vaults.c.id)
        if vault_id is not None:
            places = places.where(vaults.c.id == vault_id)
        return self._select(archives.c.vault_id.in_(places) & (archives.c.state == ArchiveState.DELETING))

    def mark(self, keys: Iterable[int], state: ArchiveState) -> None:
        """Set the state of *keys*."""
        self._change(keys, {"state": str(state)})

    def note_rehashed(self, key: int, at: datetime) -> None:
        """The service hashed the stored bytes anew at that time, and agreed."""
        self._change([key], {"rehashed_at": at})

    def note_retrieved(self, key: int, at: datetime) -> None:
        """The whole archive was downloaded at that time, and agreed."""
        self._change([key], {"retrieved_at": at})

    def note_absent(self, keys: Iterable[int], date: datetime) -> None:
        """A full inventory of *date* should have listed them and did not; the first such date stays."""
        self._change(keys, {"absent_since": func.coalesce(archives.c.absent_since, literal(date, Moment))})

    def note_seen(self, keys: Iterable[int]) -> None:
        """An inventory lists them (again)."""
        self._change(keys, {"absent_since": None})

    def _change(self, keys: Iterable[int], values: dict[str, Any]) -> None:
        for few in batched(keys):
            self._connection.execute(update(archives).where(archives.c.id.in_(few)).values(values))

    def holding(self, version_ids: Iterable[int]) -> set[int]:
        """The archives, of any vault and state, in which *version_ids* have extents."""
        found: set[int] = set()
        for few in batched(version_ids):
            where = (
                select(segments.c.archive_key)
                .distinct()
                .join(extents, extents.c.segment_id == segments.c.id)
                .where(extents.c.version_id.in_(few))
            )
            found |= set(self._connection.execute(where).scalars())
        return found

    def live_bytes(self, key: int) -> tuple[int, int]:
        """Bytes that live versions have in the archive, shared ones counted once; and how many versions."""
        live = (segments.c.archive_key == key) & versions.c.retired_at.is_(None)
        uses = (
            select(extents.c.segment_id, extents.c.offset, extents.c.length).select_from(_uses()).where(live)
        )
        length = select(func.coalesce(func.sum(uses.distinct().subquery().c.length), 0))
        count = select(func.count(versions.c.id.distinct())).select_from(_uses()).where(live)
        return int(self._connection.execute(length).scalar_one()), int(
            self._connection.execute(count).scalar_one()
        )

    def move_extents(self, from_key: int, to_key: int) -> int:
        """Everything that lies in one archive lies in its duplicate instead; the number of extents moved.

        Raises ValueError unless both are of one vault, with equal tree hashes and segments, and the second present.
        """
        old, new = self.get(from_key), self.get(to_key)
        alike = (old.vault_id, old.size, old.tree_hash) == (new.vault_id, new.size, new.tree_hash)
        if (
            not alike
            or new.state is not ArchiveState.PRESENT
            or self.segments(from_key) != self.segments(to_key)
        ):
            raise ValueError("these archives are not duplicates")
        twin = segments.alias()
        same = (
            select(twin.c.id)
            .join(segments, segments.c.idx == twin.c.idx)
            .where(twin.c.archive_key == to_key, segments.c.id == extents.c.segment_id)
            .correlate(extents)
            .scalar_subquery()
        )
        of_old = extents.c.segment_id.in_(select(segments.c.id).where(segments.c.archive_key == from_key))
        moved = self._connection.execute(update(extents).where(of_old).values(segment_id=same)).rowcount
        self._move_wishes(from_key, to_key)
        return moved

    def _move_wishes(self, from_key: int, to_key: int) -> None:
        needs = select(retrieval_archives.c.retrieval_id).where(retrieval_archives.c.archive_key == from_key)
        for retrieval_id in list(self._connection.execute(needs).scalars()):
            row = {"retrieval_id": retrieval_id, "archive_key": to_key}
            add = retrieval_archives.insert().prefix_with("OR IGNORE", dialect="sqlite")
            self._connection.execute(add, row)

    def _select(self, where: ColumnElement[bool]) -> list[Archive]:
        found = select(archives).where(where).order_by(archives.c.vault_id, archives.c.archive_id)
        return [read_archive(row) for row in self._connection.execute(found)]


def _uses() -> Any:
    used = segments.join(extents, extents.c.segment_id == segments.c.id)
    return used.join(versions, versions.c.id == extents.c.version_id)


def _unneeded(keys: list[int]) -> Any:
    needed = (
        select(versions.c.id)
        .select_from(_uses())
        .where(segments.c.archive_key == archives.c.id, versions.c.retired_at.is_(None))
        .correlate(archives)
        .exists()
    )
    under_way = (
        select(volumes.c.idx).where(volumes.c.archive_key == archives.c.id).correlate(archives).exists()
    )
    kept = archives.c.id.in_(keys) & archives.c.state.in_(_KEPT)
    return select(archives.c.id).where(kept, ~needed, ~under_way)


def _row(new: NewArchive, now: datetime) -> dict[str, Any]:
    return {
        "vault_id": new.vault_id,
        "archive_id": new.archive_id,
        "token": new.token,
        "kind": new.kind,
        "state": str(ArchiveState.PRESENT),
        "size": new.size,
        "tree_hash": new.tree_hash,
        "md5": new.md5,
        "description": new.description,
        "created_at": new.created_at,
        "part_size": new.part_size,
        "acknowledged_at": now,
    }


def read_archive(row: Row[Any]) -> Archive:
    """The record of a row of archives."""
    return Archive(
        archive_key=row.id,
        vault_id=row.vault_id,
        archive_id=row.archive_id,
        kind=row.kind,
        state=ArchiveState(row.state),
        size=row.size,
        tree_hash=row.tree_hash,
        description=row.description,
        created_at=row.created_at,
        md5=row.md5,
        token=row.token,
        part_size=row.part_size,
        rehashed_at=row.rehashed_at,
        retrieved_at=row.retrieved_at,
        absent_since=row.absent_since,
    )
