"""Vaults through a real client: create, describe, list, delete."""

from datetime import timedelta
from typing import Any

import pytest

ARN = "arn:aws:glacier:us-east-1:000000000000:vaults/"
NOT_EMPTY = f"Vault not empty or recently written to: {ARN}photos"


def test_create_names_the_place_with_the_account_number(world: Any) -> None:
    """The Location shows 12 digits, never a hyphen, and creating again is no error."""
    for _ in range(2):
        answer = world.client.create_vault(vaultName="a.b-c_1")
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
        assert answer["location"] == "/000000000000/vaults/a.b-c_1"


def test_creating_again_keeps_what_is_there(world: Any) -> None:
    """CreateVault of an existing vault changes nothing."""
    before = world.upload()
    world.clock.turn(hours=1)
    world.client.create_vault(vaultName="photos")
    assert world.retrieve(before) == b"content"
    assert world.describe()["CreationDate"] == "2026-03-01T12:00:00.250Z"


@pytest.mark.parametrize("name", ["a:b", "a b", "é", "a" * 256, "a/b"])
def test_create_refuses_an_impossible_name(world: Any, name: str) -> None:
    """A vault name has 1 to 255 characters of letters, digits, underscore, hyphen and period."""
    status, code, message = world.refusal(world.client.create_vault, vaultName=name)
    assert (status, code) == (400, "InvalidParameterValueException")
    assert message == f"Invalid vault name: {name}"


def test_the_longest_name_is_allowed(world: Any) -> None:
    """255 characters are a vault name."""
    world.client.create_vault(vaultName="a" * 255)
    assert world.describe("a" * 255)["VaultName"] == "a" * 255


def test_a_new_vault_has_zeros_and_no_inventory(world: Any) -> None:
    """Before the first inventory the figures are 0 and 0, the inventory date null."""
    status, headers, body = world.send("GET", "/-/vaults/photos")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert body.decode() == (
        '{"CreationDate":"2026-03-01T12:00:00.250Z","LastInventoryDate":null,"NumberOfArchives":0,'
        f'"SizeInBytes":0,"VaultARN":"{ARN}photos","VaultName":"photos"}}'
    )


def test_the_size_counts_overhead(world: Any) -> None:
    """SizeInBytes has 32 KiB more for each archive."""
    world.upload(bytes(100))
    world.upload(bytes(200))
    answer = world.describe()
    assert (answer["NumberOfArchives"], answer["SizeInBytes"]) == (2, 300 + 2 * 32768)


def test_unknown_vaults_are_not_found(world: Any) -> None:
    """Every operation on a vault that does not exist says which ARN was not found."""
    wanted = (404, "ResourceNotFoundException", f"Vault not found for ARN: {ARN}nowhere")
    client = world.client
    assert world.refusal(client.describe_vault, vaultName="nowhere") == wanted
    assert world.refusal(client.delete_vault, vaultName="nowhere") == wanted
    assert world.refusal(client.list_jobs, vaultName="nowhere") == wanted
    assert world.refusal(client.upload_archive, vaultName="nowhere", body=b"x") == wanted
    assert world.refusal(client.initiate_multipart_upload, vaultName="nowhere", partSize="1048576") == wanted
    job = {"Type": "inventory-retrieval"}
    assert world.refusal(client.initiate_job, vaultName="nowhere", jobParameters=job) == wanted
    assert world.refusal(client.list_parts, vaultName="nowhere", uploadId="u") == wanted


def test_an_impossible_name_is_not_found_by_its_bare_name(world: Any) -> None:
    """Operations other than CreateVault name an impossible vault without an ARN."""
    wanted = (404, "ResourceNotFoundException", "Vault not found for ARN: testz:z")
    assert world.refusal(world.client.describe_vault, vaultName="testz:z") == wanted


def test_vaults_are_listed_by_name_in_pages_of_ten(world: Any) -> None:
    """ListVaults sorts by ASCII, gives at most ten at once, and its markers lead through all of them."""
    names = sorted(["photos", "Z", "a", "B", "_", "-", *(f"v{n:02}" for n in range(20))])
    for name in names:
        world.client.create_vault(vaultName=name)
    first = world.client.list_vaults()
    assert len(first["VaultList"]) == 10
    assert first["Marker"] == ARN + names[10]
    pages = world.client.get_paginator("list_vaults").paginate(PaginationConfig={"PageSize": 7})
    assert [vault["VaultName"] for page in pages for vault in page["VaultList"]] == names


@pytest.mark.parametrize("limit", ["0", "11", "-1", "x", "1000", "1.0"])
def test_list_vaults_refuses_other_limits(world: Any, limit: str) -> None:
    """A limit is a number from 1 to 10."""
    wanted = (400, "InvalidParameterValueException", f"Invalid limit: {limit}")
    assert world.refusal(world.client.list_vaults, limit=limit) == wanted


@pytest.mark.parametrize("marker", ["x", ARN, ARN + "a:b", ARN.replace("east", "west") + "a"])
def test_list_vaults_refuses_foreign_markers(world: Any, marker: str) -> None:
    """A marker is the ARN of a vault of this account and region."""
    wanted = (400, "InvalidParameterValueException", f"Invalid marker: {marker}")
    assert world.refusal(world.client.list_vaults, marker=marker) == wanted


def test_an_empty_vault_is_deleted(world: Any) -> None:
    """DeleteVault of a vault without archives answers 204 and the vault is gone."""
    answer = world.client.delete_vault(vaultName="photos")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert world.client.list_vaults()["VaultList"] == []


def test_a_vault_with_archives_is_not_deleted(world: Any) -> None:
    """In the default mode DeleteVault succeeds as soon as the last archive is deleted, not before."""
    archive = world.upload()
    wanted = (400, "InvalidParameterValueException", NOT_EMPTY)
    assert world.refusal(world.client.delete_vault, vaultName="photos") == wanted
    world.client.delete_archive(vaultName="photos", archiveId=archive)
    world.client.delete_vault(vaultName="photos")
    assert world.client.list_vaults()["VaultList"] == []


def test_a_deleted_vault_comes_back_empty(world: Any) -> None:
    """Nothing of a deleted vault is seen in a new one of the same name, open uploads included."""
    upload = world.initiate()
    world.part(upload, 0, b"x")
    world.start_inventory()
    world.client.delete_vault(vaultName="photos")
    world.client.create_vault(vaultName="photos")
    assert world.client.list_jobs(vaultName="photos")["JobList"] == []
    assert world.client.list_multipart_uploads(vaultName="photos")["UploadsList"] == []
    assert world.refusal(world.part, upload_id=upload, start=0, content=b"x")[0] == 404


def test_the_thousand_and_first_vault_is_one_too_many(world: Any) -> None:
    """An account holds 1,000 vaults in a region."""
    with world.service._state.writing() as db:
        rows = [("000000000000", "us-east-1", f"v{n}", 0) for n in range(999)]
        db.executemany("INSERT INTO vaults (account, region, name, created) VALUES (?, ?, ?, ?)", rows)
    assert world.refusal(world.client.create_vault, vaultName="more")[:2] == (400, "LimitExceededException")
    world.client.create_vault(vaultName="v1")


def test_realistic_figures_are_those_of_the_last_inventory(slow_world: Any) -> None:
    """The first inventory is made 12 hours after the first upload, the next ones daily if anything changed."""
    slow_world.upload(bytes(10))
    slow_world.clock.turn(hours=11, minutes=59)
    assert slow_world.describe()["NumberOfArchives"] == 0
    assert "LastInventoryDate" not in slow_world.describe()
    slow_world.clock.turn(hours=3)
    slow_world.upload(bytes(10))
    answer = slow_world.describe()
    assert (answer["NumberOfArchives"], answer["SizeInBytes"]) == (1, 10 + 32768)
    assert answer["LastInventoryDate"] == "2026-03-02T00:00:00.250Z"
    slow_world.clock.turn(days=1)
    assert slow_world.describe()["NumberOfArchives"] == 2
    assert slow_world.describe()["LastInventoryDate"] == "2026-03-03T00:00:00.250Z"
    slow_world.clock.turn(days=5)
    assert slow_world.describe()["LastInventoryDate"] == "2026-03-03T00:00:00.250Z"


def test_realistic_deletion_waits_for_the_next_inventory(slow_world: Any) -> None:
    """DeleteVault needs an inventory that shows nothing, and no write since."""
    wanted = (400, "InvalidParameterValueException", NOT_EMPTY)
    delete = slow_world.client.delete_vault
    archive = slow_world.upload()
    slow_world.client.delete_archive(vaultName="photos", archiveId=archive)
    assert slow_world.refusal(delete, vaultName="photos") == wanted
    slow_world.service.advance(timedelta(hours=13))
    archive = slow_world.upload()
    assert slow_world.refusal(delete, vaultName="photos") == wanted
    slow_world.service.advance(timedelta(days=1))
    assert slow_world.refusal(delete, vaultName="photos") == wanted
    slow_world.client.delete_archive(vaultName="photos", archiveId=archive)
    assert slow_world.refusal(delete, vaultName="photos") == wanted
    slow_world.service.advance(timedelta(days=1))
    slow_world.client.delete_vault(vaultName="photos")


def test_realistic_deletion_of_a_vault_never_written_to(slow_world: Any) -> None:
    """A vault nothing was ever uploaded to can be deleted at once."""
    slow_world.client.delete_vault(vaultName="photos")
    assert slow_world.client.list_vaults()["VaultList"] == []
