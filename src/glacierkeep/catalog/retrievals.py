"""Retrievals: wishes to have files back, and how far each version has come."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select

from glacierkeep.catalog.batches import PAGE, batched, inserted_key
from glacierkeep.catalog.schema import extents, segments
from glacierkeep.catalog.schema_work import (
    retrieval_archives,
    retrieval_arrivals,
    retrieval_items,
    retrieval_jobs,
    retrievals,
)
from glacierkeep.clock import Clock
from glacierkeep.domain.records import ItemState, Retrieval
from glacierkeep.domain.service import Tier

_SETTLE = (
    retrieval_items.update()
    .where(
        retrieval_items.c.retrieval_id == bindparam("retrieval"),
        retrieval_items.c.version_id == bindparam("version"),
    )
    .values(state=bindparam("now"), reason=bindparam("why"))
)


class Retrievals:
    """All retrievals; the long lists of their items are read page by page through the catalog."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def create(
        self, vault_id: int, target: bytes, overwrite: bool, tier: Tier, version_ids: Iterable[int]
    ) -> int:
        """A wish to have *version_ids* back from that vault into *target*; its key.

        Every version begins as waiting, also one that has no extents in the vault; said twice, it counts once.
        """
        row = {
            "vault_id": vault_id, "target": target, "overwrite": int(overwrite), "tier": str(tier),
            "created_at": self._clock.now(),
        }  # fmt: skip
        key = inserted_key(self._connection, retrievals, row)
        for some in batched(version_ids, PAGE):
            items = [
                {"retrieval_id": key, "version_id": version_id, "state": str(ItemState.WAITING)}
                for version_id in some
            ]
            self._connection.execute(
                retrieval_items.insert().prefix_with("OR IGNORE", dialect="sqlite"), items
            )
        self._note_archives(key, vault_id)
        return key

    def _note_archives(self, key: int, vault_id: int) -> None:
        needed = (
            select(retrieval_items.c.retrieval_id, segments.c.archive_key)
            .distinct()
            .join(extents, extents.c.version_id == retrieval_items.c.version_id)
            .join(segments, segments.c.id == extents.c.segment_id)
            .where(retrieval_items.c.retrieval_id == key, extents.c.vault_id == vault_id)
        )
        columns = ["retrieval_id", "archive_key"]
        self._connection.execute(retrieval_archives.insert().from_select(columns, needed))

    def link(self, retrieval_id: int, job_key: int) -> None:
        """The retrieval also waits for that job; said twice, it counts once."""
        row = {"retrieval_id": retrieval_id, "job_key": job_key}
        self._connection.execute(retrieval_jobs.insert().prefix_with("OR IGNORE", dialect="sqlite"), row)

    def get(self, retrieval_id: int) -> Retrieval:
        """The retrieval with that key. Raises KeyError."""
        row = self._connection.execute(select(retrievals).where(retrievals.c.id == retrieval_id)).first()
        if row is None:
            raise KeyError(retrieval_id)
        return self._retrieval(row)

    def open(self) -> list[Retrieval]:
        """Retrievals that are not finished, oldest first."""
        unfinished = select(retrievals).where(retrievals.c.finished_at.is_(None)).order_by(retrievals.c.id)
        return [self._retrieval(row) for row in self._connection.execute(unfinished).all()]

    def all(self, limit: int = 100) -> list[Retrieval]:
        """The newest *limit* retrievals, newest first."""
        newest = select(retrievals).order_by(retrievals.c.id.desc()).limit(limit)
        return [self._retrieval(row) for row in self._connection.execute(newest).all()]

    def for_job(self, job_key: int) -> list[int]:
        """The retrievals that wait for that job."""
        linked = select(retrieval_jobs.c.retrieval_id).where(retrieval_jobs.c.job_key == job_key)
        return list(self._connection.execute(linked).scalars())

    def settle(self, retrieval_id: int, version_id: int, state: ItemState, reason: str = "") -> None:
        """That version was placed, skipped or failed, or waits again; *reason* says why."""
        self.settle_all(retrieval_id, [(version_id, state, reason)])

    def settle_all(self, retrieval_id: int, settled: Sequence[tuple[int, ItemState, str]]) -> None:
        """As settle, for many versions, each with its state and reason."""
        rows = [
            {"retrieval": retrieval_id, "version": version_id, "now": str(state), "why": reason}
            for version_id, state, reason in settled
        ]
        if rows:
            self._connection.execute(_SETTLE, rows)

    def note_arrival(self, retrieval_id: int, version_id: int, archive_key: int) -> None:
        """The bytes of the version that lie in that archive are on this disk; said twice, it counts once."""
        row = {"retrieval_id": retrieval_id, "version_id": version_id, "archive_key": archive_key}
        self._connection.execute(retrieval_arrivals.insert().prefix_with("OR IGNORE", dialect="sqlite"), row)

    def arrivals(self, retrieval_id: int) -> set[tuple[int, int]]:
        """Which versions' bytes in which archives are on this disk, of those that lie in several."""
        own = select(retrieval_arrivals.c.version_id, retrieval_arrivals.c.archive_key)
        rows = self._connection.execute(own.where(retrieval_arrivals.c.retrieval_id == retrieval_id))
        return {(row[0], row[1]) for row in rows}

    def finish(self, retrieval_id: int) -> None:
        """Nothing is to be done for it any more."""
        arrived = retrieval_arrivals.c.retrieval_id == retrieval_id
        self._connection.execute(retrieval_arrivals.delete().where(arrived))
        ended = retrievals.update().where(retrievals.c.id == retrieval_id)
        self._connection.execute(ended.values(finished_at=self._clock.now()))

    def _retrieval(self, row: Row[Any]) -> Retrieval:
        columns = retrieval_items.c
        counted = (
            select(columns.state, func.count()).where(columns.retrieval_id == row.id).group_by(columns.state)
        )
        count: dict[str, int] = {row[0]: row[1] for row in self._connection.execute(counted)}
        return Retrieval(
            retrieval_id=row.id,
            vault_id=row.vault_id,
            target=row.target,
            overwrite=bool(row.overwrite),
            tier=Tier(row.tier),
            created_at=row.created_at,
            finished_at=row.finished_at,
            waiting=count.get(ItemState.WAITING, 0),
            placed=count.get(ItemState.PLACED, 0),
            skipped=count.get(ItemState.SKIPPED, 0),
            failed=count.get(ItemState.FAILED, 0),
        )
