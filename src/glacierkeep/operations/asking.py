"""Asking the service for a job: written down first, because asking twice may cost twice.

The job's description carries our token. A job that was written down and perhaps asked for is looked up by it.
"""

import os
from collections.abc import Iterable
from datetime import timedelta
from itertools import islice

from glacierkeep.catalog import Catalog
from glacierkeep.domain.limits import JOBS_LISTED_AT_ONCE, OUTPUT_LIFE_HOURS
from glacierkeep.domain.records import Archive, Job, JobProgress
from glacierkeep.domain.service import JobAction, JobState, JobStatus
from glacierkeep.domain.token import TOKEN_BYTES, crockford
from glacierkeep.errors import NotFound
from glacierkeep.events import JobMoved, JobRequested, Listener
from glacierkeep.stores.store import Store

_PREFIX = "gk "


def new_token() -> str:
    """128 random bits as they stand in descriptions."""
    return crockford(os.urandom(TOKEN_BYTES))


def ask(
    job: Job,
    archive: Archive | None,
    *,
    catalog: Catalog,
    store: Store,
    tell: Listener,
    perhaps_asked: bool = False,
) -> Job:
    """Start *job*, which is INTENDED; with *perhaps_asked*, only if the service does not have it already.

    The job comes back as REQUESTED. Of something unknown to the service it is FAILED, and NotFound raised; whatever
    else goes wrong leaves it INTENDED for the next pass.
    """
    try:
        job_id = (_look_up(job, store) if perhaps_asked else None) or _request(job, archive, store)
    except NotFound as error:
        _move(job, JobProgress.FAILED, catalog=catalog, message=str(error))
        raise
    with catalog.write() as records:
        records.jobs.update(job.job_key, progress=JobProgress.REQUESTED, job_id=job_id)
        moved = records.jobs.get(job.job_key)
    size = 0 if archive is None else job.range.length if job.range else archive.size
    tell(JobRequested(str(store.address), job_id, job.action.value, size, job.tier.value))
    return moved


def seen_in_list(jobs: Iterable[Job], store: Store) -> dict[str, JobStatus]:
    """How those of *jobs* that are REQUESTED are, by their ids, as far as a list of all jobs tells it in fewer requests
    than asking for each would take. One that is not told of may be there all the same."""
    wanted = {job.job_id for job in jobs if job.progress is JobProgress.REQUESTED and job.job_id}
    seen: dict[str, JobStatus] = {}
    if len(wanted) > 1:
        for status in islice(store.list_jobs(), len(wanted) // 2 * JOBS_LISTED_AT_ONCE):
            if status.job_id in wanted:
                seen[status.job_id] = status
            if len(seen) == len(wanted):
                break
    return seen


def look(job: Job, *, catalog: Catalog, store: Store, tell: Listener, status: JobStatus | None = None) -> Job:
    """Ask the service how a REQUESTED job is, unless its *status* is known, and write it down: READY, FAILED, EXPIRED
    or as it was."""
    assert job.job_id is not None
    try:
        status = status or store.describe_job(job.job_id)
    except NotFound as error:
        return _told(job, JobProgress.EXPIRED, catalog=catalog, store=store, tell=tell, message=str(error))
    if status.state is JobState.WORKING:
        return job
    if status.state is JobState.FAILED:
        return _told(job, JobProgress.FAILED, catalog=catalog, store=store, tell=tell, message=status.message)
    return _ready(job, status, catalog=catalog, store=store, tell=tell)


def expire(job: Job, *, catalog: Catalog, store: Store, tell: Listener) -> Job:
    """Note that the output of *job* is there no longer."""
    return _told(job, JobProgress.EXPIRED, catalog=catalog, store=store, tell=tell)


def collected(job: Job, *, catalog: Catalog) -> None:
    """Note that all that was wanted of *job* is on this disk."""
    _move(job, JobProgress.COLLECTED, catalog=catalog)


def _look_up(job: Job, store: Store) -> str | None:
    """The service's id of a job that was asked for in an earlier run, if it was."""
    wanted = _PREFIX + job.token
    for status in store.list_jobs():
        if status.description == wanted:
            return status.job_id
    return None


def _request(job: Job, archive: Archive | None, store: Store) -> str:
    if job.action is JobAction.INVENTORY:
        return store.request_inventory(_PREFIX + job.token)
    assert archive is not None
    return store.request_archive(archive.archive_id, job.range, job.tier, _PREFIX + job.token)


def _ready(job: Job, status: JobStatus, *, catalog: Catalog, store: Store, tell: Listener) -> Job:
    done = status.completed_at or store.now()
    with catalog.write() as records:
        records.jobs.update(
            job.job_key,
            progress=JobProgress.READY,
            completed_at=done,
            expires_at=done + timedelta(hours=OUTPUT_LIFE_HOURS),
        )
        moved = records.jobs.get(job.job_key)
    tell(JobMoved(str(store.address), status.job_id, job.action.value, JobProgress.READY.value, done))
    return moved


def _told(
    job: Job, progress: JobProgress, *, catalog: Catalog, store: Store, tell: Listener, message: str = ""
) -> Job:
    moved = _move(job, progress, catalog=catalog, message=message)
    tell(JobMoved(str(store.address), job.job_id or "", job.action.value, progress.value))
    return moved


def _move(job: Job, progress: JobProgress, *, catalog: Catalog, message: str = "") -> Job:
    with catalog.write() as records:
        records.jobs.update(job.job_key, progress=progress, message=message)
        return records.jobs.get(job.job_key)
