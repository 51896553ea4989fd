"""Jobs through a real client: what is asked, described, listed; and how long it takes."""

import json
from typing import Any

import pytest

INVALID = "InvalidParameterValueException"
MISSING = "MissingParameterValueException"
MIB = 1024 * 1024
ARN = "arn:aws:glacier:us-east-1:000000000000:vaults/photos"
JOBS = "/-/vaults/photos/jobs"


def described(world: Any, job: str) -> Any:
    """A job's description with its nulls, which botocore would drop."""
    return json.loads(world.send("GET", f"{JOBS}/{job}")[2])


def test_an_archive_retrieval_is_described_in_full(world: Any) -> None:
    """Every field of the API is there, null where it does not apply, and the job is done at once."""
    content = world.some_bytes(2 * MIB)
    archive = world.upload(content)
    job = world.start_retrieval(
        archive, Description="for aunt", Tier="Bulk", SNSTopic="arn:aws:sns:us-east-1:111122223333:t"
    )
    assert described(world, job) == {
        "Action": "ArchiveRetrieval",
        "ArchiveId": archive,
        "ArchiveSHA256TreeHash": world.tree_hash(content),
        "ArchiveSizeInBytes": 2 * MIB,
        "Completed": True,
        "CompletionDate": "2026-03-01T12:00:00.250Z",
        "CreationDate": "2026-03-01T12:00:00.250Z",
        "InventoryRetrievalParameters": None,
        "InventorySizeInBytes": None,
        "JobDescription": "for aunt",
        "JobId": job,
        "JobOutputPath": None,
        "OutputLocation": None,
        "RetrievalByteRange": f"0-{2 * MIB - 1}",
        "SHA256TreeHash": world.tree_hash(content),
        "SNSTopic": "arn:aws:sns:us-east-1:111122223333:t",
        "SelectParameters": None,
        "StatusCode": "Succeeded",
        "StatusMessage": "Succeeded",
        "Tier": "Bulk",
        "VaultARN": ARN,
    }


def test_an_inventory_retrieval_is_described_in_full(world: Any) -> None:
    """An inventory job has its parameters and its size, and no tier."""
    world.upload()
    job = world.start_inventory("CSV", StartDate="2026-01-01T00:00:00Z", Limit="5")
    shown = described(world, job)
    assert shown["Action"] == "InventoryRetrieval"
    assert shown["InventoryRetrievalParameters"] == {
        "EndDate": None,
        "Format": "CSV",
        "Limit": "5",
        "Marker": None,
        "StartDate": "2026-01-01T00:00:00Z",
    }
    assert shown["InventorySizeInBytes"] == len(world.output(job))
    for name in ("ArchiveId", "ArchiveSizeInBytes", "RetrievalByteRange", "SHA256TreeHash", "Tier"):
        assert shown[name] is None


def test_initiating_names_the_job(world: Any) -> None:
    """The answer is 202 with an id of 92 characters and its place."""
    parameters = {"Type": "inventory-retrieval"}
    answer = world.client.initiate_job(vaultName="photos", jobParameters=parameters)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert len(answer["jobId"]) == 92
    assert answer["location"] == f"/000000000000/vaults/photos/jobs/{answer['jobId']}"


@pytest.mark.parametrize(
    ("parameters", "code", "message"),
    [
        ({}, MISSING, "Required parameter missing: type"),
        ({"Type": None}, MISSING, "Required parameter missing: type"),
        ({"Type": "select"}, INVALID, "The job type is not valid: select"),
        ({"Type": "archive-retrieval"}, MISSING, "Required parameter missing: ArchiveId"),
        ({"Type": "inventory-retrieval", "ArchiveId": "x"}, INVALID, None),
        ({"Type": "inventory-retrieval", "RetrievalByteRange": "0-1"}, INVALID, None),
        ({"Type": "inventory-retrieval", "Format": "XML"}, INVALID, "Invalid Format: XML"),
        ({"Type": "inventory-retrieval", "Tier": "Fast"}, INVALID, "Invalid Tier: Fast"),
        ({"Type": "inventory-retrieval", "Description": "é"}, INVALID, None),
        ({"Type": "inventory-retrieval", "Description": "x" * 1025}, INVALID, None),
        ({"Type": "inventory-retrieval", "SNSTopic": "me"}, INVALID, "Invalid SNSTopic: me"),
        ({"Type": 3}, "SerializationException", None),
        ({"Type": "inventory-retrieval", "InventoryRetrievalParameters": []}, "SerializationException", None),
        ([], "SerializationException", None),
        ("x", "SerializationException", None),
    ],
)
def test_wrong_parameters_are_refused(world: Any, parameters: Any, code: str, message: str | None) -> None:
    """Each parameter that is missing, unknown or out of place is refused with 400 and no job is made."""
    status, _, body = world.send("POST", JOBS, body=json.dumps(parameters).encode())
    answer = json.loads(body)
    assert (status, answer["code"], answer["type"]) == (400, code, "Client")
    assert message is None or answer["message"] == message
    assert world.client.list_jobs(vaultName="photos")["JobList"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", MISSING),
        (b"{", "SerializationException"),
        (b"\xff", "SerializationException"),
        (b"[" * 100_000, "SerializationException"),
        (b'"' + b"x" * 1_100_000 + b'"', "SerializationException"),
    ],
)
def test_bodies_that_are_no_json_are_refused(world: Any, body: bytes, code: str) -> None:
    """A body that cannot be read is a SerializationException, an empty one a missing parameter."""
    status, _, answer = world.send("POST", JOBS, body=body)
    assert (status, json.loads(answer)["code"]) == (400, code)


@pytest.mark.parametrize(
    "filters",
    [
        {"StartDate": "2026-01-01"},
        {"StartDate": "yesterday"},
        {"EndDate": "2026-01-01T00:00:00"},
        {"EndDate": "2026-13-01T00:00:00Z"},
        {"Limit": "0"},
        {"Limit": "-1"},
        {"Limit": "x"},
        {"Marker": "x"},
        {"Marker": "é"},
    ],
)
def test_wrong_inventory_filters_are_refused(world: Any, filters: dict[str, str]) -> None:
    """Dates have seconds and a zone, a limit is at least 1, a marker is one that was given."""
    (name, value), *_ = filters.items()
    answer = world.refusal(world.start_inventory, **filters)
    assert answer == (400, INVALID, f"Invalid {name}: {value}")


def test_null_parameters_are_as_if_absent(world: Any) -> None:
    """The developer guide's own example sends nulls."""
    wanted = dict.fromkeys(["Description", "Format", "SNSTopic", "Tier", "ArchiveId"], None)
    filters = dict.fromkeys(["StartDate", "EndDate", "Limit", "Marker"], None)
    body = {**wanted, "Type": "inventory-retrieval", "InventoryRetrievalParameters": filters}
    assert world.send("POST", JOBS, body=json.dumps(body).encode())[0] == 202


@pytest.mark.parametrize(
    "byte_range",
    ["0-0", "1-1048575", "0-1048576", "1048576-1048575", "0-9999999", "x", "0-", "-5", ""],
)
def test_ranges_that_are_not_whole_mib_are_refused(world: Any, byte_range: str) -> None:
    """A retrieval range begins and ends at whole MiB, or ends with the archive, and lies inside it."""
    archive = world.upload(world.some_bytes(3 * MIB + 5))
    answer = world.refusal(world.start_retrieval, archive_id=archive, RetrievalByteRange=byte_range)
    assert answer == (400, INVALID, f"Invalid RetrievalByteRange: {byte_range}")


def test_unknown_jobs_are_not_found(world: Any) -> None:
    """Ids that never were, or belong to another vault, are not found."""
    world.client.create_vault(vaultName="other")
    job = world.start_inventory()
    for vault, name in (("photos", "-" * 92), ("other", job)):
        wanted = (404, "ResourceNotFoundException", f"The job ID was not found: {name}")
        for call in (world.client.describe_job, world.client.get_job_output):
            assert world.refusal(call, vaultName=vault, jobId=name) == wanted


def test_jobs_expire_after_a_day(world: Any) -> None:
    """24 hours after completion job and output are not found and not listed; until then they are."""
    world.upload()
    job = world.start_inventory()
    world.output(job)
    world.clock.turn(hours=23, minutes=59)
    assert world.output(job)
    world.clock.turn(minutes=1)
    wanted = (404, "ResourceNotFoundException", f"The job ID was not found: {job}")
    assert world.refusal(world.describe_job, job_id=job) == wanted
    assert world.refusal(world.output, job_id=job) == wanted
    assert world.client.list_jobs(vaultName="photos")["JobList"] == []


def test_jobs_are_listed_in_order_and_pages(world: Any) -> None:
    """ListJobs goes by time of initiation, 50 at once, and its markers lead through all of them."""
    jobs = [world.start_inventory() for _ in range(53)]
    first = world.client.list_jobs(vaultName="photos")
    assert [job["JobId"] for job in first["JobList"]] == jobs[:50]
    pages = world.client.get_paginator("list_jobs").paginate(
        vaultName="photos", PaginationConfig={"PageSize": 20}
    )
    assert [job["JobId"] for page in pages for job in page["JobList"]] == jobs


def test_an_empty_listing_spells_out_its_marker(world: Any) -> None:
    """No jobs are an empty list and a null marker."""
    assert world.send("GET", JOBS)[2] == b'{"JobList":[],"Marker":null}'


def test_listing_filters_are_checked(world: Any) -> None:
    """Another status code or truth value is refused."""
    call = world.client.list_jobs
    wanted = (400, INVALID, "The job status code is not valid: finished")
    assert world.refusal(call, vaultName="photos", statuscode="finished") == wanted
    wanted = (400, INVALID, "Invalid completed: maybe")
    assert world.refusal(call, vaultName="photos", completed="maybe") == wanted


@pytest.mark.parametrize(("tier", "minutes"), [("Expedited", 3), ("Standard", 240), ("Bulk", 480)])
def test_realistic_retrievals_take_their_time(slow_world: Any, tier: str, minutes: int) -> None:
    """A job is in progress until its tier's time is over on the clock, then it has succeeded."""
    archive = slow_world.upload()
    job = slow_world.start_retrieval(archive, Tier=tier)
    slow_world.clock.turn(minutes=minutes, seconds=-1)
    shown = described(slow_world, job)
    assert (shown["Completed"], shown["StatusCode"]) == (False, "InProgress")
    assert shown["CompletionDate"] is shown["StatusMessage"] is None
    assert shown["SHA256TreeHash"] == shown["ArchiveSHA256TreeHash"]
    wanted = (400, INVALID, f"The job is not currently available for download: {job}")
    assert slow_world.refusal(slow_world.output, job_id=job) == wanted
    slow_world.clock.turn(seconds=1)
    shown = described(slow_world, job)
    assert (shown["Completed"], shown["StatusCode"]) == (True, "Succeeded")
    assert slow_world.output(job) == b"content"
    slow_world.clock.turn(hours=23, minutes=59)
    assert slow_world.output(job) == b"content"


def test_listings_filter_by_state(slow_world: Any) -> None:
    """statuscode and completed choose jobs by their state on the clock."""
    doomed, kept = slow_world.upload(b"doomed"), slow_world.upload(b"kept")
    jobs = {
        "Failed": slow_world.start_retrieval(doomed),
        "Succeeded": slow_world.start_retrieval(kept),
        "InProgress": slow_world.start_retrieval(kept, Tier="Bulk"),
    }
    slow_world.client.delete_archive(vaultName="photos", archiveId=doomed)
    slow_world.clock.turn(hours=4)

    def listed(**filters: str) -> set[str]:
        found = slow_world.client.list_jobs(vaultName="photos", **filters)["JobList"]
        return {job["JobId"] for job in found}

    for state, job in jobs.items():
        assert listed(statuscode=state) == {job}
    assert listed(completed="false") == {jobs["InProgress"]}
    assert listed(completed="true") == {jobs["Failed"], jobs["Succeeded"]}
    assert listed(completed="true", statuscode="InProgress") == set()


def test_deleting_an_archive_fails_the_job_in_progress(slow_world: Any) -> None:
    """A retrieval under way fails when its archive is deleted: it completes, and has no output."""
    archive = slow_world.upload()
    job = slow_world.start_retrieval(archive)
    slow_world.client.delete_archive(vaultName="photos", archiveId=archive)
    assert slow_world.describe_job(job)["StatusCode"] == "InProgress"
    slow_world.clock.turn(hours=4)
    shown = slow_world.describe_job(job)
    assert (shown["Completed"], shown["StatusCode"]) == (True, "Failed")
    assert slow_world.refusal(slow_world.output, job_id=job)[:2] == (400, INVALID)


def test_realistic_inventories_wait_for_the_first_one(slow_world: Any) -> None:
    """Before the first inventory was made, asking for it is a 404; afterwards it takes hours."""
    slow_world.upload(description="first")
    assert slow_world.refusal(slow_world.start_inventory)[:2] == (404, "ResourceNotFoundException")
    slow_world.clock.turn(hours=12)
    slow_world.upload(description="second")
    job = slow_world.start_inventory()
    assert slow_world.describe_job(job)["StatusCode"] == "InProgress"
    slow_world.upload(description="third")
    slow_world.clock.turn(hours=4)
    answer = json.loads(slow_world.output(job))
    assert answer["InventoryDate"] == "2026-03-02T00:00:00Z"
    assert [item["ArchiveDescription"] for item in answer["ArchiveList"]] == ["first"]
