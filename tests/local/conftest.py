"""A world of one service in a temporary folder, a clock turned by hand, and a real boto3 client above."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.utils import calculate_tree_hash

from glacierkeep.local import Headers, LocalGlacier, Request, Response
from glacierkeep.local.attach import attach
from support.clock import TurnedClock

NOON = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
SESSION = boto3.Session(aws_access_key_id="x", aws_secret_access_key="y")


@dataclass
class World:
    """The service, its clock, a client, and short ways to use them on the vault ``photos``."""

    service: LocalGlacier
    clock: TurnedClock
    client: Any

    vault = "photos"
    MIB = 1024 * 1024

    @staticmethod
    def client_of(service: LocalGlacier) -> Any:
        """A boto3 client below which *service* hangs; it sends each request once."""
        retries: Any = {"total_max_attempts": 1, "mode": "standard"}
        client = SESSION.client("glacier", region_name=service.region, config=Config(retries=retries))
        attach(client, service)
        return client

    @staticmethod
    def tree_hash(content: bytes) -> str:
        """The tree hash as botocore computes it."""
        return str(calculate_tree_hash(BytesIO(content)))

    @staticmethod
    def some_bytes(size: int, seed: int = 0) -> bytes:
        """*size* bytes in which no MiB is like another."""
        block = b"".join(sha256(b"%d %d" % (seed, at)).digest() for at in range(32))
        pieces = (at.to_bytes(8, "big") + block for at in range(-(-size // (len(block) + 8))))
        return b"".join(pieces)[:size]

    @staticmethod
    def refusal(call: Callable[..., object], **parameters: Any) -> tuple[int, str, str]:
        """Status, code and message of the error *call* is answered with."""
        with pytest.raises(ClientError) as caught:
            call(**parameters)
        answer: Any = caught.value.response
        error = answer["Error"]
        return answer["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error["Message"]

    def send(
        self, method: str, path: str, *, query: str = "", body: bytes = b"", **headers: str | None
    ) -> tuple[int, dict[str, str], bytes]:
        """A raw request as botocore would never send it; None takes a header away."""
        sent: dict[str, str | None] = {
            "x-amz-glacier-version": "2012-06-01",
            "Content-Length": str(len(body)),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        pairs = [(name, value) for name, value in sent.items() if value is not None]
        response: Response = self.service(Request(method, path, query, Headers(pairs), BytesIO(body)))
        return response.status, response.headers, b"".join(response.stream())

    def hashes(self, content: bytes) -> dict[str, str]:
        """Both checksum headers of *content*, spelt for ``send``."""
        return {
            "x_amz_content_sha256": sha256(content).hexdigest(),
            "x_amz_sha256_tree_hash": self.tree_hash(content),
        }

    def upload(self, content: bytes = b"content", description: str = "", vault: str = vault) -> str:
        """An archive in one request; its id."""
        answer = self.client.upload_archive(vaultName=vault, body=content, archiveDescription=description)
        return str(answer["archiveId"])

    def initiate(self, part_size: int = MIB, **more: str) -> str:
        """A new multipart upload; its id."""
        answer = self.client.initiate_multipart_upload(vaultName=self.vault, partSize=str(part_size), **more)
        return str(answer["uploadId"])

    def part(self, upload_id: str, start: int, content: bytes) -> Any:
        """One part of an upload."""
        content_range = f"bytes {start}-{start + len(content) - 1}/*"
        return self.client.upload_multipart_part(
            vaultName=self.vault, uploadId=upload_id, range=content_range, body=content
        )

    def complete(self, upload_id: str, content: bytes) -> str:
        """Complete an upload that holds *content*; the archive's id."""
        answer = self.client.complete_multipart_upload(
            vaultName=self.vault,
            uploadId=upload_id,
            archiveSize=str(len(content)),
            checksum=self.tree_hash(content),
        )
        return str(answer["archiveId"])

    def multipart(self, content: bytes, part_size: int = MIB, **more: str) -> str:
        """An archive in parts; its id."""
        upload_id = self.initiate(part_size, **more)
        for start in range(0, len(content), part_size):
            self.part(upload_id, start, content[start : start + part_size])
        return self.complete(upload_id, content)

    def start_retrieval(self, archive_id: str, **more: str) -> str:
        """An archive retrieval; the job's id."""
        wanted = {"Type": "archive-retrieval", "ArchiveId": archive_id, **more}
        return str(self.client.initiate_job(vaultName=self.vault, jobParameters=wanted)["jobId"])

    def start_inventory(self, form: str = "JSON", **filters: str) -> str:
        """An inventory retrieval; the job's id."""
        wanted = {
            "Type": "inventory-retrieval",
            "Format": form,
            "InventoryRetrievalParameters": filters,
        }
        return str(self.client.initiate_job(vaultName=self.vault, jobParameters=wanted)["jobId"])

    def describe_job(self, job_id: str) -> Any:
        """A job as the service describes it."""
        return self.client.describe_job(vaultName=self.vault, jobId=job_id)

    def output(self, job_id: str, **more: str) -> bytes:
        """A job's whole output."""
        answer = self.client.get_job_output(vaultName=self.vault, jobId=job_id, **more)
        return bytes(answer["body"].read())

    def retrieve(self, archive_id: str) -> bytes:
        """An archive's content."""
        return self.output(self.start_retrieval(archive_id))

    def describe(self, vault: str = vault) -> Any:
        """The vault as the service describes it."""
        return self.client.describe_vault(vaultName=vault)


def a_world(folder: Path, *, realistic: bool) -> Iterator[World]:
    clock = TurnedClock(NOON)
    service = LocalGlacier(folder, clock=clock, realistic=realistic)
    client = World.client_of(service)
    client.create_vault(vaultName=World.vault)
    yield World(service, clock, client)
    service.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The default mode: jobs are finished at once."""
    yield from a_world(tmp_path / "glacier", realistic=False)


@pytest.fixture
def client_of() -> Callable[[LocalGlacier], Any]:
    """Makes a boto3 client below which a service hangs."""
    return World.client_of


@pytest.fixture
def slow_world(tmp_path: Path) -> Iterator[World]:
    """Realistic mode: jobs take hours of the clock."""
    yield from a_world(tmp_path / "glacier", realistic=True)


@pytest.fixture(scope="module")
def lasting_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The default mode, for all examples of a property."""
    yield from a_world(tmp_path_factory.mktemp("lasting") / "glacier", realistic=False)
