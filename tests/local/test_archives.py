"""Archives in one request: what is kept, and what is refused with which words."""

import json
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacierkeep.local import Headers, Request

INVALID = "InvalidParameterValueException"
MISSING = "MissingParameterValueException"
PATH = "/-/vaults/photos/archives"


def error(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, str]:
    return answer[0], answer[2].decode()


def body_of(code: str, message: str, kind: str = "Client") -> str:
    return f'{{"code":"{code}","message":"{message}","type":"{kind}"}}'


def test_what_was_uploaded_comes_back(world: Any) -> None:
    """An archive is retrieved byte for byte; its answer holds id, place and tree hash."""
    content = world.some_bytes(3 * world.MIB + 5)
    answer = world.client.upload_archive(vaultName="photos", body=BytesIO(content))
    archive = answer["archiveId"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert len(archive) == 138
    assert answer["location"] == f"/000000000000/vaults/photos/archives/{archive}"
    assert answer["checksum"] == world.tree_hash(content)
    assert world.retrieve(archive) == content


def test_a_body_is_read_from_where_it_stands(world: Any) -> None:
    """A seekable stream is taken from its current position to its end."""
    stream = BytesIO(b"not this, but this")
    stream.seek(14)
    answer = world.client.upload_archive(vaultName="photos", body=stream)
    assert world.retrieve(answer["archiveId"]) == b"this"


def test_equal_contents_are_two_archives(world: Any) -> None:
    """UploadArchive is not idempotent."""
    assert world.upload() != world.upload()
    assert world.describe()["NumberOfArchives"] == 2


def test_nothing_is_no_archive(world: Any) -> None:
    """Zero bytes are refused."""
    wanted = (400, INVALID, "Invalid Content-Length: 0")
    assert world.refusal(world.upload, content=b"") == wanted
    assert world.refusal(world.client.upload_archive, vaultName="photos") == wanted


def test_more_than_4_gib_is_too_much(world: Any) -> None:
    """A single upload of more than 4 GiB is refused before any of it is read."""
    for length in ("4294967297", "38505164800"):
        answer = world.send("POST", PATH, Content_Length=length, **world.hashes(b"x"))
        assert error(answer) == (400, body_of(INVALID, f"Invalid Content-Length: {length}"))


@pytest.mark.parametrize("length", ["x", "-1", "1.0", "１"])
def test_a_length_that_is_no_number_is_refused(world: Any, length: str) -> None:
    """Content-Length is a plain number."""
    answer = world.send("POST", PATH, body=b"x", Content_Length=length, **world.hashes(b"x"))
    assert answer[0] == 400
    assert INVALID.encode() in answer[2]


def test_a_missing_length_is_refused(world: Any) -> None:
    """Without Content-Length nothing is taken."""
    answer = world.send("POST", PATH, body=b"x", Content_Length=None, **world.hashes(b"x"))
    assert error(answer) == (400, body_of(MISSING, "Required parameter missing: Content-Length"))


@pytest.mark.parametrize("name", ["x-amz-content-sha256", "x-amz-sha256-tree-hash"])
def test_both_checksums_are_required_and_must_be_hashes(world: Any, name: str) -> None:
    """Neither checksum header may be missing or be anything but 64 hex digits."""
    key = name.replace("-", "_")
    absent = world.send("POST", PATH, body=b"x", **{**world.hashes(b"x"), key: None})
    assert error(absent) == (400, body_of(MISSING, f"Required parameter missing: {name}"))
    wrong = world.send("POST", PATH, body=b"x", **{**world.hashes(b"x"), key: "abc"})
    assert error(wrong) == (400, body_of(INVALID, f"Invalid {name}: abc"))


@pytest.mark.parametrize("key", ["x_amz_content_sha256", "x_amz_sha256_tree_hash"])
def test_a_checksum_that_differs_is_refused(world: Any, key: str) -> None:
    """Content that does not agree with either header is refused and leaves nothing behind."""
    content = world.some_bytes(2 * world.MIB)
    headers = world.hashes(content)
    sent, real = "0" * 64, headers[key]
    answer = world.send("POST", PATH, body=content, **{**headers, key: sent})
    assert error(answer) == (400, body_of(INVALID, f"Checksum mismatch: expected {sent}, computed {real}"))
    assert world.describe()["NumberOfArchives"] == 0
    assert not list(world.service.folder.glob("incoming/*"))


def test_a_body_that_is_too_short_times_out(world: Any) -> None:
    """When fewer bytes come than announced, the answer is that of the real service, which waits in vain."""
    answer = world.send("POST", PATH, body=b"abc", Content_Length="5", **world.hashes(b"abc"))
    assert answer[0] == 408
    assert b'"code":"RequestTimeoutException"' in answer[2]


def test_a_body_that_is_too_long_is_refused(world: Any) -> None:
    """More bytes than announced are not cut off silently."""
    answer = world.send("POST", PATH, body=b"abcde", Content_Length="3", **world.hashes(b"abc"))
    assert answer[0] == 400
    assert b'"code":"BadRequest"' in answer[2]


def test_a_sender_that_fails_is_not_the_services_fault(world: Any) -> None:
    """An error of the sender's own stream comes back to the sender, and nothing is kept."""

    class Broken(BytesIO):
        reads = 0

        def read(self, size: int | None = -1, /) -> bytes:
            self.reads += 1
            if self.reads > 1:
                raise OSError("the disk with the photos was pulled out")
            return super().read(min(size or 0, 100_000))

    headers = {"x-amz-glacier-version": "2012-06-01", "Content-Length": "200000"}
    headers |= {name.replace("_", "-"): value for name, value in world.hashes(b"x").items()}
    with pytest.raises(OSError, match="pulled out"):
        world.service(Request("POST", PATH, "", Headers(headers.items()), Broken(bytes(200_000))))
    assert not list(world.service.folder.glob("incoming/*"))


def inventory_descriptions(world: Any) -> list[str]:
    listed = json.loads(world.output(world.start_inventory()))["ArchiveList"]
    return [entry["ArchiveDescription"] for entry in listed]


def test_descriptions_lose_blanks_at_their_ends(world: Any) -> None:
    """Blanks around a description do not survive; those within do."""
    world.upload(description="  a  b  ")
    upload = world.initiate(archiveDescription="   c d ")
    world.part(upload, 0, b"x")
    world.complete(upload, b"x")
    assert inventory_descriptions(world) == ["a  b", "c d"]


def test_descriptions_are_ascii_of_at_most_1024(world: Any) -> None:
    """1,024 printable ASCII characters are the most; anything else is refused by both ways of uploading."""
    every = bytes(range(0x20, 0x7F)).decode() + "!"
    world.upload(description="x" * 1024)
    world.upload(description="!" + every)
    assert inventory_descriptions(world) == ["x" * 1024, "!" + every]
    for wrong in ("x" * 1025, "é", "a\tb", "日本", "a\x7fb"):
        single = world.refusal(world.upload, description=wrong)
        multipart = world.refusal(world.initiate, archiveDescription=wrong)
        assert single == multipart
        assert single[:2] == (400, INVALID)
        assert single[2].startswith("Invalid x-amz-archive-description: ")


def test_deleting_takes_an_archive_away(world: Any) -> None:
    """A deleted archive can no longer be retrieved, its bytes are gone; deleting again is no error."""
    archive = world.upload(b"to go")
    for _ in range(2):
        answer = world.client.delete_archive(vaultName="photos", archiveId=archive)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert world.refusal(world.start_retrieval, archive_id=archive) == (
        404,
        "ResourceNotFoundException",
        f"The archive ID was not found: {archive}",
    )
    assert world.describe()["NumberOfArchives"] == 0
    assert not [
        path for path in world.service.folder.rglob("*") if path.is_file() and path.stat().st_size == 5
    ]


def test_an_unknown_archive_is_not_deleted(world: Any) -> None:
    """An id that never was is not found."""
    answer = world.refusal(world.client.delete_archive, vaultName="photos", archiveId="-" * 138)
    assert answer == (404, "ResourceNotFoundException", "The archive ID was not found: " + "-" * 138)


def test_an_archive_of_another_vault_is_an_invalid_vault_name(world: Any) -> None:
    """The real service's misleading words for an id that belongs elsewhere."""
    world.client.create_vault(vaultName="other")
    archive = world.upload()
    wanted = (400, INVALID, "Invalid vault name: arn:aws:glacier:us-east-1:000000000000:vaults/other")
    job = {"Type": "archive-retrieval", "ArchiveId": archive}
    assert world.refusal(world.client.initiate_job, vaultName="other", jobParameters=job) == wanted
    assert world.refusal(world.client.delete_archive, vaultName="other", archiveId=archive) == wanted


def test_a_finished_retrieval_outlives_its_archive(world: Any) -> None:
    """Output that is ready stays until it expires, although the archive was deleted; then its bytes go."""
    archive = world.upload(b"still here")
    job = world.start_retrieval(archive)
    world.client.delete_archive(vaultName="photos", archiveId=archive)
    assert world.output(job) == b"still here"
    world.clock.turn(hours=24)
    world.service.advance(timedelta())
    assert world.refusal(world.output, job_id=job)[0] == 404
    sizes = [path.stat().st_size for path in world.service.folder.rglob("*") if path.is_file()]
    assert 10 not in sizes


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 3 * 1024 * 1024), st.integers(0, 255))
def test_any_content_comes_back(lasting_world: Any, size: int, seed: int) -> None:
    """Whatever its size, an archive comes back as it was."""
    content = lasting_world.some_bytes(size, seed)
    archive = lasting_world.upload(content)
    assert sha256(lasting_world.retrieve(archive)).digest() == sha256(content).digest()
