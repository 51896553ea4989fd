"""One vault of the vault service: the calls gk needs, in gk's own words."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from io import BytesIO
from typing import Any, BinaryIO

from glacierkeep.domain.limits import MAX_DESCRIPTION
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.service import JobStatus, OpenUpload, SentPart, Tier, VaultState
from glacierkeep.domain.vault import VaultAddress
from glacierkeep.errors import BytesMismatch, NotFound, StaleCredentials, VaultMissing
from glacierkeep.stores.glacier import replies
from glacierkeep.stores.glacier.faults import translated
from glacierkeep.stores.glacier.inventory import GlacierInventory
from glacierkeep.stores.glacier.output import GlacierOutput, opened_output
from glacierkeep.stores.glacier.pages import Pages
from glacierkeep.stores.glacier.sessions import Clients, content_sha256
from glacierkeep.stores.store import Body

_DESCRIPTION = re.compile(rf"[\x20-\x7e]{{0,{MAX_DESCRIPTION}}}")


class GlacierStore:
    """A `Store` over the vault API. It may be used from several threads at once.

    The account is always that of the credentials. Only what gk needs is here. Every request is sent once.
    """

    def __init__(self, address: VaultAddress, clients: Clients, now: Callable[[], datetime]) -> None:
        self.address = address
        self._clients = clients
        self._now = now
        self._vault = {"vaultName": address.name}

    def now(self) -> datetime:
        """See `Store`."""
        return self._now()

    def close(self) -> None:
        """Close the connections that are kept open; the store can be used again."""
        self._clients.close()

    def create_vault(self) -> None:
        """CreateVault is idempotent."""
        with self._asking(f"create the vault {self.address}") as client:
            client.create_vault(**self._vault)

    def describe_vault(self) -> VaultState:
        """DescribeVault."""
        with self._asking(f"look at the vault {self.address}") as client:
            return replies.to_vault(client.describe_vault(**self._vault))

    def delete_vault(self) -> None:
        """DeleteVault. The service refuses unless its last inventory showed the vault empty."""
        with self._asking(f"delete the vault {self.address}") as client:
            client.delete_vault(**self._vault)

    def upload_archive(self, body: Body, description: str) -> str:
        """UploadArchive. A repetition could make a second archive."""
        _check_description(description)
        with _opened(body) as content, _hashed(body), self._asking("upload the archive") as client:
            reply = client.upload_archive(
                **self._vault,
                checksum=body.tree_hash.hex(),
                body=content,
                **_described("archiveDescription", description),
            )
        _compare(reply, body.tree_hash, "uploaded archive")
        return replies.told_id(reply, "archiveId")

    def initiate_upload(self, part_size: int, description: str) -> str:
        """InitiateMultipartUpload. A repetition could leave a second upload open."""
        _check_description(description)
        with self._asking("begin the upload") as client:
            reply = client.initiate_multipart_upload(
                **self._vault,
                partSize=str(part_size),
                **_described("archiveDescription", description),
            )
            return replies.told_id(reply, "uploadId")

    def upload_part(self, upload_id: str, start: int, body: Body) -> None:
        """UploadMultipartPart. Sending the same range again replaces it."""
        span = f"bytes {start}-{start + body.length - 1}/*"
        with _opened(body) as content, _hashed(body), self._asking("upload a part") as client:
            reply = client.upload_multipart_part(
                **self._vault,
                uploadId=upload_id,
                checksum=body.tree_hash.hex(),
                range=span,
                body=content,
            )
        _compare(reply, body.tree_hash, f"uploaded part at byte {start}")

    def complete_upload(self, upload_id: str, size: int, tree_hash: bytes) -> str:
        """CompleteMultipartUpload. Repeated shortly after, the service answers the same."""
        with self._asking("complete the upload") as client:
            reply = client.complete_multipart_upload(
                **self._vault, uploadId=upload_id, archiveSize=str(size), checksum=tree_hash.hex()
            )
        _compare(reply, tree_hash, "completed archive")
        return replies.told_id(reply, "archiveId")

    def abort_upload(self, upload_id: str) -> None:
        """AbortMultipartUpload."""
        with _absence_is_fine(), self._asking("give up the upload") as client:
            client.abort_multipart_upload(**self._vault, uploadId=upload_id)

    def list_uploads(self) -> Iterator[OpenUpload]:
        """ListMultipartUploads, all pages."""

        def ask(named: dict[str, str]) -> tuple[replies.Reply, list[OpenUpload]]:
            with self._asking(f"list the uploads of {self.address}") as client:
                page = client.list_multipart_uploads(**self._vault, **named)
                return page, [replies.to_upload(each) for each in replies.listed_in(page, "UploadsList")]

        return Pages(ask)

    def list_parts(self, upload_id: str) -> Iterator[SentPart]:
        """ListParts, all pages."""

        def ask(named: dict[str, str]) -> tuple[replies.Reply, list[SentPart]]:
            with self._asking("list the parts of an upload") as client:
                page = client.list_parts(**self._vault, uploadId=upload_id, **named)
                return page, [replies.to_part(each) for each in replies.listed_in(page, "Parts")]

        return Pages(ask)

    def delete_archive(self, archive_id: str) -> None:
        """DeleteArchive."""
        with _absence_is_fine(), self._asking("delete an archive") as client:
            client.delete_archive(**self._vault, archiveId=archive_id)

    def request_archive(self, archive_id: str, wanted: ByteRange | None, tier: Tier, description: str) -> str:
        """InitiateJob. A repetition would be paid twice."""
        asked = {"Type": "archive-retrieval", "ArchiveId": archive_id, "Tier": tier.value}
        if wanted:
            asked["RetrievalByteRange"] = f"{wanted.start}-{wanted.stop - 1}"
        return self._initiate_job(asked, description)

    def request_inventory(self, description: str) -> str:
        """InitiateJob. JSON, because CSV tells neither vault nor date."""
        return self._initiate_job({"Type": "inventory-retrieval", "Format": "JSON"}, description)

    def _initiate_job(self, asked: dict[str, str], description: str) -> str:
        _check_description(description)
        with self._asking("start a job") as client:
            reply = client.initiate_job(
                **self._vault, jobParameters={**asked, **_described("Description", description)}
            )
            return replies.told_id(reply, "jobId")

    def describe_job(self, job_id: str) -> JobStatus:
        """DescribeJob."""
        with self._asking("look at a job") as client:
            return replies.to_job(client.describe_job(**self._vault, jobId=job_id))

    def list_jobs(self) -> Iterator[JobStatus]:
        """ListJobs, all pages. Jobs of kinds gk does not start are left out."""

        def ask(named: dict[str, str]) -> tuple[replies.Reply, list[JobStatus]]:
            with self._asking(f"list the jobs of {self.address}") as client:
                page = client.list_jobs(**self._vault, **named)
                known = filter(replies.is_known_job, replies.listed_in(page, "JobList"))
                return page, [replies.to_job(each) for each in known]

        return Pages(ask)

    @contextmanager
    def open_output(self, job_id: str, wanted: ByteRange | None = None) -> Iterator[GlacierOutput]:
        """GetJobOutput. Raises NotReady, NotFound."""
        ranged = {"range": f"bytes={wanted.start}-{wanted.stop - 1}"} if wanted else {}
        with self._asking("fetch a job's output") as client:
            reply = client.get_job_output(**self._vault, jobId=job_id, **ranged)
        with opened_output(reply, wanted) as output:
            yield output

    def read_inventory(self, job_id: str) -> AbstractContextManager[GlacierInventory]:
        """GetJobOutput of an inventory job."""
        return self._read_inventory(job_id)

    @contextmanager
    def _read_inventory(self, job_id: str) -> Iterator[GlacierInventory]:
        with self.open_output(job_id) as output:
            yield GlacierInventory(output, self.address.name)

    @contextmanager
    def _asking(self, doing: str) -> Iterator[Any]:
        """The client, for one request. What fails is raised as an error of ours; credentials that were refused are read
        anew for the next request."""
        with translated(doing):
            client = self._clients.client
            try:
                with translated(doing):
                    yield client
            except StaleCredentials:
                self._clients.forget(client)
                raise


@contextmanager
def _hashed(body: Body) -> Iterator[None]:
    token = content_sha256.set(body.sha256.hex())
    try:
        yield
    finally:
        content_sha256.reset(token)


@contextmanager
def _opened(body: Body) -> Iterator[BinaryIO]:
    """The body as a file, also if it is held: files are sent block by block, each within the time-out, but bytes all at
    once, so that a slow line would never get them through."""
    with BytesIO(body.content) if isinstance(body.content, bytes) else body.content() as content:
        yield content


@contextmanager
def _absence_is_fine() -> Iterator[None]:
    """What is to go and is not there is gone; a vault that is not there is trouble still."""
    try:
        yield
    except VaultMissing:
        raise
    except NotFound:
        return


def _described(key: str, description: str) -> dict[str, str]:
    return {key: description} if description else {}


def _check_description(description: str) -> None:
    if not _DESCRIPTION.fullmatch(description):
        raise ValueError(f"a description is at most {MAX_DESCRIPTION} printable ASCII characters")


def _compare(reply: replies.Reply, expected: bytes, what: str) -> None:
    """Raises BytesMismatch if the service tells another tree hash; one that tells none is believed."""
    found = replies.to_hash("checksum", reply.get("checksum"))
    if found is not None and found != expected:
        raise BytesMismatch(what, expected=expected, found=found)
