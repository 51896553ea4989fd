"""What happened, for later reading."""

import json
from collections.abc import Mapping

from sqlalchemy import Connection, select

from glacierkeep.catalog.batches import inserted_key
from glacierkeep.catalog.schema_work import events
from glacierkeep.catalog.values import PastEvent
from glacierkeep.clock import Clock


class Events:
    """Events that are worth keeping; added, never changed."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def add(self, kind: str, detail: Mapping[str, object] | None = None) -> int:
        """Something happened now; *detail* is what JSON can hold. Its key."""
        text = json.dumps(dict(detail or {}), ensure_ascii=True, sort_keys=True)
        return inserted_key(self._connection, events, {"at": self._clock.now(), "kind": kind, "detail": text})

    def latest(self, limit: int = 100, kind: str | None = None) -> list[PastEvent]:
        """The newest *limit* events, of that kind if given, newest first."""
        wanted = select(events).order_by(events.c.id.desc()).limit(limit)
        if kind is not None:
            wanted = wanted.where(events.c.kind == kind)
        rows = self._connection.execute(wanted)
        return [PastEvent(row.id, row.at, row.kind, json.loads(row.detail)) for row in rows]
