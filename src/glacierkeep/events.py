"""Everything that can happen, as frozen records told to a listener. Byte counts are totals so far, in bytes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened."""


Listener: TypeAlias = Callable[[Event], None]


def nobody(event: Event) -> None:
    """The listener that listens to nothing."""


@dataclass(frozen=True, slots=True)
class Noted(Event):
    """Something a person should know; nothing is wrong. *code* is stable."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Retrying(Event):
    """A request to *vault* failed, for *reason*; it is made again in *seconds*, and given up if it still fails after
    *left* seconds. *failed*: so many times in a row."""

    vault: str
    code: str
    reason: str
    failed: int
    seconds: float
    left: float


@dataclass(frozen=True, slots=True)
class Trouble(Event):
    """Something was not done; the rest goes on. *path* is what it is about, *code* the error's."""

    path: bytes
    code: str
    sentence: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped(Event):
    """A path was left out because no archive can hold it: a FIFO, socket or device. Nothing is wrong."""

    path: bytes
    sentence: str


@dataclass(frozen=True, slots=True)
class FolderScanned(Event):
    """A folder was read and compared."""

    files: int
    changed: int


@dataclass(frozen=True, slots=True)
class UploadPlanned(Event):
    """What is about to be sent: *files* of *size* bytes."""

    files: int
    size: int


@dataclass(frozen=True, slots=True)
class BytesSent(Event):
    """*sent* bytes of *name* (of *size*) are with the service; *total* in this run."""

    name: bytes
    sent: int
    size: int
    total: int


@dataclass(frozen=True, slots=True)
class BytesLeaving(Event):
    """*leaving* bytes of parts of *name* have left and are not acknowledged yet; *total* of all archives under way."""

    name: bytes
    leaving: int
    total: int


@dataclass(frozen=True, slots=True)
class ArchiveStored(Event):
    """The service acknowledged an archive."""

    vault: str
    archive_id: str
    kind: str
    size: int
    files: int
    description: str


@dataclass(frozen=True, slots=True)
class UploadResumed(Event):
    """An upload that was broken off is being finished; *sent* bytes of *size* are there already."""

    name: bytes
    sent: int
    size: int


@dataclass(frozen=True, slots=True)
class JobRequested(Event):
    """A job was started. *size* in bytes, 0 for an inventory."""

    vault: str
    job_id: str
    action: str
    size: int
    tier: str


@dataclass(frozen=True, slots=True)
class JobMoved(Event):
    """A job's state changed."""

    vault: str
    job_id: str
    action: str
    state: str
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BytesReceived(Event):
    """*received* bytes of a job's *size* are on this disk; *total* in this run."""

    job_id: str
    received: int
    size: int
    total: int


@dataclass(frozen=True, slots=True)
class FilePlaced(Event):
    """A file got its final name; *path* as archived."""

    path: bytes
    size: int


@dataclass(frozen=True, slots=True)
class FileKept(Event):
    """A file was there already and was left alone; *same* tells whether it has the wanted content."""

    path: bytes
    same: bool


@dataclass(frozen=True, slots=True)
class FindingMade(Event):
    """One difference between records and vault, or records and disk."""

    kind: str
    name: str
    sentence: str
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArchiveDeleted(Event):
    """An archive was deleted from its vault."""

    vault: str
    archive_id: str
    size: int


@dataclass(frozen=True, slots=True)
class RequestAnswered(Event):
    """The local Glacier answered a request. *status* 0: it reset the connection instead. *operation* None: none was
    meant; *error* is the code of a refusal."""

    method: str
    path: str
    status: int
    operation: str | None
    error: str | None
    seconds: float
