"""Rebuilds: the wish to have a vault's records back from the vault, from its inventory to the last copy."""

from typing import Any

from sqlalchemy import Connection, Row, select

from glacierkeep.catalog.batches import inserted_key
from glacierkeep.catalog.schema_work import rebuilds
from glacierkeep.clock import Clock
from glacierkeep.domain.records import Rebuild, RebuildState


class Rebuilds:
    """One open rebuild per vault, at most; finished ones are kept."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def begin(self, vault_id: int, inventory_id: int | None) -> int:
        """The vault's records are to be rebuilt, as that inventory lists its copies; the key. Raises ValueError."""
        if self.open(vault_id):
            raise ValueError("a rebuild of this vault is under way")
        row = {
            "vault_id": vault_id, "inventory_id": inventory_id, "state": str(RebuildState.LISTING),
            "began_at": self._clock.now(),
        }  # fmt: skip
        return inserted_key(self._connection, rebuilds, row)

    def choose(self, rebuild_id: int, set_token: str, inventory_id: int) -> None:
        """The copies of that set are to be brought, which that inventory lists."""
        self._set(
            rebuild_id, set_token=set_token, inventory_id=inventory_id, state=str(RebuildState.BRINGING)
        )

    def finish(self, rebuild_id: int, state: RebuildState = RebuildState.DONE) -> None:
        """It ended, in *state*."""
        self._set(rebuild_id, state=str(state), finished_at=self._clock.now())

    def get(self, rebuild_id: int) -> Rebuild:
        """The rebuild with that key. Raises KeyError."""
        row = self._connection.execute(select(rebuilds).where(rebuilds.c.id == rebuild_id)).first()
        if row is None:
            raise KeyError(rebuild_id)
        return _rebuild(row)

    def open(self, vault_id: int | None = None) -> list[Rebuild]:
        """Those that are under way, of that vault or of all, oldest first."""
        wanted = select(rebuilds).where(rebuilds.c.finished_at.is_(None)).order_by(rebuilds.c.id)
        if vault_id is not None:
            wanted = wanted.where(rebuilds.c.vault_id == vault_id)
        return [_rebuild(row) for row in self._connection.execute(wanted)]

    def _set(self, rebuild_id: int, **values: Any) -> None:
        self._connection.execute(rebuilds.update().where(rebuilds.c.id == rebuild_id).values(values))


def _rebuild(row: Row[Any]) -> Rebuild:
    state = RebuildState(row.state)
    return Rebuild(
        row.id, row.vault_id, row.inventory_id, row.set_token, state, row.began_at, row.finished_at
    )
