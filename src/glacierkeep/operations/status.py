"""gk status: what is in flight, waiting, ready, expiring and wrong, from the catalog alone."""

from dataclasses import dataclass
from datetime import datetime

from glacierkeep.catalog import Catalog
from glacierkeep.domain.records import Job, JobProgress, Lease, Retrieval, Upload, UploadState, Vault


@dataclass(frozen=True, slots=True)
class VaultStatus:
    """A vault and what is outstanding in it. Bytes; *findings* that a person should look at."""

    vault: str
    files: int
    archives: int
    stored: int
    inventory_date: datetime | None
    unfinished_uploads: int
    uncertain_uploads: int
    jobs_waiting: int
    jobs_ready: int
    next_expiry: datetime | None
    retrievals: tuple[Retrieval, ...]
    rebuilds: int
    deleting: int
    findings: int


@dataclass(frozen=True, slots=True)
class Status:
    """Every vault, and who is at work."""

    vaults: tuple[VaultStatus, ...]
    at_work: tuple[Lease, ...]


def status(*, catalog: Catalog, vault: Vault | None = None) -> Status:
    """How things stand in *vault*, or in all."""
    with catalog.read() as records:
        vaults = [vault] if vault else records.vaults.all()
        at_work = tuple(records.leases.all(void=False))
    return Status(tuple(_status(each, catalog) for each in vaults), at_work)


def _status(vault: Vault, catalog: Catalog) -> VaultStatus:
    with catalog.read() as records:
        totals = records.statistics.totals(None, vault.vault_id)
        uploads = records.uploads.outstanding(vault_id=vault.vault_id, uncertain=True)
        jobs = [job for job in records.jobs.open() if job.vault_id == vault.vault_id]
        retrievals = [each for each in records.retrievals.open() if each.vault_id == vault.vault_id]
        rebuilds = records.rebuilds.open(vault.vault_id)
        deleting = records.archives.deleting(vault.vault_id)
        findings = records.findings.open(vault.vault_id)
    uncertain = _uncertain(uploads)
    ready = [job for job in jobs if job.progress is JobProgress.READY]
    return VaultStatus(
        vault=vault.address,
        files=totals.files,
        archives=totals.archives,
        stored=totals.stored_bytes,
        inventory_date=vault.inventory_date,
        unfinished_uploads=len(uploads) - uncertain,
        uncertain_uploads=uncertain,
        jobs_waiting=len(jobs) - len(ready),
        jobs_ready=len(ready),
        next_expiry=_next_expiry(ready),
        retrievals=tuple(retrievals),
        rebuilds=len(rebuilds),
        deleting=len(deleting),
        findings=len(findings),
    )


def _uncertain(uploads: list[Upload]) -> int:
    return sum(upload.state is UploadState.UNCERTAIN for upload in uploads)


def _next_expiry(ready: list[Job]) -> datetime | None:
    return min((job.expires_at for job in ready if job.expires_at), default=None)
