"""Bringing a ready job's output to this disk, checked."""

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import TypeAlias

from glacierkeep.bundle.place import Target
from glacierkeep.clock import Clock
from glacierkeep.domain.hashes import Hashes
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.records import Archive, Job, Retrieval
from glacierkeep.errors import BytesMismatch, SegmentDamaged, ServiceError
from glacierkeep.events import BytesReceived, Listener
from glacierkeep.stores.store import Output, Store
from glacierkeep.transfer.receive import Incoming, RangeSource, receive

_Source: TypeAlias = Callable[[ByteRange], AbstractContextManager[Output]]


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
    name: str,
    *,
    store: Store,
    clock: Clock,
    tell: Listener,
    stop: Callable[[], bool],
) -> Arrival:
    """The output of *job* in the partial file *name*, continued where an earlier pass stopped.

    Raises BytesMismatch if it is the whole archive and has another tree hash, SegmentDamaged if it has another size;
    the partial file stays for whoever wants the members that are right.
    """
    assert job.job_id is not None
    size = job.range.length if job.range else archive.size

    def report(received: int) -> None:
        tell(BytesReceived(job.job_id or "", received, size, received))

    asked = functools.partial(store.open_output, job.job_id)
    with target.open_partial(name) as partial:

        def take(source: RangeSource) -> Hashes:
            return receive(source, size, partial.fileno(), clock=clock, progress=report, stop=stop)

        try:
            hashes = _take_at_last(asked, take)
        except ServiceError:
            _compare_size(job, archive, store)
            raise
    if job.range is None and hashes.tree_hash != archive.tree_hash:
        raise BytesMismatch(
            f"archive {archive.archive_id}", expected=archive.tree_hash, found=hashes.tree_hash
        )
    return Arrival(name, job.range.start if job.range else 0, size, job.range is None)


def _compare_size(job: Job, archive: Archive, store: Store) -> None:
    """Raises SegmentDamaged if the whole archive could not be read because the service has another size of it."""
    assert job.job_id is not None
    told = store.describe_job(job.job_id).size
    if job.range is None and told not in (None, archive.size):
        raise SegmentDamaged(
            f"archive {archive.archive_id}",
            f"it was stored with {archive.size} bytes, and the vault has {told}",
        )


def _take_at_last(asked: _Source, take: Callable[[RangeSource], Hashes]) -> Hashes:
    """The hashes of what came. Bytes that do not have the hash the service tells are asked for once more; if they are
    wrong again, they are taken as they are: each file is compared when it gets its place, and some may be right."""
    for _ in range(2):
        with suppress(BytesMismatch):
            return take(asked)

    @contextmanager
    def unproved(wanted: ByteRange, /) -> Iterator[Incoming]:
        with asked(wanted) as output:
            yield _Unproved(output)

    return take(unproved)


class _Unproved:
    """An output without the service's word on its hash."""

    def __init__(self, output: Output) -> None:
        self.start, self.stop, self._output = output.start, output.stop, output
        self.tree_hash: bytes | None = None

    def read(self, size: int, /) -> bytes:
        return self._output.read(size)


def partial_name(retrieval: Retrieval, job: Job, all_jobs: list[Job]) -> str:
    """What the output of *job* is called while it is incomplete.

    The same for all jobs of the retrieval that bring the same bytes: what came before an output expired is kept.
    No two retrievals share one: they may be moved on at once.
    """
    first = next(each for each in all_jobs if (each.archive_key, each.range) == (job.archive_key, job.range))
    return f"{first.token}-{retrieval.retrieval_id}"
