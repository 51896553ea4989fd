"""Job output: ranges of archives, hashes of ranges, inventories in JSON and CSV."""

import csv
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.local.answers.inventories import quote

INVALID = "InvalidParameterValueException"
MIB = 1024 * 1024
HEADER = "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash"


def fetch(world: Any, job: str, **more: str) -> tuple[Any, bytes]:
    answer = world.client.get_job_output(vaultName="photos", jobId=job, **more)
    return answer, answer["body"].read()


def test_a_whole_archive_comes_with_its_hash_and_description(world: Any) -> None:
    """200 with everything, its type, its tree hash and its description."""
    content = world.some_bytes(3 * MIB + 7)
    job = world.start_retrieval(world.upload(content, "a cat"))
    answer, body = fetch(world, job)
    assert body == content
    assert (answer["status"], answer["contentType"]) == (200, "application/octet-stream")
    assert (answer["checksum"], answer["archiveDescription"]) == (world.tree_hash(content), "a cat")
    assert answer["acceptRanges"] == "bytes"
    assert "contentRange" not in answer


def test_ranges_of_a_retrieved_range(world: Any) -> None:
    """A job of a range gives that range; a download range counts from its beginning."""
    content = world.some_bytes(5 * MIB + 3)
    archive = world.multipart(content, 2 * MIB)
    job = world.start_retrieval(archive, RetrievalByteRange=f"{MIB}-{len(content) - 1}")
    assert world.describe_job(job)["RetrievalByteRange"] == f"{MIB}-{len(content) - 1}"
    assert world.output(job) == content[MIB:]
    answer, body = fetch(world, job, range=f"bytes={MIB + 5}-{3 * MIB}")
    assert body == content[2 * MIB + 5 : 4 * MIB + 1]
    assert answer["status"] == 206
    assert answer["contentRange"] == f"bytes {MIB + 5}-{3 * MIB}/{4 * MIB + 3}"


def test_the_hash_of_a_range_is_sent_only_when_it_has_one(world: Any) -> None:
    """Job and download range must both be nodes of the archive's tree, else no hash is sent."""
    content = world.some_bytes(6 * MIB + 9)
    archive = world.multipart(content, 4 * MIB)
    aligned = world.start_retrieval(archive, RetrievalByteRange=f"{4 * MIB}-{len(content) - 1}")
    crooked = world.start_retrieval(archive, RetrievalByteRange=f"{MIB}-{4 * MIB - 1}")
    assert world.describe_job(aligned)["SHA256TreeHash"] == world.tree_hash(content[4 * MIB :])
    assert "SHA256TreeHash" not in world.describe_job(crooked)
    whole = fetch(world, aligned)[0]
    assert whole["checksum"] == world.tree_hash(content[4 * MIB :])
    part = fetch(world, aligned, range=f"bytes=0-{2 * MIB - 1}")[0]
    assert part["checksum"] == world.tree_hash(content[4 * MIB : 6 * MIB])
    last = fetch(world, aligned, range=f"bytes={2 * MIB}-{2 * MIB + 8}")[0]
    assert last["checksum"] == world.tree_hash(content[6 * MIB :])
    for wanted in (f"bytes=0-{MIB}", f"bytes={MIB}-{2 * MIB + 8}", "bytes=0-1023"):
        assert "checksum" not in fetch(world, aligned, range=wanted)[0]
    assert "checksum" not in fetch(world, crooked)[0]
    assert "checksum" not in fetch(world, crooked, range=f"bytes=0-{MIB - 1}")[0]


@pytest.mark.parametrize(
    "wanted", ["bytes 0-3/7", "0-3", "bytes=5-2", "bytes=x-y", "bytes=-3", "", "lines=0-3"]
)
def test_a_range_that_cannot_be_read_is_ignored(world: Any, wanted: str) -> None:
    """As in the real service, everything comes with 200 then."""
    job = world.start_retrieval(world.upload())
    answer, body = fetch(world, job, range=wanted)
    assert (answer["status"], body) == (200, b"content")


@pytest.mark.parametrize(
    ("wanted", "got"), [("bytes=4-", b"ent"), ("bytes=4-99", b"ent"), ("bytes=6-6", b"t")]
)
def test_a_range_ends_with_the_output(world: Any, wanted: str, got: bytes) -> None:
    """An end that is open or beyond the output is the output's end."""
    job = world.start_retrieval(world.upload())
    answer, body = fetch(world, job, range=wanted)
    assert (answer["status"], body) == (206, got)
    assert answer["contentRange"] == f"bytes {7 - len(got)}-6/7"


def test_a_range_beyond_the_output_is_refused(world: Any) -> None:
    """A start at or after the end is refused with the real words."""
    job = world.start_retrieval(world.upload())
    answer = world.refusal(world.output, job_id=job, range="bytes=7-9")
    message = "The start of the range is larger than size of retrieved data: bytes=7-9"
    assert answer == (400, INVALID, message)


def test_output_is_streamed(world: Any) -> None:
    """The body is read piece by piece, by size, by chunks and by lines, and its length is checked."""
    content = world.some_bytes(3 * MIB)
    job = world.start_retrieval(world.multipart(content))
    body = world.client.get_job_output(vaultName="photos", jobId=job)["body"]
    assert body.read(10) == content[:10]
    assert body.read(0) == b""
    assert b"".join(body.iter_chunks(300_000)) == content[10:]
    assert body.read() == b""
    body.close()


def test_an_inventory_lists_archives_as_the_service_does(world: Any) -> None:
    """Compact JSON, keys in the service's order, dates in seconds, no description as an empty string."""
    first = world.upload(b"one")
    world.clock.turn(seconds=61)
    second = world.upload(b"two", 'say "hi"\\')
    world.clock.turn(seconds=5)
    answer, body = fetch(world, world.start_inventory())
    one, two = world.tree_hash(b"one"), world.tree_hash(b"two")
    assert body.decode() == (
        '{"VaultARN":"arn:aws:glacier:us-east-1:000000000000:vaults/photos",'
        '"InventoryDate":"2026-03-01T12:01:06Z","ArchiveList":['
        f'{{"ArchiveId":"{first}","ArchiveDescription":"","CreationDate":"2026-03-01T12:00:00Z",'
        f'"Size":3,"SHA256TreeHash":"{one}"}},'
        f'{{"ArchiveId":"{second}","ArchiveDescription":"say \\"hi\\"\\\\",'
        f'"CreationDate":"2026-03-01T12:01:01Z","Size":3,"SHA256TreeHash":"{two}"}}]}}'
    )
    assert (answer["status"], answer["contentType"]) == (200, "application/json")
    assert "checksum" not in answer
    assert "archiveDescription" not in answer


def test_an_inventory_in_csv(world: Any) -> None:
    """The header line, a line for each archive, no vault and no inventory date."""
    archive = world.upload(b"one", "a,b")
    answer, body = fetch(world, world.start_inventory("CSV"))
    line = f'{archive},"a,b",2026-03-01T12:00:00Z,3,{world.tree_hash(b"one")}'
    assert body.decode() == f"{HEADER}\n{line}\n"
    assert answer["contentType"] == "text/csv"


@pytest.mark.parametrize(
    ("value", "raw"), [('"', r'"\""'), ("\\", '"\\"'), ('\\"', r'"\\""'), ("a\\b", r'"a\b"'), (",", '","')]
)
def test_csv_quotes_as_the_service_does(value: str, raw: str) -> None:
    """The pairs captured from the real service."""
    assert quote(value) == raw


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20))
def test_csv_quoting_can_be_read_back(text: str) -> None:
    """Without backslashes a csv module reads it; a comma is never bare."""
    raw = quote(text)
    assert ("," not in text) or (raw[0] == raw[-1] == '"')
    if "\\" not in text:
        rows = list(csv.reader([raw], escapechar="\\", doublequote=False))
        assert (rows[0] if rows and rows[0] else [""]) == [text]


def test_an_inventory_of_nothing(world: Any) -> None:
    """In the default mode an empty vault has an inventory at once: an empty one."""
    answer = json.loads(world.output(world.start_inventory()))
    assert answer["ArchiveList"] == []
    assert world.output(world.start_inventory("CSV")).decode() == HEADER + "\n"
    assert world.describe()["LastInventoryDate"] == "2026-03-01T12:00:00.250Z"


def listed(world: Any, job: str) -> list[str]:
    items = json.loads(world.output(job))["ArchiveList"]
    return [item["ArchiveDescription"] for item in items]


def test_an_inventory_is_frozen_when_asked_for(world: Any) -> None:
    """What is uploaded or deleted after InitiateJob does not change the job's list."""
    world.upload(description="stays")
    gone = world.upload(description="goes")
    job = world.start_inventory()
    world.client.delete_archive(vaultName="photos", archiveId=gone)
    world.upload(description="comes")
    assert listed(world, job) == ["stays", "goes"]
    assert listed(world, world.start_inventory()) == ["stays", "comes"]


def test_unchanged_vaults_keep_their_inventory_date(world: Any) -> None:
    """A new inventory is only made when something changed, and DescribeVault tells its date."""
    world.upload()
    world.clock.turn(hours=1)
    dates = []
    for _ in range(2):
        dates.append(json.loads(world.output(world.start_inventory()))["InventoryDate"])
        world.clock.turn(days=1)
    assert dates == ["2026-03-01T13:00:00Z"] * 2
    assert world.describe()["LastInventoryDate"] == "2026-03-01T13:00:00.250Z"


def test_inventories_filter_by_date(world: Any) -> None:
    """StartDate is included, EndDate is not; zones count."""
    for day in range(5):
        world.upload(description=f"day {day}")
        world.clock.turn(days=1)
    job = world.start_inventory(StartDate="2026-03-02T12:00:00Z", EndDate="2026-03-04T12:00:00Z")
    assert listed(world, job) == ["day 1", "day 2"]
    job = world.start_inventory(StartDate="2026-03-04T14:00:00+02:00")
    assert listed(world, job) == ["day 3", "day 4"]
    answer = world.refusal(
        world.start_inventory, StartDate="2026-03-02T00:00:00Z", EndDate="2026-03-01T00:00:00Z"
    )
    assert answer[:2] == (400, INVALID)


@pytest.mark.parametrize("form", ["JSON", "CSV"])
def test_inventories_page_by_marker(world: Any, form: str) -> None:
    """Each job tells in DescribeJob where the next one goes on; the last one tells nothing."""
    archives = [world.upload(b"%d" % at) for at in range(7)]
    found: list[str] = []
    filters = {"Limit": "3"}
    while True:
        job = world.start_inventory(form, **filters)
        body = world.output(job).decode()
        if form == "JSON":
            page = [item["ArchiveId"] for item in json.loads(body)["ArchiveList"]]
        else:
            page = [line.split(",")[0] for line in body.splitlines()[1:]]
        found += page
        assert len(page) <= 3
        marker = world.describe_job(job)["InventoryRetrievalParameters"].get("Marker")
        if marker is None:
            break
        filters["Marker"] = marker
    assert found == archives


def test_an_inventory_of_thousands(world: Any) -> None:
    """More archives than one page of records are all listed, in pieces and in ranges alike."""
    with world.service._state.writing() as db:
        rows = [(f"id{at}", f"d{at}", at) for at in range(2500)]
        db.executemany(
            "INSERT INTO archives (vault, id, description, created, size, tree_hash, born)"
            " VALUES (1, ?, ?, 0, 1, 'h', ?)",
            rows,
        )
        db.execute(
            "UPDATE vaults SET changes = 2500, archive_count = 2500, first_change = 0, last_change = 0"
        )
    job = world.start_inventory()
    body = world.output(job)
    assert [item["ArchiveId"] for item in json.loads(body)["ArchiveList"]] == [
        f"id{at}" for at in range(2500)
    ]
    assert world.describe_job(job)["InventorySizeInBytes"] == len(body)
    assert world.output(job, range="bytes=1000-99999") == body[1000:100_000]
