"""The ledger: what was asked of a service that charges for it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from glacierkeep.catalog.batches import inserted_key
from glacierkeep.catalog.schema_work import ledger
from glacierkeep.catalog.values import LedgerEntry
from glacierkeep.clock import Clock


class Ledger:
    """Entries are added, never changed. Amounts are decimal, in the tariff's currency."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def add(
        self,
        vault_id: int | None,
        what: str,
        *,
        requests: int = 0,
        bytes: int = 0,
        amount: Decimal | None = None,
    ) -> int:
        """Write down what was just asked; *bytes* were sent or will be returned; its key."""
        row = {
            "vault_id": vault_id, "at": self._clock.now(), "what": what, "requests": requests, "bytes": bytes,
            "amount": None if amount is None else str(amount),
        }  # fmt: skip
        return inserted_key(self._connection, ledger, row)

    def spent(self, since: datetime, until: datetime | None = None, vault_id: int | None = None) -> Decimal:
        """The sum of the amounts from *since* up to, not including, *until* (None: now and later)."""
        amounts = _between(
            select(ledger.c.amount).where(ledger.c.amount.is_not(None)), since, until, vault_id
        )
        return sum((Decimal(amount) for amount in self._connection.execute(amounts).scalars()), Decimal(0))

    def entries(
        self,
        since: datetime,
        until: datetime | None = None,
        vault_id: int | None = None,
        *,
        limit: int = 1000,
    ) -> list[LedgerEntry]:
        """The first *limit* entries of that time, oldest first."""
        wanted = (
            _between(select(ledger), since, until, vault_id).order_by(ledger.c.at, ledger.c.id).limit(limit)
        )
        return [_entry(row) for row in self._connection.execute(wanted)]


def _between(
    wanted: Select[Any], since: datetime, until: datetime | None, vault_id: int | None
) -> Select[Any]:
    wanted = wanted.where(ledger.c.at >= since)
    if until is not None:
        wanted = wanted.where(ledger.c.at < until)
    return wanted if vault_id is None else wanted.where(ledger.c.vault_id == vault_id)


def _entry(row: Row[Any]) -> LedgerEntry:
    amount = None if row.amount is None else Decimal(row.amount)
    return LedgerEntry(row.id, row.vault_id, row.at, row.what, row.requests, row.bytes, amount)
