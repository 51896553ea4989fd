"""Multipart uploads through a real client: parts, completion, abortion, expiry."""

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

INVALID = "InvalidParameterValueException"
MISSING = "MissingParameterValueException"
MIB = 1024 * 1024


def not_found(upload: str) -> tuple[int, str, str]:
    return 404, "ResourceNotFoundException", f"The upload ID was not found: {upload}"


def test_parts_in_any_order_make_one_archive(world: Any) -> None:
    """Parts may come in any order, the last may be short, and the archive is all of them in place."""
    content = world.some_bytes(5 * MIB + 17)
    upload = world.initiate(2 * MIB, archiveDescription="holiday")
    for start in (4 * MIB, 0, 2 * MIB):
        answer = world.part(upload, start, content[start : start + 2 * MIB])
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
        assert answer["checksum"] == world.tree_hash(content[start : start + 2 * MIB])
    archive = world.complete(upload, content)
    assert len(archive) == 138
    assert world.retrieve(archive) == content
    assert world.describe()["SizeInBytes"] == len(content) + 32768


def test_initiating_names_the_upload(world: Any) -> None:
    """The answer is 201 with an id of 92 characters and its place."""
    answer = world.client.initiate_multipart_upload(vaultName="photos", partSize=str(MIB))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert len(answer["uploadId"]) == 92
    assert answer["location"] == f"/000000000000/vaults/photos/multipart-uploads/{answer['uploadId']}"


def test_completing_names_the_archive(world: Any) -> None:
    """The answer is 201 with the archive's id, place and tree hash."""
    upload = world.initiate()
    world.part(upload, 0, b"abc")
    answer = world.client.complete_multipart_upload(
        vaultName="photos", uploadId=upload, archiveSize="3", checksum=world.tree_hash(b"abc")
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert answer["location"] == f"/000000000000/vaults/photos/archives/{answer['archiveId']}"
    assert answer["checksum"] == world.tree_hash(b"abc")


@pytest.mark.parametrize(
    "size", ["0", "1", "1048575", "1048577", "3145728", "8589934592", "x", "-1048576", "1048576.0", "9" * 30]
)
def test_part_sizes_are_powers_of_two(world: Any, size: str) -> None:
    """A part size is 2**n MiB from 1 MiB to 4 GiB; the refusal is the real one."""
    message = (
        f"Invalid part size: {size}. Part size must not be null, must be a power of two and be between "
        "1048576 and 4294967296 bytes."
    )
    call = world.client.initiate_multipart_upload
    assert world.refusal(call, vaultName="photos", partSize=size) == (400, INVALID, message)


@pytest.mark.parametrize("power", range(13))
def test_thirteen_part_sizes_are_allowed(world: Any, power: int) -> None:
    """1 MiB to 4 GiB, both included."""
    upload = world.initiate(MIB << power)
    listed = world.client.list_parts(vaultName="photos", uploadId=upload)
    assert listed["PartSizeInBytes"] == MIB << power


def test_the_part_size_is_required(world: Any) -> None:
    """Without the header there is no upload."""
    wanted = (400, MISSING, "Required parameter missing: x-amz-part-size")
    assert world.refusal(world.client.initiate_multipart_upload, vaultName="photos") == wanted


@pytest.mark.parametrize(
    "content_range",
    ["bytes 3-2/*", "0-2/*", "bytes=0-2/*", "bytes 0-2", "bytes 0-2/3", "bytes a-b/*", "bytes 909-908/*"],
)
def test_a_range_that_is_none_is_refused(world: Any, content_range: str) -> None:
    """Content-Range has the form ``bytes FIRST-LAST/*``."""
    upload = world.initiate()
    answer = world.refusal(
        world.client.upload_multipart_part,
        vaultName="photos",
        uploadId=upload,
        range=content_range,
        body=b"abc",
    )
    assert answer == (400, INVALID, f"Invalid Content-Range: {content_range}")


def test_a_range_is_required(world: Any) -> None:
    """A part without Content-Range is refused."""
    call = world.client.upload_multipart_part
    answer = world.refusal(call, vaultName="photos", uploadId=world.initiate(), body=b"abc")
    assert answer == (400, MISSING, "Required parameter missing: Content-Range")


def test_the_range_agrees_with_the_length(world: Any) -> None:
    """A range that is longer or shorter than the body is refused with the real words."""
    upload = world.initiate(4 * MIB)
    for content_range, body in (("bytes 0-4194303/*", bytes(1000)), ("bytes 0-1/*", b"abc")):
        answer = world.refusal(
            world.client.upload_multipart_part,
            vaultName="photos",
            uploadId=upload,
            range=content_range,
            body=body,
        )
        message = f"Content-Range: {content_range} is incompatible with Content-Length: {len(body)}"
        assert answer == (400, INVALID, message)


def test_an_empty_part_is_refused(world: Any) -> None:
    """A range holds at least one byte, so an empty body never agrees with it."""
    path = f"/-/vaults/photos/multipart-uploads/{world.initiate()}"
    status, _, body = world.send("PUT", path, Content_Range="bytes 0-0/*", **world.hashes(b""))
    assert (status, INVALID.encode() in body) == (400, True)


@pytest.mark.parametrize(("start", "size"), [(MIB, MIB), (1, 10), (0, 2 * MIB + 1), (2 * MIB, 3 * MIB)])
def test_parts_lie_on_the_grid(world: Any, start: int, size: int) -> None:
    """A part that begins elsewhere or is longer than the part size is refused."""
    upload = world.initiate(2 * MIB)
    status, code, message = world.refusal(world.part, upload_id=upload, start=start, content=bytes(size))
    assert (status, code) == (400, INVALID)
    assert message.endswith("is incompatible with x-amz-part-size: 2097152")


def test_the_ten_thousand_and_first_part_is_refused(world: Any) -> None:
    """An upload has at most 10,000 parts, counted by their place."""
    upload = world.initiate()
    world.part(upload, 9_999 * MIB, b"last")
    message = (
        "This is part number 10001 for the current multipart upload. It exceeds the limit of 10000 parts."
    )
    answer = world.refusal(world.part, upload_id=upload, start=10_000 * MIB, content=b"x")
    assert answer == (400, INVALID, message)


def test_a_part_with_another_checksum_is_refused(world: Any) -> None:
    """A part whose tree hash differs from its header is refused and not listed."""
    upload = world.initiate()
    answer = world.refusal(
        world.client.upload_multipart_part,
        vaultName="photos",
        uploadId=upload,
        range="bytes 0-2/*",
        body=b"abc",
        checksum="0" * 64,
    )
    computed = world.tree_hash(b"abc")
    assert answer == (400, INVALID, f"Checksum mismatch: expected {'0' * 64}, computed {computed}")
    assert world.client.list_parts(vaultName="photos", uploadId=upload)["Parts"] == []


def test_the_same_range_again_replaces_it(world: Any) -> None:
    """A part sent twice counts once, as it was sent last; the first bytes are gone from the disk."""
    upload = world.initiate()
    world.part(upload, 0, world.some_bytes(MIB, 1))
    world.part(upload, 0, world.some_bytes(MIB, 2))
    assert len(world.client.list_parts(vaultName="photos", uploadId=upload)["Parts"]) == 1
    archive = world.complete(upload, world.some_bytes(MIB, 2))
    assert world.retrieve(archive) == world.some_bytes(MIB, 2)
    sizes = [path.stat().st_size for path in world.service.folder.rglob("*") if path.is_file()]
    assert sizes.count(MIB) == 1


def test_a_short_part_is_taken_but_not_completed(world: Any) -> None:
    """A part in the middle that is too short is accepted; completing fails until it was sent in full."""
    content = world.some_bytes(2 * MIB)
    upload = world.initiate()
    world.part(upload, 0, content[: MIB - 1])
    world.part(upload, MIB, content[MIB:])
    status, code, _ = world.refusal(world.complete, upload_id=upload, content=content)
    assert (status, code) == (400, INVALID)
    world.part(upload, 0, content[:MIB])
    assert world.retrieve(world.complete(upload, content)) == content


def test_missing_parts_are_refused(world: Any) -> None:
    """An upload with a gap, at the beginning or between, cannot be completed and stays open."""
    content = world.some_bytes(3 * MIB)
    upload = world.initiate()
    assert world.refusal(world.complete, upload_id=upload, content=content)[:2] == (400, INVALID)
    world.part(upload, 2 * MIB, content[2 * MIB :])
    assert world.refusal(world.complete, upload_id=upload, content=content)[:2] == (400, INVALID)
    world.part(upload, 0, content[:MIB])
    wanted = (400, INVALID, f"Missing content range: bytes {MIB}-{2 * MIB - 1}")
    assert world.refusal(world.complete, upload_id=upload, content=content) == wanted
    world.part(upload, MIB, content[MIB : 2 * MIB])
    assert world.retrieve(world.complete(upload, content)) == content


def test_completing_checks_size_and_tree_hash(world: Any) -> None:
    """A wrong size or hash is refused, the upload stays open, and right values complete it."""
    content = world.some_bytes(MIB + 5)
    upload = world.initiate()
    world.part(upload, 0, content[:MIB])
    world.part(upload, MIB, content[MIB:])
    right = {"archiveSize": str(len(content)), "checksum": world.tree_hash(content)}
    call, named = world.client.complete_multipart_upload, {"vaultName": "photos", "uploadId": upload}
    for wrong, message in (
        ({"archiveSize": "7"}, "Invalid x-amz-archive-size: 7"),
        ({"archiveSize": "x"}, "Invalid x-amz-archive-size: x"),
        ({"checksum": "0" * 64}, f"Invalid x-amz-sha256-tree-hash: {'0' * 64}"),
        ({"checksum": "zz"}, "Invalid x-amz-sha256-tree-hash: zz"),
    ):
        assert world.refusal(call, **named, **{**right, **wrong}) == (400, INVALID, message)
    without = {"archiveSize": right["archiveSize"]}
    missing = "Required parameter missing: x-amz-sha256-tree-hash"
    assert world.refusal(call, **named, **without) == (400, MISSING, missing)
    missing = "Required parameter missing: x-amz-archive-size"
    assert world.refusal(call, **named, checksum=right["checksum"]) == (400, MISSING, missing)
    assert call(**named, **right)["archiveId"]


def test_completing_again_gives_the_same_archive(world: Any) -> None:
    """For an hour a repeated Complete answers as before; meanwhile the upload is not listed, nor its parts."""
    upload = world.initiate()
    world.part(upload, 0, b"abc")
    archive = world.complete(upload, b"abc")
    world.clock.turn(minutes=59)
    assert world.complete(upload, b"abc") == archive
    assert world.describe()["NumberOfArchives"] == 1
    assert world.client.list_multipart_uploads(vaultName="photos")["UploadsList"] == []
    listing = world.client.list_parts
    assert world.refusal(listing, vaultName="photos", uploadId=upload) == not_found(upload)
    assert world.refusal(world.part, upload_id=upload, start=0, content=b"abc") == not_found(upload)
    assert world.refusal(world.complete, upload_id=upload, content=b"abd")[1] == INVALID
    world.clock.turn(minutes=1)
    assert world.refusal(world.complete, upload_id=upload, content=b"abc") == not_found(upload)


def test_aborting_lets_go_of_the_parts(world: Any) -> None:
    """An aborted upload is gone with its bytes; aborting again is no error for an hour."""
    upload = world.initiate()
    world.part(upload, 0, world.some_bytes(MIB))
    abort = world.client.abort_multipart_upload
    for _ in range(2):
        answer = abort(vaultName="photos", uploadId=upload)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert world.refusal(world.part, upload_id=upload, start=0, content=b"abc") == not_found(upload)
    assert world.refusal(world.complete, upload_id=upload, content=b"abc") == not_found(upload)
    sizes = [path.stat().st_size for path in world.service.folder.rglob("*") if path.is_file()]
    assert MIB not in sizes
    world.clock.turn(hours=1)
    assert world.refusal(abort, vaultName="photos", uploadId=upload) == not_found(upload)


def test_a_completed_upload_cannot_be_aborted(world: Any) -> None:
    """Aborting after completion fails and the archive stays."""
    upload = world.initiate()
    world.part(upload, 0, b"abc")
    archive = world.complete(upload, b"abc")
    call = world.client.abort_multipart_upload
    assert world.refusal(call, vaultName="photos", uploadId=upload) == not_found(upload)
    assert world.retrieve(archive) == b"abc"


def test_an_unknown_upload_is_not_found(world: Any) -> None:
    """Ids that never were, or belong to another vault, are not found."""
    world.client.create_vault(vaultName="other")
    upload = world.initiate()
    for vault, name in (("photos", "-" * 92), ("other", upload)):
        for call in (world.client.list_parts, world.client.abort_multipart_upload):
            assert world.refusal(call, vaultName=vault, uploadId=name) == not_found(name)


def test_idle_uploads_expire_after_a_day(world: Any) -> None:
    """24 hours without a part and the upload is gone; each part starts the day again."""
    upload = world.initiate()
    world.clock.turn(hours=23)
    world.part(upload, 0, b"abc")
    world.clock.turn(hours=23, minutes=59)
    assert len(world.client.list_multipart_uploads(vaultName="photos")["UploadsList"]) == 1
    world.clock.turn(minutes=1)
    assert world.client.list_multipart_uploads(vaultName="photos")["UploadsList"] == []
    assert world.refusal(world.complete, upload_id=upload, content=b"abc") == not_found(upload)


def test_parts_are_listed_by_range_in_pages(world: Any) -> None:
    """ListParts gives 50 parts at once, sorted, and its markers lead through all of them."""
    upload = world.initiate(archiveDescription="many")
    places = list(range(53))
    random.Random(3).shuffle(places)
    for place in places:
        world.part(upload, place * MIB, b"%d" % place)
    first = world.client.list_parts(vaultName="photos", uploadId=upload)
    assert (len(first["Parts"]), first["ArchiveDescription"]) == (50, "many")
    assert first["Parts"][0] == {"RangeInBytes": "0-0", "SHA256TreeHash": world.tree_hash(b"0")}
    pages = world.client.get_paginator("list_parts").paginate(
        vaultName="photos", uploadId=upload, PaginationConfig={"PageSize": 20}
    )
    starts = [int(part["RangeInBytes"].split("-")[0]) for page in pages for part in page["Parts"]]
    assert starts == [place * MIB for place in range(53)]


def test_listings_spell_out_nulls(world: Any) -> None:
    """Without description and further pages the JSON holds nulls, keys in alphabetical order."""
    upload = world.initiate()
    arn = "arn:aws:glacier:us-east-1:000000000000:vaults/photos"
    shown = (
        f'"CreationDate":"2026-03-01T12:00:00.250Z",%s"MultipartUploadId":"{upload}",'
        f'"PartSizeInBytes":1048576,%s"VaultARN":"{arn}"}}'
    )
    _, _, body = world.send("GET", f"/-/vaults/photos/multipart-uploads/{upload}")
    assert body.decode() == '{"ArchiveDescription":null,' + shown % ('"Marker":null,', '"Parts":[],')
    _, _, body = world.send("GET", "/-/vaults/photos/multipart-uploads")
    listed = '{"ArchiveDescription":null,' + shown % ("", "")
    assert body.decode() == f'{{"Marker":null,"UploadsList":[{listed}]}}'


def test_uploads_are_listed_in_pages(world: Any) -> None:
    """ListMultipartUploads leads through all open uploads of the vault."""
    uploads = [world.initiate() for _ in range(7)]
    pages = world.client.get_paginator("list_multipart_uploads").paginate(
        vaultName="photos", PaginationConfig={"PageSize": 3}
    )
    assert [item["MultipartUploadId"] for page in pages for item in page["UploadsList"]] == uploads


@pytest.mark.parametrize("name", ["limit", "marker"])
def test_listings_refuse_wrong_limits_and_markers(world: Any, name: str) -> None:
    """A limit is 1 to 50; a marker is one that was given."""
    upload = world.initiate()
    for value in ("0", "51", "1000", "x", "!"):
        wanted = (400, INVALID, f"Invalid {name}: {value}")
        calls = world.client.list_multipart_uploads, world.client.list_parts, world.client.list_jobs
        for call, more in zip(calls, ({}, {"uploadId": upload}, {}), strict=True):
            if name == "limit" or value != "1000":
                assert world.refusal(call, vaultName="photos", **{name: value}, **more) == wanted


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    power=st.integers(0, 1),
    size=st.integers(1, 5 * MIB),
    order=st.randoms(use_true_random=False),
    repeats=st.integers(0, 2),
)
def test_any_valid_sequence_of_parts_gives_the_archive(
    lasting_world: Any, power: int, size: int, order: random.Random, repeats: int
) -> None:
    """Whatever the part size, order and repetitions, the archive is the content."""
    part_size = MIB << power
    content = lasting_world.some_bytes(size, size)
    starts = list(range(0, size, part_size))
    upload = lasting_world.initiate(part_size)
    for start in order.choices(starts, k=repeats):
        stale = lasting_world.some_bytes(min(part_size, size - start), 1)
        lasting_world.part(upload, start, stale)
    order.shuffle(starts)
    for start in starts:
        lasting_world.part(upload, start, content[start : start + part_size])
    archive = lasting_world.complete(upload, content)
    assert lasting_world.retrieve(archive) == content
