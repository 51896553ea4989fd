"""Jobs: what the service works on for us."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, case, select

from glacierkeep.catalog.batches import inserted_key
from glacierkeep.catalog.schema_work import jobs, retrieval_jobs
from glacierkeep.clock import Clock
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.records import Job, JobProgress
from glacierkeep.domain.service import JobAction, Tier

_OPEN = (JobProgress.INTENDED, JobProgress.REQUESTED, JobProgress.READY)


class Jobs:
    """Our jobs of all vaults."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def intend(
        self,
        vault_id: int,
        token: str,
        action: JobAction,
        archive_key: int | None,
        range: ByteRange | None,
        tier: Tier,
        retrieval_id: int | None = None,
    ) -> int:
        """Write down a job before it is asked for; its key. *range* None means the whole archive."""
        row = {
            "vault_id": vault_id, "token": token, "action": str(action), "progress": str(JobProgress.INTENDED),
            "archive_key": archive_key, "range_start": range.start if range else None,
            "range_stop": range.stop if range else None, "tier": str(tier), "requested_at": self._clock.now(),
        }  # fmt: skip
        key = inserted_key(self._connection, jobs, row)
        if retrieval_id is not None:
            link = {"retrieval_id": retrieval_id, "job_key": key}
            self._connection.execute(retrieval_jobs.insert(), link)
        return key

    def update(
        self,
        job_key: int,
        *,
        progress: JobProgress,
        job_id: str | None = None,
        completed_at: datetime | None = None,
        expires_at: datetime | None = None,
        message: str | None = None,
    ) -> None:
        """Set its progress, and what else is given; None leaves it."""
        given = {
            "progress": str(progress), "job_id": job_id, "completed_at": completed_at,
            "expires_at": expires_at, "message": message,
        }  # fmt: skip
        values = {column: value for column, value in given.items() if value is not None}
        self._connection.execute(jobs.update().where(jobs.c.id == job_key).values(values))

    def get(self, job_key: int) -> Job:
        """The job with that key. Raises KeyError."""
        found = self._select(select(jobs).where(jobs.c.id == job_key))
        if not found:
            raise KeyError(job_key)
        return found[0]

    def by_token(self, vault_id: int, token: str) -> Job | None:
        """The job with that token, or None."""
        same = select(jobs).where(jobs.c.vault_id == vault_id, jobs.c.token == token)
        return next(iter(self._select(same)), None)

    def open(self) -> list[Job]:
        """Jobs that are intended, requested or ready, oldest first."""
        return self._select(select(jobs).where(jobs.c.progress.in_(_OPEN)).order_by(jobs.c.id))

    def all(self, limit: int = 100) -> list[Job]:
        """The newest *limit* jobs, newest first."""
        return self._select(select(jobs).order_by(jobs.c.id.desc()).limit(limit))

    def for_retrieval(self, retrieval_id: int) -> list[Job]:
        """The jobs a retrieval waits or waited for, oldest first."""
        linked = select(jobs).join(retrieval_jobs, retrieval_jobs.c.job_key == jobs.c.id)
        return self._select(linked.where(retrieval_jobs.c.retrieval_id == retrieval_id).order_by(jobs.c.id))

    def reusable(self, archive_key: int, range: ByteRange | None) -> Job | None:
        """An open job whose output holds *range* of the archive (None: all of it) and has not expired, or None.

        Ready ones come first, then requested ones.
        """
        wanted = select(jobs).where(
            jobs.c.archive_key == archive_key,
            jobs.c.progress.in_(_OPEN),
            jobs.c.expires_at.is_(None) | (jobs.c.expires_at > self._clock.now()),
            _holds(range),
        )
        order = case({str(one): at for at, one in enumerate(reversed(_OPEN))}, value=jobs.c.progress)
        return next(iter(self._select(wanted.order_by(order, jobs.c.id).limit(1))), None)

    def _select(self, wanted: Select[Any]) -> list[Job]:
        return [_job(row) for row in self._connection.execute(wanted)]


def _holds(range: ByteRange | None) -> ColumnElement[bool]:
    whole = jobs.c.range_start.is_(None)
    if range is None:
        return whole
    return whole | ((jobs.c.range_start <= range.start) & (jobs.c.range_stop >= range.stop))


def _job(row: Row[Any]) -> Job:
    return Job(
        job_key=row.id,
        vault_id=row.vault_id,
        token=row.token,
        action=JobAction(row.action),
        progress=JobProgress(row.progress),
        job_id=row.job_id,
        archive_key=row.archive_key,
        range=None if row.range_start is None else ByteRange(row.range_start, row.range_stop),
        tier=Tier(row.tier),
        requested_at=row.requested_at,
        completed_at=row.completed_at,
        expires_at=row.expires_at,
        message=row.message,
    )
