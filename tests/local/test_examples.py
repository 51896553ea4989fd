"""The examples that AWS publishes in its service model: each request is accepted, each answer has the fields shown.

The ids, and the content that the examples only name, are replaced by those of the world that is made for them.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore import xform_name
from botocore.utils import calculate_tree_hash

from glacierkeep.local import LocalGlacier
from support.clock import TurnedClock

MIB = 1024 * 1024
PART = b"part1".ljust(MIB, b".")
TOPIC = "arn:aws:sns:us-west-2:012345678901:mytopic"
EXAMPLES = json.loads(
    (Path(botocore.__file__).parent / "data/glacier/2012-06-01/examples-1.json").read_text()
)["examples"]

NEWER = {".JobList[].Tier"}
"""What the service has learned to say since the examples were written, in 2015."""


class Stage:
    """A service of the examples' account and region, with jobs that take their time, set up for one example."""

    def __init__(self, folder: Path, client_of: Any) -> None:
        clock = TurnedClock(datetime(2015, 7, 17, 20, tzinfo=UTC))
        account, region = "999999999999", "us-west-2"
        self.service = LocalGlacier(folder, clock=clock, realistic=True, account=account, region=region)
        self.client = client_of(self.service)

    def prepare(self, operation: str, given: dict[str, Any]) -> None:
        """Make what the example speaks of, and put its ids in the place of the example's."""
        self.vault = given.get("vaultName")
        if self.vault and operation != "CreateVault":
            self.client.create_vault(vaultName=self.vault)
        for name in ("archiveId", "uploadId", "jobId", "lockId"):
            if name in given:
                given[name] = getattr(self, "an_" + xform_name(name))(operation)
        if operation in ("CompleteMultipartUpload", "UploadMultipartPart"):
            given.update(
                checksum=tree_hash(PART), **{"archiveSize": str(MIB)} if "archiveSize" in given else {}
            )
        if operation == "UploadMultipartPart":
            given["body"] = PART
        if operation == "UploadArchive":
            del given["checksum"]  # empty: botocore computes it only where none is given
        make = getattr(self, "for_" + xform_name(operation), None)
        if make:
            make()

    def an_archive_id(self, _: str) -> str:
        answer = self.client.upload_archive(vaultName=self.vault, body=PART, archiveDescription="archive 1")
        return str(answer["archiveId"])

    def an_upload_id(self, operation: str) -> str:
        size = str(MIB)
        answer = self.client.initiate_multipart_upload(
            vaultName=self.vault, partSize=size, archiveDescription="archive description"
        )
        if operation != "UploadMultipartPart":
            self.client.upload_multipart_part(
                vaultName=self.vault, uploadId=answer["uploadId"], range=f"bytes 0-{MIB - 1}/*", body=PART
            )
        return str(answer["uploadId"])

    def an_job_id(self, operation: str) -> str:
        self.for_initiate_job()
        answer = self.client.initiate_job(
            vaultName=self.vault, jobParameters={"Type": "inventory-retrieval", "Format": "JSON"}
        )
        if operation == "GetJobOutput":
            self.service.advance(timedelta(hours=5))
        return str(answer["jobId"])

    def an_lock_id(self, _: str) -> str:
        policy = EXAMPLES["InitiateVaultLock"][0]["input"]["policy"]
        return str(self.client.initiate_vault_lock(vaultName=self.vault, policy=policy)["lockId"])

    def for_initiate_job(self) -> None:
        self.an_archive_id("")
        self.service.advance(timedelta(hours=13))

    def for_list_vaults(self) -> None:
        self.vault = "my-vault"
        self.client.create_vault(vaultName=self.vault)
        self.for_initiate_job()

    def for_list_jobs(self) -> None:
        archive = self.an_archive_id("")
        self.service.advance(timedelta(hours=13))
        orders = (
            {"Type": "archive-retrieval", "ArchiveId": archive, "Description": "Retrieve", "SNSTopic": TOPIC},
            {"Type": "inventory-retrieval", "Format": "JSON", "SNSTopic": TOPIC},
        )
        for order in orders:
            self.client.initiate_job(vaultName=self.vault, jobParameters=order)

    def for_list_multipart_uploads(self) -> None:
        self.an_upload_id("")

    def for_get_vault_access_policy(self) -> None:
        policy = EXAMPLES["SetVaultAccessPolicy"][0]["input"]["policy"]
        self.client.set_vault_access_policy(vaultName=self.vault, policy=policy)

    def for_get_vault_lock(self) -> None:
        self.an_lock_id("")

    def for_get_vault_notifications(self) -> None:
        wanted = EXAMPLES["SetVaultNotifications"][0]["input"]["vaultNotificationConfig"]
        self.client.set_vault_notifications(vaultName=self.vault, vaultNotificationConfig=wanted)

    def for_get_data_retrieval_policy(self) -> None:
        self.client.set_data_retrieval_policy(**EXAMPLES["SetDataRetrievalPolicy"][0]["input"])

    def for_list_tags_for_vault(self) -> None:
        self.client.add_tags_to_vault(vaultName=self.vault, Tags={"date": "july2015", "id": "1234"})

    def for_list_provisioned_capacity(self) -> None:
        self.client.purchase_provisioned_capacity()


@pytest.fixture
def stage(tmp_path: Path, client_of: Any) -> Iterator[Stage]:
    made = Stage(tmp_path / "glacier", client_of)
    yield made
    made.service.close()


def tree_hash(content: bytes) -> str:
    return str(calculate_tree_hash(BytesIO(content)))


def fields(document: Any, where: str = "") -> set[str]:
    """The dotted names of everything in *document*; the members of a list are taken together."""
    if isinstance(document, dict):
        found = {f"{where}.{name}" for name in document}
        return found.union(*(fields(value, f"{where}.{name}") for name, value in document.items()))
    if isinstance(document, list):
        return set().union(*(fields(each, where + "[]") for each in document))
    return set()


def test_there_is_an_example_of_every_operation() -> None:
    """The model shows all 33 operations but none more than once."""
    assert len(EXAMPLES) == 33
    assert {len(cases) for cases in EXAMPLES.values()} == {1}


@pytest.mark.parametrize("operation", sorted(EXAMPLES))
def test_the_published_example_is_answered_as_published(stage: Stage, operation: str) -> None:
    """The request is accepted; the answer has the documented fields, no more and no less, empty markers aside."""
    example = EXAMPLES[operation][0]
    given = dict(example["input"])
    stage.prepare(operation, given)
    answer = getattr(stage.client, xform_name(operation))(**given)
    del answer["ResponseMetadata"]
    documented = example.get("output") or {}
    assert fields(answer) - NEWER == fields(documented) - {".Marker"}
