"""Bringing a ready job's output to this disk, checked."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

from glacierkeep.bundle.place import Target
from glacierkeep.clock import Clock
from glacierkeep.domain.records import Archive, Job
from glacierkeep.errors import BytesMismatch
from glacierkeep.events import BytesReceived, Listener
from glacierkeep.stores.store import Store
from glacierkeep.transfer.receive import receive


@dataclass(frozen=True, slots=True)
class Arrival:
    """A job's output in the target's work folder, under *name*; *whole* says that it is the whole archive's
    bytes and has their tree hash."""

    name: str
    start: int
    size: int
    whole: bool


def download(
    job: Job,
    archive: Archive,
    target: Target,
    *,
    store: Store,
    clock: Clock,
    tell: Listener,
    stop: Callable[[], bool],
) -> Arrival:
    """The output of *job*, continued where an earlier pass stopped.

    Raises BytesMismatch if it is the whole archive and has another tree hash; the partial file stays for whoever
    wants the members that are right, under `partial_name`.
    """
    assert job.job_id is not None
    size = job.range.length if job.range else archive.size
    name = partial_name(job)

    def report(received: int) -> None:
        tell(BytesReceived(job.job_id or "", received, size, received))

    with target.open_partial(name) as partial:
        hashes = receive(
            functools.partial(store.open_output, job.job_id),
            size,
            partial.fileno(),
            clock=clock,
            progress=report,
            stop=stop,
        )
    if job.range is None and hashes.tree_hash != archive.tree_hash:
        raise BytesMismatch(f"archive {archive.archive_id}", expected=archive.tree_hash, found=hashes.tree_hash)
    return Arrival(name, job.range.start if job.range else 0, size, job.range is None)


def partial_name(job: Job) -> str:
    """What the output of *job* is called while it is incomplete."""
    return f"job-{job.token}"
