"""What a vault can be asked, whatever its kind. Every method may raise `errors.ServiceError` and its kin.

What is "sent once" is never repeated when it may have been carried out. A listing that raised an error may be asked for
its next entry again: it goes on where it was.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.service import JobStatus, ListedArchive, OpenUpload, SentPart, Tier, VaultState
from glacierkeep.domain.vault import VaultAddress


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes to send: what they are, or a way to open them for reading from their first byte on.

    *length* in bytes; *sha256* and *tree_hash* of exactly these bytes, raw digests.
    """

    content: bytes | Callable[[], BinaryIO]
    length: int
    sha256: bytes
    tree_hash: bytes


class Output(Protocol):
    """A job's output, being read."""

    start: int
    """Where in the job's output the first byte read lies; a service that ignores ranges begins at 0."""
    stop: int | None
    """Where in the job's output the answer ends, if told: beyond the wanted range if that was ignored."""
    tree_hash: bytes | None
    """The service's own tree hash of bytes *start* to *stop*, where it tells one."""

    def read(self, size: int) -> bytes:
        """At most *size* more bytes, b"" at the end. Raises ServiceUnreachable if the answer breaks off."""


class Store(Protocol):
    """One vault."""

    address: VaultAddress

    def now(self) -> datetime:
        """The service's idea of the time, as far as it is known without asking: for `local:` its clock."""

    def create_vault(self) -> None:
        """Make the vault; it is no error if it is there."""

    def describe_vault(self) -> VaultState:
        """The vault. Raises VaultMissing."""

    def delete_vault(self) -> None:
        """Remove the empty vault."""

    def upload_archive(self, body: Body, description: str) -> str:
        """Send an archive in one request, sent once; its archive id. The tree hash was compared."""

    def initiate_upload(self, part_size: int, description: str) -> str:
        """Open a multipart upload, sent once; its upload id."""

    def upload_part(self, upload_id: str, start: int, body: Body) -> None:
        """Send one part; repeated where needed. The tree hash was compared."""

    def complete_upload(self, upload_id: str, size: int, tree_hash: bytes) -> str:
        """Make the upload an archive; its archive id. Asking again shortly after gives the same id."""

    def abort_upload(self, upload_id: str) -> None:
        """Give the upload up; one that is no longer there is no error."""

    def list_uploads(self) -> Iterator[OpenUpload]:
        """The vault's unfinished multipart uploads."""

    def list_parts(self, upload_id: str) -> Iterator[SentPart]:
        """The parts the service has, by range. Raises NotFound."""

    def delete_archive(self, archive_id: str) -> None:
        """Delete the archive; one that is no longer there is no error."""

    def request_archive(self, archive_id: str, wanted: ByteRange | None, tier: Tier, description: str) -> str:
        """Start a retrieval of the archive, or of a MiB-aligned range of it, sent once; its job id."""

    def request_inventory(self, description: str) -> str:
        """Start an inventory job, sent once; its job id. Raises NotFound while there is no inventory."""

    def describe_job(self, job_id: str) -> JobStatus:
        """Where the job is. Raises NotFound for one unknown or expired."""

    def list_jobs(self) -> Iterator[JobStatus]:
        """The vault's jobs that are known to the service."""

    def open_output(self, job_id: str, wanted: ByteRange | None = None) -> AbstractContextManager[Output]:
        """The job's output, or bytes *wanted* of the output (not of the archive)."""

    def read_inventory(self, job_id: str) -> AbstractContextManager["InventoryOutput"]:
        """The output of an inventory job, JSON or CSV, told apart by its first byte, streamed."""


class InventoryOutput(Protocol):
    """An inventory, being read."""

    @property
    def date(self) -> datetime | None:
        """When it was made, as the document says (known once the first archive was read); CSV does not say."""

    def __iter__(self) -> Iterator[ListedArchive]:
        """The listed archives, each checked. Raises errors.ServiceError for what is no inventory."""
