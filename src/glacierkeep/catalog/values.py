"""Values that only the catalog's callers need, beside those of the domain."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from glacierkeep.errors import GlacierkeepError


class ArchiveGone(GlacierkeepError):
    """An extent was to be added to an archive that is not present (any more), or to content the vault lacks.

    Nothing of the call was written. *keys* are the archives, empty if there is no such content at all.
    The caller sends the content again.
    """

    code = "archive-gone"

    def __init__(self, keys: tuple[int, ...]) -> None:
        super().__init__(
            "an archive that was to be relied on is no longer there", hint="run the upload again"
        )
        self.keys = keys


class InventoryState(StrEnum):
    """How far an inventory has come."""

    REQUESTED = "requested"
    RECEIVED = "received"
    RECONCILED = "reconciled"


@dataclass(frozen=True, slots=True)
class Inventory:
    """An inventory's header. *date*, *archives* and *size* (bytes) are known once it was received."""

    inventory_id: int
    vault_id: int
    job_key: int | None
    requested_at: datetime
    date: datetime | None
    state: InventoryState
    archives: int
    size: int
    full: bool


@dataclass(frozen=True, slots=True)
class NewFinding:
    """A difference to record. *archive_id* is the service's name, "" if the finding is of the whole vault."""

    kind: str
    archive_id: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A recorded difference between catalog and vault."""

    finding_id: int
    vault_id: int
    inventory_id: int | None
    kind: str
    archive_id: str
    detail: str
    found_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """Something that cost, or may have cost, money. *amount* in the tariff's currency, None if unknown."""

    entry_id: int
    vault_id: int | None
    at: datetime
    what: str
    requests: int
    bytes: int
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class PastEvent:
    """Something that happened."""

    event_id: int
    at: datetime
    kind: str
    detail: dict[str, object]


@dataclass(frozen=True, slots=True)
class FolderName:
    """A folder that holds something and has no version of its own. *path* begins with the root's label."""

    root_id: int
    path: bytes


@dataclass(frozen=True, slots=True)
class Totals:
    """*files* and *bytes* of current versions; *archives* and *stored_bytes* of present and suspect archives."""

    files: int
    bytes: int
    archives: int
    stored_bytes: int
