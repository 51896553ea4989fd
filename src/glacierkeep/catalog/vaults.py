"""Vaults, by address."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, exists, select

from glacierkeep.catalog import schema
from glacierkeep.catalog.batches import inserted_key
from glacierkeep.catalog.schema import archives, vaults
from glacierkeep.catalog.schema_work import (
    copies,
    findings,
    inventories,
    jobs,
    ledger,
    rebuilds,
    retrievals,
    uploads,
    volume_sets,
)
from glacierkeep.clock import Clock
from glacierkeep.domain.records import Vault


class Vaults:
    """The vaults this catalog knows."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def remember(self, address: str) -> Vault:
        """The vault at *address*, added if it is new."""
        known = self.get(address)
        if known is not None:
            return known
        row = {"address": address, "created_at": self._clock.now()}
        return self.by_id(inserted_key(self._connection, vaults, row))

    def get(self, address: str) -> Vault | None:
        """The vault at *address*, or None."""
        row = self._connection.execute(select(vaults).where(vaults.c.address == address)).first()
        return _vault(row) if row else None

    def by_id(self, vault_id: int) -> Vault:
        """The vault with that key. Raises KeyError."""
        row = self._connection.execute(select(vaults).where(vaults.c.id == vault_id)).first()
        if row is None:
            raise KeyError(vault_id)
        return _vault(row)

    def all(self) -> list[Vault]:
        """Every vault, by address."""
        return [_vault(row) for row in self._connection.execute(select(vaults).order_by(vaults.c.address))]

    def note_inventory(self, vault_id: int, date: datetime) -> None:
        """A full inventory of *date* was reconciled. An older one than the last changes nothing."""
        newer = (vaults.c.inventory_date.is_(None)) | (vaults.c.inventory_date < date)
        changed = vaults.update().where(vaults.c.id == vault_id, newer).values(inventory_date=date)
        self._connection.execute(changed)

    def forget(self, vault_id: int) -> None:
        """Drop a vault that never held anything we recorded. Raises ValueError if any record still speaks of it."""
        under_way = (uploads, volume_sets, jobs, retrievals, copies, rebuilds)
        for table in (archives, schema.runs, inventories, findings, ledger, *under_way):
            if self._connection.execute(select(exists().where(table.c.vault_id == vault_id))).scalar_one():
                raise ValueError(f"the catalog still has {table.name} of this vault")
        self._connection.execute(vaults.delete().where(vaults.c.id == vault_id))


def _vault(row: Row[Any]) -> Vault:
    return Vault(row.id, row.address, row.created_at, row.inventory_date)
