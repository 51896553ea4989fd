"""Uploads and jobs under way."""

from datetime import timedelta

import pytest

from catalog.keeping import Kept
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.records import JobProgress, UploadState
from glacierkeep.domain.service import JobAction, SentPart, Tier


def intend(kept: Kept, token: str = "t1", **change: object) -> int:
    """An upload written down before its first byte leaves."""
    said = {
        "vault_id": kept.vault.vault_id,
        "run_id": kept.run,
        "root_id": kept.root.root_id,
        "token": token,
        "kind": "file",
        "state": UploadState.INTENDED,
        "source": b"caf\xe9",
        "size": 10,
        "mtime_ns": 5,
        "inode": 2**64 - 1,
        "mode": 0o600,
        "part_size": 1 << 20,
        "description": "{}",
    }
    with kept.catalog.write() as records:
        return records.uploads.intend(**(said | change))


def test_an_intended_upload_comes_back(kept: Kept) -> None:
    """Everything said of an upload is there for the next run."""
    key = intend(kept)
    with kept.catalog.read() as records:
        upload = records.uploads.get(key)
        assert records.uploads.by_token(kept.vault.vault_id, "t1") == upload
        assert records.uploads.by_token(kept.vault.vault_id, "t2") is None
        with pytest.raises(KeyError):
            records.uploads.get(key + 1)
    assert (upload.source, upload.inode, upload.state) == (b"caf\xe9", 2**64 - 1, UploadState.INTENDED)
    assert (upload.upload_id, upload.created_at) == (None, kept.clock.now())


def test_an_upload_moves_on(kept: Kept) -> None:
    """What is not given stays; parts come back in order, a repeated one once."""
    key = intend(kept)
    with kept.catalog.write() as records:
        records.uploads.update(key, state=UploadState.OPEN, upload_id="id")
        records.uploads.update(key)
        records.uploads.part_sent(key, 1 << 20, 5, b"b" * 32)
        records.uploads.part_sent(key, 0, 1 << 20, b"a" * 32)
        records.uploads.part_sent(key, 0, 1 << 20, b"c" * 32)
        upload = records.uploads.get(key)
        assert (upload.state, upload.upload_id, upload.size) == (UploadState.OPEN, "id", 10)
        assert records.uploads.parts(key) == [
            SentPart(ByteRange(0, 1 << 20), b"c" * 32),
            SentPart(ByteRange(1 << 20, (1 << 20) + 5), b"b" * 32),
        ]
        records.uploads.drop_parts(key)
        assert records.uploads.parts(key) == []
        records.uploads.part_sent(key, 0, 1, b"c" * 32)
        records.uploads.forget(key)
        assert records.uploads.by_token(kept.vault.vault_id, "t1") is None


def test_outstanding_uploads(kept: Kept) -> None:
    """By vault and root, oldest first; uncertain ones only when asked for."""
    other = kept.other_vault()
    first = intend(kept)
    second = intend(kept, "t2", root_id=None, run_id=None)
    third = intend(kept, "t3", vault_id=other.vault_id, state=UploadState.UNCERTAIN)

    def keys(*args: object, **kwargs: object) -> list[int]:
        with kept.catalog.read() as records:
            return [upload.upload_key for upload in records.uploads.outstanding(*args, **kwargs)]

    assert keys() == [first, second]
    assert keys(uncertain=True) == [first, second, third]
    assert keys(other.vault_id) == []
    assert keys(root_id=kept.root.root_id, uncertain=True) == [first, third]


def ask(kept: Kept, token: str, archive: int | None, range: ByteRange | None = None) -> int:
    action = JobAction.INVENTORY if archive is None else JobAction.ARCHIVE
    with kept.catalog.write() as records:
        return records.jobs.intend(kept.vault.vault_id, token, action, archive, range, Tier.BULK)


def test_a_job_moves_on(kept: Kept) -> None:
    """A job is intended, requested and ready, and keeps what was learned on the way."""
    archive = kept.archive()
    key = ask(kept, "j1", archive, ByteRange(0, 100))
    later = kept.clock.now() + timedelta(days=1)
    with kept.catalog.write() as records:
        assert records.jobs.get(key).progress is JobProgress.INTENDED
        records.jobs.update(key, progress=JobProgress.REQUESTED, job_id="J")
        records.jobs.update(key, progress=JobProgress.READY, completed_at=kept.clock.now(), expires_at=later)
        job = records.jobs.get(key)
        assert (job.job_id, job.range, job.tier, job.expires_at) == ("J", ByteRange(0, 100), Tier.BULK, later)
        assert records.jobs.by_token(kept.vault.vault_id, "j1") == job
        assert records.jobs.by_token(kept.vault.vault_id, "j2") is None
        assert records.jobs.open() == [job]
        records.jobs.update(key, progress=JobProgress.COLLECTED, message="done")
        assert records.jobs.open() == []
        assert records.jobs.get(key).message == "done"
        with pytest.raises(KeyError):
            records.jobs.get(99)
    second = ask(kept, "j2", None)
    with kept.catalog.read() as records:
        assert [job.job_key for job in records.jobs.all()] == [second, key]
        assert [job.job_key for job in records.jobs.all(1)] == [second]


def test_a_job_is_used_again(kept: Kept) -> None:
    """An open job that holds the wanted range serves again, a ready one first, an expired or other one never."""
    archive, other = kept.archive(), kept.archive()
    part = ask(kept, "part", archive, ByteRange(0, 100))
    wide = ask(kept, "wide", archive, ByteRange(0, 200))
    ask(kept, "other", other)

    def found(range: ByteRange | None) -> int | None:
        with kept.catalog.read() as records:
            job = records.jobs.reusable(archive, range)
        return None if job is None else job.job_key

    assert found(ByteRange(10, 20)) == part
    assert found(ByteRange(90, 110)) == wide
    assert found(ByteRange(190, 210)) is None
    assert found(None) is None
    whole = ask(kept, "whole", archive)
    assert found(None) == found(ByteRange(190, 210)) == whole
    soon = kept.clock.now() + timedelta(hours=1)
    with kept.catalog.write() as records:
        records.jobs.update(wide, progress=JobProgress.READY, expires_at=soon)
        records.jobs.update(whole, progress=JobProgress.FAILED)
    assert found(ByteRange(10, 20)) == wide
    kept.clock.turn(hours=2)
    assert found(ByteRange(10, 20)) == part
    assert found(ByteRange(90, 110)) is None
