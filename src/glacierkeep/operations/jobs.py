"""gk jobs: the service's jobs that gk asked for, newest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from glacierkeep.catalog import Catalog
from glacierkeep.domain.records import Job, Vault


@dataclass(frozen=True, slots=True)
class JobListed:
    """A job. *size* in bytes of what it brings, None for an inventory."""

    vault: str
    job_id: str | None
    action: str
    tier: str
    progress: str
    archive_id: str | None
    size: int | None
    requested_at: datetime
    completed_at: datetime | None
    expires_at: datetime | None
    message: str


def jobs(*, catalog: Catalog, vault: Vault | None = None, limit: int = 100) -> Iterator[JobListed]:
    """The newest *limit* jobs of *vault*, or of all."""
    with catalog.read() as records:
        vaults = {each.vault_id: each for each in records.vaults.all()}
        found = [job for job in records.jobs.all(limit) if vault is None or job.vault_id == vault.vault_id]
        keys = [job.archive_key for job in found if job.archive_key is not None]
        archives = records.archives.many(keys)
    for job in found:
        archive = archives.get(job.archive_key) if job.archive_key is not None else None
        yield _listed(
            job,
            vaults[job.vault_id],
            archive.archive_id if archive else None,
            archive.size if archive else None,
        )


def _listed(job: Job, vault: Vault, archive_id: str | None, size: int | None) -> JobListed:
    return JobListed(
        vault=vault.address,
        job_id=job.job_id,
        action=job.action.value,
        tier=job.tier.value,
        progress=job.progress.value,
        archive_id=archive_id,
        size=job.range.length if job.range else size,
        requested_at=job.requested_at,
        completed_at=job.completed_at,
        expires_at=job.expires_at,
        message=job.message,
    )
