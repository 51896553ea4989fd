"""The catalog: what is kept, where, how surely. The only place that knows SQLAlchemy and Alembic."""

from glacierkeep.catalog.catalog import Catalog
from glacierkeep.catalog.known import KnownNames
from glacierkeep.catalog.records import Records
from glacierkeep.catalog.values import (
    ArchiveGone,
    Finding,
    FolderName,
    Inventory,
    InventoryState,
    LedgerEntry,
    NewFinding,
    PastEvent,
    Totals,
)

__all__ = [
    "ArchiveGone",
    "Catalog",
    "Finding",
    "FolderName",
    "Inventory",
    "InventoryState",
    "KnownNames",
    "LedgerEntry",
    "NewFinding",
    "PastEvent",
    "Records",
    "Totals",
]
