"""What the catalog gives out and takes in: frozen records. Keys (`…_id: int`) are the catalog's own.

`archive_id: str` is the service's opaque name of an archive. Paths are bytes. Hashes are raw digests.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from glacierkeep.domain.files import FileKind
from glacierkeep.domain.hashes import Hashes
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.service import JobAction, Tier


class ArchiveState(StrEnum):
    """What is believed of an archive in its vault."""

    PRESENT = "present"
    SUSPECT = "suspect"
    LOST = "lost"
    DELETING = "deleting"
    DELETED = "deleted"


class UploadState(StrEnum):
    """How far the sending of one archive has come.

    STAGING: its bytes are being made in staging. INTENDED: all is known, the service not yet asked.
    OPEN: the service gave an upload id. COMPLETING: every part is there, Complete was asked.
    SENDING: a single request is under way. UNCERTAIN: its answer was lost for good; an inventory will tell.
    """

    STAGING = "staging"
    INTENDED = "intended"
    OPEN = "open"
    COMPLETING = "completing"
    SENDING = "sending"
    UNCERTAIN = "uncertain"


class ItemState(StrEnum):
    """How far one version of a retrieval has come."""

    WAITING = "waiting"
    PLACED = "placed"
    SKIPPED = "skipped"
    FAILED = "failed"


class JobProgress(StrEnum):
    """How far one of our jobs has come. INTENDED: written down, the service's answer not yet known."""

    INTENDED = "intended"
    REQUESTED = "requested"
    READY = "ready"
    COLLECTED = "collected"
    FAILED = "failed"
    EXPIRED = "expired"


class RebuildState(StrEnum):
    """How far the rebuilding of a vault's records has come. LISTING: an inventory is to tell which copies there are."""

    LISTING = "listing"
    BRINGING = "bringing"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Vault:
    """A vault the catalog knows. *inventory_date*: of the newest full inventory that was reconciled."""

    vault_id: int
    address: str
    created_at: datetime
    inventory_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Root:
    """A folder given to `gk upload`: *path* on the machine called *host*."""

    root_id: int
    label: str
    host: str
    path: bytes


@dataclass(frozen=True, slots=True)
class Archive:
    """*kind* is file, bundle, sealed, catalog or foreign; *token* None for other tools' archives."""

    archive_key: int
    vault_id: int
    archive_id: str
    kind: str
    state: ArchiveState
    size: int
    tree_hash: bytes
    description: str
    created_at: datetime
    md5: bytes | None = None
    token: str | None = None
    part_size: int | None = None
    rehashed_at: datetime | None = None
    retrieved_at: datetime | None = None
    absent_since: datetime | None = None
    """The date of the first full inventory that should have listed it and did not."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the catalog knows of one name in a folder, for comparing with the disk.

    *stored* says whether the version lies wholly in trusted archives of the vault in question.
    """

    version_id: int
    kind: FileKind
    size: int
    mtime_ns: int
    mode: int
    inode: int
    target: bytes | None
    stored: bool


class Piece(NamedTuple):
    """Where bytes of a version are to be found: an extent before it has a version.

    Bytes *offset* to *offset + length* of the plain content of segment *segment* (index) of the archive;
    they are the version's bytes from *version_offset* on. A length of 0 marks the member's place. *archive_key* None
    means the archive that is being recorded.
    """

    offset: int
    length: int
    version_offset: int = 0
    segment: int = 0
    archive_key: int | None = None


class NewVersion(NamedTuple):
    """A version to record. *path* is relative to the root.

    Its content lies either in *pieces* of the archive that is being recorded, or where the content of
    *same_as* (a version id) or of the path *same_as_path* of the same root lies; both may be given.
    """

    path: bytes
    kind: FileKind
    size: int
    mtime_ns: int
    mode: int
    inode: int
    hashes: Hashes | None
    target: bytes | None = None
    pieces: tuple[Piece, ...] = ()
    same_as: int | None = None
    same_as_path: bytes | None = None


@dataclass(frozen=True, slots=True)
class NewArchive:
    """An acknowledged archive to record. A plain one has one segment of its whole size."""

    vault_id: int
    archive_id: str
    kind: str
    size: int
    md5: bytes | None
    tree_hash: bytes
    description: str
    token: str | None
    part_size: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one path. *path* begins with the root's label."""

    version_id: int
    file_id: int
    root_id: int
    path: bytes
    kind: FileKind
    size: int
    mtime_ns: int
    mode: int
    md5: bytes | None
    tree_hash: bytes | None
    target: bytes | None
    first_seen: datetime
    gone_at: datetime | None = None
    """When a complete run found it gone."""
    retired_at: datetime | None = None
    """When `gk delete` retired it."""
    adopted: bool = False
    current: bool = True


@dataclass(frozen=True, slots=True)
class Extent:
    """Where bytes of a version lie. *stored_offset* and *stored_length* are the segment's place in the archive."""

    version_id: int
    ordinal: int
    archive_key: int
    segment: int
    codec: str
    seal: str
    stored_offset: int
    stored_length: int
    offset: int
    length: int
    version_offset: int
    plain_length: int = 0
    hash: bytes | None = None
    """Of the segment: its plain bytes, and the SHA-256 of its stored ones."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One archive on its way. *source* is the staged file's name, or the file's root-relative path.

    *inode*, *mtime_ns* and *size* are the source's when it was planned. *moved_at*: when the service was last heard of
    it; None: not since it was written down.
    """

    upload_key: int
    vault_id: int
    run_id: int | None
    root_id: int | None
    token: str
    kind: str
    state: UploadState
    source: bytes
    size: int
    mtime_ns: int
    inode: int
    mode: int
    part_size: int
    description: str
    upload_id: str | None
    created_at: datetime
    moved_at: datetime | None


@dataclass(frozen=True, slots=True)
class VolumeSet:
    """A big file, or a stream, whose volumes are under way. *size* None: a stream, which cannot be read again.

    *path* is below the root; *mtime_ns* and *inode* are the file's when it was planned; *volume_size* in bytes; *form*
    is in what form the volumes are stored.
    """

    set_id: int
    vault_id: int
    root_id: int
    token: str
    path: bytes
    size: int | None
    mtime_ns: int
    inode: int
    volume_size: int
    form: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Volume:
    """A stored volume: bytes *offset* to *offset + length* of the file, with their tree hash.

    They begin at *content_offset* of the archive's plain content.
    """

    index: int
    archive_key: int
    offset: int
    length: int
    content_offset: int
    tree_hash: bytes


@dataclass(frozen=True, slots=True)
class Job:
    """One request the service works on for us. *token* stands in the job's description."""

    job_key: int
    vault_id: int
    token: str
    action: JobAction
    progress: JobProgress
    job_id: str | None
    archive_key: int | None
    range: ByteRange | None
    tier: Tier
    requested_at: datetime
    completed_at: datetime | None = None
    expires_at: datetime | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Retrieval:
    """A wish to have files back in *target*, an absolute path."""

    retrieval_id: int
    vault_id: int
    target: bytes
    overwrite: bool
    tier: Tier
    created_at: datetime
    finished_at: datetime | None
    waiting: int
    placed: int
    skipped: int
    failed: int


@dataclass(frozen=True, slots=True)
class Item:
    """One version wanted by a retrieval."""

    retrieval_id: int
    version_id: int
    state: ItemState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who is at work on an activity."""

    activity: str
    host: str
    pid: int
    started_at: datetime
    heartbeat_at: datetime


@dataclass(frozen=True, slots=True)
class Rebuild:
    """A rebuilding of a vault's records from the copies of the set *set_token*, None until it was chosen."""

    rebuild_id: int
    vault_id: int
    inventory_id: int | None
    set_token: str | None
    state: RebuildState
    began_at: datetime
    finished_at: datetime | None
