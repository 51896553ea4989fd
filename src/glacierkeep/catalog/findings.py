"""Findings: differences between catalog and inventory."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, select

from glacierkeep.catalog.batches import batched
from glacierkeep.catalog.schema_work import findings
from glacierkeep.catalog.values import Finding, NewFinding
from glacierkeep.clock import Clock


class Findings:
    """What reconciliation found; settled ones are kept."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def add(self, vault_id: int, inventory_id: int | None, new: Iterable[NewFinding]) -> None:
        """Write down *new*, all open."""
        now = self._clock.now()
        for some in batched(new, 1000):
            rows = [
                {
                    "vault_id": vault_id, "inventory_id": inventory_id, "kind": one.kind,
                    "archive_id": one.archive_id, "detail": one.detail, "found_at": now,
                }
                for one in some
            ]  # fmt: skip
            self._connection.execute(findings.insert(), rows)

    def open(self, vault_id: int, limit: int = 1000) -> list[Finding]:
        """The oldest *limit* findings of that vault that are not settled."""
        unsettled = select(findings).where(findings.c.vault_id == vault_id, findings.c.settled_at.is_(None))
        rows = self._connection.execute(unsettled.order_by(findings.c.id).limit(limit))
        return [_finding(row) for row in rows]

    def settle(self, finding_ids: Iterable[int]) -> None:
        """They were repaired, or a person said what to think of them."""
        now = self._clock.now()
        for few in batched(finding_ids):
            self._connection.execute(findings.update().where(findings.c.id.in_(few)).values(settled_at=now))

    def replace(self, vault_id: int, inventory_id: int | None, new: Iterable[NewFinding]) -> None:
        """A newer inventory was reconciled: the open findings of that vault are *new* and no others."""
        unsettled = (findings.c.vault_id == vault_id) & findings.c.settled_at.is_(None)
        self._connection.execute(findings.update().where(unsettled).values(settled_at=self._clock.now()))
        self.add(vault_id, inventory_id, new)


def _finding(row: Row[Any]) -> Finding:
    return Finding(
        row.id,
        row.vault_id,
        row.inventory_id,
        row.kind,
        row.archive_id,
        row.detail,
        row.found_at,
        row.settled_at,
    )
