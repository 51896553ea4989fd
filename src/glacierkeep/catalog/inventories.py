"""Inventories: the service's dated lists of a vault's archives."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from glacierkeep.catalog.batches import batched, inserted_key
from glacierkeep.catalog.schema_work import inventories, listed
from glacierkeep.catalog.values import Inventory, InventoryState
from glacierkeep.clock import Clock
from glacierkeep.domain.records import Archive
from glacierkeep.domain.service import ListedArchive

AT_ONCE = 5000
"""Listed archives written by one statement, or in one short write."""


class Inventories:
    """Headers of all inventories; the lists are kept until they were reconciled."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def request(self, vault_id: int, job_key: int | None) -> int:
        """An inventory was asked for by that job (None: it needs none); its key."""
        row = {
            "vault_id": vault_id, "job_key": job_key, "state": str(InventoryState.REQUESTED),
            "requested_at": self._clock.now(),
        }  # fmt: skip
        return inserted_key(self._connection, inventories, row)

    def get(self, inventory_id: int) -> Inventory:
        """The inventory with that key. Raises KeyError."""
        row = self._connection.execute(select(inventories).where(inventories.c.id == inventory_id)).first()
        if row is None:
            raise KeyError(inventory_id)
        return _inventory(row)

    def open(self, vault_id: int) -> Inventory | None:
        """The newest inventory of that vault that is requested, or received and not reconciled; or None."""
        unsettled = inventories.c.state != InventoryState.RECONCILED
        newest = select(inventories).where(inventories.c.vault_id == vault_id, unsettled)
        row = self._connection.execute(newest.order_by(inventories.c.id.desc()).limit(1)).first()
        return _inventory(row) if row else None

    def latest(self, vault_id: int, n: int = 2, *, full: bool = True) -> list[Inventory]:
        """The *n* newest inventories of that vault by date that arrived; only full ones unless *full* is False."""
        arrived = select(inventories).where(
            inventories.c.vault_id == vault_id, inventories.c.date.is_not(None)
        )
        if full:
            arrived = arrived.where(inventories.c.full == 1)
        rows = self._connection.execute(
            arrived.order_by(inventories.c.date.desc(), inventories.c.id.desc()).limit(n)
        )
        return [_inventory(row) for row in rows]

    def receive(self, inventory_id: int, date: datetime, rows: Iterable[ListedArchive], full: bool) -> int:
        """The inventory arrived: *rows* as of *date*; how many there are.

        All in this one write; for long lists `Catalog.receive_inventory` does the same in short ones.
        An archive id listed twice counts once.
        """
        self.drop_listed(inventory_id)
        for some in batched(rows, AT_ONCE):
            self.add_listed(inventory_id, some)
        return self.arrive(inventory_id, date, full)

    def add_listed(self, inventory_id: int, rows: list[ListedArchive]) -> None:
        """Some lines of an inventory that is arriving."""
        lines = [
            {
                "inventory_id": inventory_id, "archive_id": row.archive_id, "description": row.description,
                "created_at": row.created_at, "size": row.size, "tree_hash": row.tree_hash,
            }
            for row in rows
        ]  # fmt: skip
        self._connection.execute(listed.insert().prefix_with("OR IGNORE", dialect="sqlite"), lines)

    def arrive(self, inventory_id: int, date: datetime, full: bool) -> int:
        """All its lines are there; how many."""
        sums = select(func.count(), func.coalesce(func.sum(listed.c.size), 0))
        count, size = self._connection.execute(sums.where(listed.c.inventory_id == inventory_id)).one()
        self._set(inventory_id, InventoryState.RECEIVED, date=date, full=int(full), archives=count, size=size)
        return int(count)

    def lists(self, inventory_id: int, archive: Archive) -> bool:
        """Whether one of its lines is of *archive*, with the same size and tree hash. Of those still there."""
        columns = listed.c
        same = select(columns.archive_id).where(
            columns.inventory_id == inventory_id, columns.archive_id == archive.archive_id,
            columns.size == archive.size, columns.tree_hash == archive.tree_hash,
        )  # fmt: skip
        return self._connection.execute(same).first() is not None

    def reconcile(self, inventory_id: int) -> None:
        """It was compared with the catalog and every finding written down; its lines are still there."""
        self._set(inventory_id, InventoryState.RECONCILED)

    def give_up(self, inventory_id: int) -> None:
        """Its job failed or expired: forget that it was asked for."""
        self.drop_listed(inventory_id)
        self._connection.execute(inventories.delete().where(inventories.c.id == inventory_id))

    def drop_listed(self, inventory_id: int) -> None:
        """Forget its lines; the header stays."""
        self._connection.execute(listed.delete().where(listed.c.inventory_id == inventory_id))

    def _set(self, inventory_id: int, state: InventoryState, **values: Any) -> None:
        changed = inventories.update().where(inventories.c.id == inventory_id)
        self._connection.execute(changed.values(state=str(state), **values))


def lines_after(connection: Connection, inventory_id: int, last: str, limit: int) -> Iterator[ListedArchive]:
    """At most *limit* lines whose archive id comes after *last*, by id."""
    columns = listed.c
    page = (
        select(columns.archive_id, columns.description, columns.created_at, columns.size, columns.tree_hash)
        .where(columns.inventory_id == inventory_id, columns.archive_id > last)
        .order_by(columns.archive_id)
        .limit(limit)
    )
    return (ListedArchive(*row) for row in connection.execute(page))


def _inventory(row: Row[Any]) -> Inventory:
    return Inventory(
        inventory_id=row.id,
        vault_id=row.vault_id,
        job_key=row.job_key,
        requested_at=row.requested_at,
        date=row.date,
        state=InventoryState(row.state),
        archives=row.archives,
        size=row.size,
        full=bool(row.full),
    )
