"""Runs: one pass over a root into a vault."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from glacierkeep.catalog.batches import inserted_key
from glacierkeep.catalog.schema import runs
from glacierkeep.clock import Clock


class Runs:
    """When which root was gone through, and whether wholly."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def start(self, root_id: int, vault_id: int) -> int:
        """A run begins now; its key."""
        row = {"root_id": root_id, "vault_id": vault_id, "started_at": self._clock.now()}
        return inserted_key(self._connection, runs, row)

    def finish(self, run_id: int, *, complete: bool) -> None:
        """The run ended now; *complete* says that everything below the root was seen."""
        ended = {"ended_at": self._clock.now(), "complete": int(complete)}
        self._connection.execute(runs.update().where(runs.c.id == run_id).values(ended))

    def started(self, run_id: int) -> datetime:
        """When the run began. Raises KeyError."""
        found = select(runs.c.started_at).where(runs.c.id == run_id)
        began: datetime | None = self._connection.execute(found).scalar()
        if began is None:
            raise KeyError(run_id)
        return began

    def last_complete(self, root_id: int, vault_id: int) -> datetime | None:
        """When the last complete run of that root into that vault began, or None."""
        newest = select(func.max(runs.c.started_at)).where(
            runs.c.root_id == root_id, runs.c.vault_id == vault_id, runs.c.complete == 1
        )
        return self._connection.execute(newest).scalar()
