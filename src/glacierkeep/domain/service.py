"""What a store tells of its vault: frozen records, the service's own times."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from glacierkeep.domain.parts import ByteRange


class Tier(StrEnum):
    """How fast a job is, and how dear."""

    EXPEDITED = "Expedited"
    STANDARD = "Standard"
    BULK = "Bulk"


class JobAction(StrEnum):
    """What a job brings."""

    ARCHIVE = "archive"
    INVENTORY = "inventory"


class JobState(StrEnum):
    """Where a job is with the service."""

    WORKING = "working"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class VaultState:
    """DescribeVault. Counts and bytes are as of *inventory_date*, None before the first inventory."""

    name: str
    created_at: datetime
    inventory_date: datetime | None
    archives: int
    size: int


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """A multipart upload that is not yet an archive."""

    upload_id: str
    description: str
    part_size: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SentPart:
    """A part the service has."""

    range: ByteRange
    tree_hash: bytes


@dataclass(frozen=True, slots=True)
class JobStatus:
    """DescribeJob. *range* is of the archive; *size* is of the output, if told; *tree_hash* of the archive's
    range, if told; *description* ours."""

    job_id: str
    action: JobAction
    state: JobState
    created_at: datetime
    completed_at: datetime | None
    archive_id: str | None = None
    range: ByteRange | None = None
    size: int | None = None
    tree_hash: bytes | None = None
    tier: Tier | None = None
    description: str = ""
    message: str = ""
    filtered: bool = False


@dataclass(frozen=True, slots=True)
class ListedArchive:
    """A line of an inventory."""

    archive_id: str
    description: str
    created_at: datetime
    size: int
    tree_hash: bytes
