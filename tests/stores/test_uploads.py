"""Multipart uploads, whatever keeps them."""

from io import BytesIO

import pytest

from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.service import Tier
from glacierkeep.domain.treehash import tree_hash
from glacierkeep.errors import BytesMismatch, NotFound, ServiceError
from glacierkeep.stores.store import Body

MIB = 1024 * 1024
FIRST, LAST = b"a" * MIB, b"b" * 500
CONTENT = FIRST + LAST


@pytest.fixture
def store(whole_world):
    return whole_world.store


@pytest.fixture
def upload_id(store, as_body):
    """An upload with both of its parts sent, the last one first."""
    upload_id = store.initiate_upload(MIB, "two parts")
    store.upload_part(upload_id, MIB, as_body(LAST))
    store.upload_part(upload_id, 0, as_body(FIRST))
    return upload_id


def test_parts_become_an_archive(store, upload_id):
    """The completed archive is the parts in order."""
    archive_id = store.complete_upload(upload_id, len(CONTENT), tree_hash(CONTENT))
    job_id = store.request_archive(archive_id, None, Tier.BULK, "")
    with store.open_output(job_id) as output:
        assert output.tree_hash == tree_hash(CONTENT)
        assert b"".join(iter(lambda: output.read(MIB), b"")) == CONTENT
    assert list(store.list_uploads()) == []


def test_completing_again_gives_the_same_archive(store, upload_id):
    """A lost answer is asked for once more."""
    first = store.complete_upload(upload_id, len(CONTENT), tree_hash(CONTENT))
    assert store.complete_upload(upload_id, len(CONTENT), tree_hash(CONTENT)) == first


def test_what_was_sent_is_listed(store, upload_id):
    """The parts are listed by range with their tree hashes, the upload with its description."""
    parts = list(store.list_parts(upload_id))
    assert [part.range for part in parts] == [ByteRange(0, MIB), ByteRange(MIB, len(CONTENT))]
    assert [part.tree_hash for part in parts] == [tree_hash(FIRST), tree_hash(LAST)]
    (upload,) = store.list_uploads()
    assert (upload.upload_id, upload.description, upload.part_size) == (upload_id, "two parts", MIB)


def test_long_lists_come_in_pages(store, as_body):
    """More parts and uploads than one answer holds are all listed."""
    small = as_body(b"x")
    uploads = {store.initiate_upload(MIB, "") for _ in range(52)}
    assert {upload.upload_id for upload in store.list_uploads()} == uploads
    upload_id = uploads.pop()
    for number in range(52):
        store.upload_part(upload_id, number * MIB, small)
    assert [part.range.start for part in store.list_parts(upload_id)] == [n * MIB for n in range(52)]


def test_a_part_that_is_opened_is_read_to_its_end(store):
    """A part may come from a file; sending it again replaces it."""
    upload_id = store.initiate_upload(MIB, "")
    digest = tree_hash(LAST)
    for _ in range(2):
        store.upload_part(upload_id, 0, Body(lambda: BytesIO(LAST), len(LAST), digest, digest))
    assert store.complete_upload(upload_id, len(LAST), digest)


def test_a_part_with_other_bytes_is_refused(store, as_body):
    """Bytes that have not the declared hash do not become a part."""
    upload_id = store.initiate_upload(MIB, "")
    right = as_body(LAST)
    with pytest.raises(BytesMismatch):
        store.upload_part(upload_id, 0, Body(LAST, len(LAST), right.sha256, tree_hash(FIRST)))
    assert list(store.list_parts(upload_id)) == []


def test_completing_with_a_wrong_hash_leaves_the_upload_open(store, upload_id):
    """The refusal costs nothing: the right hash completes it."""
    with pytest.raises(ServiceError):
        store.complete_upload(upload_id, len(CONTENT), bytes(32))
    assert store.complete_upload(upload_id, len(CONTENT), tree_hash(CONTENT))


def test_an_upload_that_was_given_up_is_gone(store, upload_id):
    """It is not listed, its parts are not found, and giving it up again is no error."""
    store.abort_upload(upload_id)
    store.abort_upload(upload_id)
    assert list(store.list_uploads()) == []
    with pytest.raises(NotFound):
        list(store.list_parts(upload_id))


def test_uploads_that_never_were(store, as_body):
    """Sending to an upload the service does not know says that it is not found."""
    with pytest.raises(NotFound):
        store.upload_part("u" * 92, 0, as_body(LAST))
    with pytest.raises(NotFound):
        store.complete_upload("u" * 92, 1, bytes(32))
