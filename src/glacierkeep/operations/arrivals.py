"""Bringing ready jobs' outputs to this disk, checked."""

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import TypeAlias

from glacierkeep.bundle.place import Target
from glacierkeep.clock import Clock
from glacierkeep.domain.hashes import Hashes
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.patience import USUAL, Patience
from glacierkeep.domain.records import Archive, Job
from glacierkeep.errors import BytesMismatch, SegmentDamaged, ServiceError
from glacierkeep.stores.store import Output, Store
from glacierkeep.transfer.crew import Crew
from glacierkeep.transfer.pace import Take, freely
from glacierkeep.transfer.receive import Incoming, RangeSource, receive

_Source: TypeAlias = Callable[[ByteRange], AbstractContextManager[Output]]


@dataclass(frozen=True, slots=True)
class Fetching:
    """How outputs are brought: by at most *jobs* requests at once, as fast as *take* lets bytes flow, and each tried
    again with *patience*."""

    jobs: int = 4
    take: Take = freely
    patience: Patience = USUAL


USUAL_FETCHING = Fetching()


def output_size(job: Job, archive: Archive) -> int:
    """How many bytes *job* brings of *archive*."""
    return job.range.length if job.range else archive.size


class Download:
    """The output of *job* on its way into the partial file *name* of *target*, continued where an earlier one stopped.

    It is made by the thread that has the target, and brought by any. *report* is told the bytes that are here so far.
    """

    def __init__(
        self,
        job: Job,
        archive: Archive,
        target: Target,
        name: str,
        *,
        store: Store,
        clock: Clock,
        fetching: Fetching,
        report: Callable[[int], None],
        stop: Callable[[], bool],
    ) -> None:
        self.job, self.archive, self.name = job, archive, name
        self._store, self._clock, self._fetching = store, clock, fetching
        self._report, self._stop = report, stop
        self._partial = target.open_partial(name)
        self._journal = target.open_journal(name)

    def bring(self, crew: Crew) -> None:
        """Return when all of it is here, brought by the threads of *crew*.

        Raises BytesMismatch if it is the whole archive and has another tree hash, SegmentDamaged if it has another
        size; the partial file stays for whoever wants the members that are right.
        """
        assert self.job.job_id is not None
        with self._partial, self._journal:
            try:
                hashes = _take_at_last(
                    functools.partial(self._store.open_output, self.job.job_id),
                    functools.partial(self._receive, crew=crew),
                )
            except ServiceError:
                self._compare_size()
                raise
        if self.job.range is None and hashes.tree_hash != self.archive.tree_hash:
            raise BytesMismatch(
                f"archive {self.archive.archive_id}",
                expected=self.archive.tree_hash,
                found=hashes.tree_hash,
            )

    def _receive(self, source: RangeSource, crew: Crew) -> Hashes:
        return receive(
            source,
            output_size(self.job, self.archive),
            self._partial.fileno(),
            journal=self._journal.fileno(),
            crew=crew,
            clock=self._clock,
            patience=self._fetching.patience,
            take=self._fetching.take,
            progress=self._report,
            stop=self._stop,
        )

    def _compare_size(self) -> None:
        """Raises SegmentDamaged if the whole archive could not be read because the service has another size of it."""
        assert self.job.job_id is not None
        told = self._store.describe_job(self.job.job_id).size
        if self.job.range is None and told not in (None, self.archive.size):
            raise SegmentDamaged(
                f"archive {self.archive.archive_id}",
                f"it was stored with {self.archive.size} bytes, and the vault has {told}",
            )


def _take_at_last(asked: _Source, take: Callable[[RangeSource], Hashes]) -> Hashes:
    """The hashes of what came. Bytes that came twice without the hash the service tells are taken as they are: each
    file is compared when it gets its place, and some may be right."""
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
