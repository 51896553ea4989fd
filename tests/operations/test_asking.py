"""Asking the service for jobs, at most once for each."""

from pathlib import Path

import pytest

from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.records import Archive, Job, JobProgress
from glacierkeep.domain.service import JobAction, Tier
from glacierkeep.domain.token import is_token
from glacierkeep.errors import NotFound, ServiceUnreachable
from glacierkeep.events import JobMoved, JobRequested
from glacierkeep.operations import asking
from support.unreliable import once
from support.world import World


@pytest.fixture
def archive(slow_world: World, folder: Path) -> Archive:
    """The biggest of what was uploaded."""
    slow_world.upload(folder)
    rows = slow_world.catalog.archive_rows(slow_world.vault.vault_id)
    return max(rows, key=lambda each: each.size)


def intend(world: World, archive: Archive, wanted: ByteRange | None = None) -> Job:
    with world.catalog.write() as records:
        key = records.jobs.intend(
            world.vault.vault_id,
            asking.new_token(),
            JobAction.ARCHIVE,
            archive.archive_key,
            wanted,
            Tier.BULK,
        )
        return records.jobs.get(key)


def ask(world: World, job: Job, archive: Archive) -> Job:
    return asking.ask(
        job, archive, catalog=world.catalog, store=world.store, tell=world.told.append, perhaps_asked=True
    )


def look(world: World, job: Job) -> Job:
    return asking.look(job, catalog=world.catalog, store=world.store, tell=world.told.append)


def test_tokens() -> None:
    """128 random bits as 26 letters, never the same twice."""
    tokens = {asking.new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(is_token(each) for each in tokens)


def test_a_job_from_intent_to_expiry(slow_world: World, archive: Archive) -> None:
    """Intended, requested, ready with the hour of its expiry, expired: each written down and told."""
    world = slow_world
    job = ask(world, intend(world, archive), archive)
    assert job.progress is JobProgress.REQUESTED
    assert look(world, job) == job

    world.clock.turn(hours=9)
    ready = look(world, job)
    assert ready.progress is JobProgress.READY
    assert ready.completed_at is not None
    assert ready.expires_at is not None
    assert (ready.expires_at - ready.completed_at).total_seconds() == 24 * 3600

    world.clock.turn(days=2)
    assert look(world, ready).progress is JobProgress.EXPIRED
    assert [each.state for each in world.told if isinstance(each, JobMoved)] == ["ready", "expired"]


def test_size_and_tier_are_told(slow_world: World, archive: Archive) -> None:
    """What is asked for is told with the bytes it brings: those of the range, if there is one."""
    ask(slow_world, intend(slow_world, archive, ByteRange(0, 1 << 20)), archive)
    (told,) = [each for each in slow_world.told if isinstance(each, JobRequested)]
    assert (told.size, told.tier, told.action) == (1 << 20, "Bulk", "archive")


def test_a_lost_answer(slow_world: World, archive: Archive) -> None:
    """The request arrived, the answer did not: asked again, the job is found, not started anew."""
    world = slow_world
    job = intend(world, archive)
    world.service.after = once("InitiateJob")
    with pytest.raises(ServiceUnreachable):
        ask(world, job, archive)
    with world.catalog.read() as records:
        assert records.jobs.get(job.job_key).progress is JobProgress.INTENDED

    found = ask(world, job, archive)

    assert found.progress is JobProgress.REQUESTED
    assert world.service.done["InitiateJob"] == 1


def test_an_archive_the_service_does_not_know(slow_world: World, archive: Archive) -> None:
    """NotFound is for good: the job is failed, with the service's words, and not asked for again."""
    world = slow_world
    world.store.delete_archive(archive.archive_id)
    job = intend(world, archive)
    with pytest.raises(NotFound):
        ask(world, job, archive)
    with world.catalog.read() as records:
        failed = records.jobs.get(job.job_key)
        assert records.jobs.open() == []
    assert failed.progress is JobProgress.FAILED
    assert "archive ID was not found" in failed.message
