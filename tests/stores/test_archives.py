"""Archives sent in one request, fetched, deleted, whatever keeps them."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from io import BytesIO

import pytest

from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.service import JobAction, JobState, Tier
from glacierkeep.errors import BytesMismatch, NotFound, NotReady, VaultMissing
from glacierkeep.stores.store import Body

MIB = 1024 * 1024


def test_an_archive_comes_back_as_it_was(world, as_body):
    """What was uploaded is what the output of a finished job holds."""
    content = bytes(range(256)) * 40
    archive_id = world.store.upload_archive(as_body(content), '{"gk":1}')
    job_id = world.store.request_archive(archive_id, None, Tier.BULK, "for the test")
    world.finish(job_id)
    with world.store.open_output(job_id) as output:
        assert (output.start, output.stop) == (0, len(content))
        assert output.read(100) == content[:100]
        assert output.read(MIB) == content[100:]
        assert output.read(MIB) == b""


def test_an_opened_body_is_sent_whole(world):
    """Bytes that are opened for reading arrive like bytes that are held."""
    content = b"cold" * 200_000
    digest = sha256(content).digest()
    body = Body(lambda: BytesIO(content), len(content), digest, digest)
    archive_id = world.store.upload_archive(body, "")
    job_id = world.store.request_archive(archive_id, None, Tier.EXPEDITED, "")
    world.finish(job_id)
    with world.store.open_output(job_id) as output:
        assert b"".join(iter(lambda: output.read(65536), b"")) == content


def test_a_job_tells_what_it_does(world, content_body):
    """Its action, archive and tier are known from the beginning, its completion at the end."""
    archive_id = world.store.upload_archive(content_body, "")
    job_id = world.store.request_archive(archive_id, None, Tier.BULK, "")
    world.finish(job_id)
    status = world.store.describe_job(job_id)
    assert (status.job_id, status.action, status.archive_id) == (job_id, JobAction.ARCHIVE, archive_id)
    assert (status.state, status.tier) == (JobState.READY, Tier.BULK)
    assert status.completed_at is not None
    assert [job.job_id for job in world.store.list_jobs()] == [job_id]


def test_an_early_output_is_not_ready(moto, content_body):
    """Asking for the output of a job at work says to wait."""
    job_id = moto.store.request_archive(moto.store.upload_archive(content_body, ""), None, Tier.BULK, "")
    assert moto.store.describe_job(job_id).state is JobState.WORKING
    with pytest.raises(NotReady), moto.store.open_output(job_id):
        raise AssertionError("there is no output")


def test_a_range_of_the_output(whole_world, as_body):
    """A range of a range comes with its place and, if it is a subtree, with its tree hash."""
    content = bytes(MIB) + b"x" * 1000
    archive_id = whole_world.store.upload_archive(as_body(content), "")
    job_id = whole_world.store.request_archive(archive_id, ByteRange(MIB, MIB + 1000), Tier.STANDARD, "")
    assert whole_world.store.describe_job(job_id).size == 1000
    assert whole_world.store.describe_job(job_id).range == ByteRange(MIB, MIB + 1000)
    with whole_world.store.open_output(job_id, ByteRange(10, 20)) as output:
        assert (output.start, output.stop, output.tree_hash) == (10, 20, None)
        assert output.read(MIB) == b"x" * 10
    with whole_world.store.open_output(job_id) as output:
        assert output.tree_hash == sha256(b"x" * 1000).digest()


def test_wrong_hashes_are_refused(whole_world, content_body):
    """A body that has not the declared tree hash never becomes an archive."""
    wrong = Body(content_body.content, content_body.length, content_body.sha256, bytes(32))
    with pytest.raises(BytesMismatch):
        whole_world.store.upload_archive(wrong, "")
    job_id = whole_world.store.request_inventory("")
    with whole_world.store.read_inventory(job_id) as inventory:
        assert list(inventory) == []


def test_a_deleted_archive_is_gone(world, content_body):
    """It is in no later inventory."""
    kept = world.store.upload_archive(content_body, "kept")
    world.store.delete_archive(world.store.upload_archive(Body(b"a", 1, *[sha256(b"a").digest()] * 2), ""))
    job_id = world.store.request_inventory("")
    world.finish(job_id)
    with world.store.read_inventory(job_id) as inventory:
        listed = list(inventory)
    assert [(each.archive_id, each.description) for each in listed] == [(kept, "kept")]
    assert listed[0].tree_hash == content_body.tree_hash
    assert listed[0].size == content_body.length
    assert inventory.date is not None


def test_deleting_twice_is_no_error(whole_world, content_body):
    """An archive that is gone already is gone."""
    archive_id = whole_world.store.upload_archive(content_body, "")
    whole_world.store.delete_archive(archive_id)
    whole_world.store.delete_archive(archive_id)


def test_what_is_not_there_is_not_found(whole_world):
    """Unknown archives, jobs and vaults are told apart from other refusals."""
    with pytest.raises(NotFound):
        whole_world.store.request_archive("a" * 138, None, Tier.BULK, "")
    with pytest.raises(NotFound):
        whole_world.store.describe_job("j" * 92)
    with pytest.raises(VaultMissing):
        whole_world.missing.delete_archive("a" * 138)
    with pytest.raises(VaultMissing):
        list(whole_world.missing.list_jobs())


@pytest.mark.parametrize("description", ["two\nlines", "é", "x" * 1025, "\x7f"])
def test_descriptions_the_service_would_not_keep(local, content_body, description):
    """What is not at most 1,024 characters of printable ASCII is never sent."""
    with pytest.raises(ValueError, match="printable ASCII"):
        local.store.upload_archive(content_body, description)
    with pytest.raises(ValueError, match="printable ASCII"):
        local.store.request_inventory(description)


def test_several_threads_share_a_store(local):
    """Each archive arrives with the hash of its own bytes."""

    def send(number):
        content = bytes([number]) * 50_000
        digest = sha256(content).digest()
        return local.store.upload_archive(Body(content, len(content), digest, digest), str(number))

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(send, range(24)))
    job_id = local.store.request_inventory("")
    with local.store.read_inventory(job_id) as inventory:
        listed = {each.description: each for each in inventory}
    for number, archive_id in enumerate(ids):
        assert listed[str(number)].archive_id == archive_id
        assert listed[str(number)].tree_hash == sha256(bytes([number]) * 50_000).digest()
