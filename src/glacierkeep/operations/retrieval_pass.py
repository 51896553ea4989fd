"""One pass over a retrieval: ask what is not asked yet, bring back what is ready, place it, see whether all is done.

Whatever a pass is killed in, the next one goes on: jobs are known by their tokens, downloads by their partial files,
and an item counts as placed only once its file has its final name.
"""

from collections.abc import Callable
from dataclasses import dataclass

from glacierkeep.bundle.opening import Unseal
from glacierkeep.bundle.place import Target
from glacierkeep.catalog import Catalog
from glacierkeep.clock import Clock
from glacierkeep.domain.patience import may_have_been_done
from glacierkeep.domain.records import Archive, Job, JobProgress, Retrieval
from glacierkeep.errors import ChangedThenFailed, Exit, GlacierkeepError, Locked, NotFound, ServiceError
from glacierkeep.events import Listener, Noted
from glacierkeep.operations import asking
from glacierkeep.operations.activity import lease
from glacierkeep.operations.arrivals import partial_name
from glacierkeep.operations.placing import Placing
from glacierkeep.stores.store import Store

MOST_REQUESTS = 3
"""How often the same bytes are asked for when their output expired before it was collected."""


@dataclass(frozen=True, slots=True)
class PassOutcome:
    """What one pass did. *size* in bytes of files placed."""

    different: int = 0
    size: int = 0
    waiting: bool = False
    codes: tuple[Exit, ...] = ()

    def plus(self, other: "PassOutcome") -> "PassOutcome":
        """Both passes, the *other* the later one."""
        return PassOutcome(
            self.different + other.different, self.size + other.size, other.waiting, self.codes + other.codes
        )


def advance(
    retrieval: Retrieval,
    *,
    catalog: Catalog,
    store: Store,
    clock: Clock,
    host: str,
    unseal: Unseal,
    lock_wait: float,
    tell: Listener,
    stop: Callable[[], bool],
) -> PassOutcome:
    """Move *retrieval* on. Raises Locked if another gk is at it, DiskTrouble, and what the store raises."""
    activity = f"retrieval {retrieval.retrieval_id}"
    with (
        lease(activity, catalog=catalog, clock=clock, host=host, wait_seconds=lock_wait),
        Target(retrieval.target) as target,
    ):
        placing = Placing(retrieval, target, catalog=catalog, unseal=unseal, tell=tell, stop=stop)
        placing.place_what_needs_no_bytes()
        one = _Pass(retrieval, placing, catalog, store, clock, host, tell, stop)
        try:
            waiting = one.move_jobs()
        except GlacierkeepError as error:
            raise _after_spending(error, one.spent) from error
        if not waiting and not stop():
            placing.finish()
        placing.flush()
        return PassOutcome(placing.different, placing.size, waiting, tuple(placing.codes))


class _Pass:
    def __init__(
        self,
        retrieval: Retrieval,
        placing: Placing,
        catalog: Catalog,
        store: Store,
        clock: Clock,
        host: str,
        tell: Listener,
        stop: Callable[[], bool],
    ) -> None:
        self.retrieval, self.placing, self.catalog, self.store = retrieval, placing, catalog, store
        self.clock, self.host, self.tell, self.stop = clock, host, tell, stop
        self.spent = False
        """Whether the service was asked for something that is paid for, or may have been."""

    def move_jobs(self) -> bool:
        """Move every job of the retrieval on as far as it goes now; whether any is still outstanding."""
        with self.catalog.read() as records:
            jobs = records.jobs.for_retrieval(self.retrieval.retrieval_id)
        waiting = False
        for job in jobs:
            if self.stop():
                return True
            waiting |= self._move(job, jobs)
        return waiting

    def _move(self, job: Job, all_jobs: list[Job]) -> bool:
        """Move one job on; whether it is still outstanding."""
        if job.progress is JobProgress.INTENDED:
            job = self._ask(job)
        if job.progress is JobProgress.REQUESTED:
            job = asking.look(job, catalog=self.catalog, store=self.store, tell=self.tell)
        if job.progress in (JobProgress.READY, JobProgress.COLLECTED):
            return self._bring(job, all_jobs)
        if job.progress is JobProgress.FAILED:
            self.placing.fail(job, f"the service could not retrieve it: {job.message or 'no reason given'}")
        if job.progress is JobProgress.EXPIRED:
            return self._ask_again(job, all_jobs)
        return job.progress in (JobProgress.INTENDED, JobProgress.REQUESTED) and self.placing.wants(job)

    def _ask(self, job: Job) -> Job:
        """The job, asked for; as it was if another gk is asking for it: retrievals share jobs, each is paid once."""
        self.placing.settle_what_is_there(job)
        try:
            with lease(f"job {job.token}", catalog=self.catalog, clock=self.clock, host=self.host):
                now = self._fresh(job)
                if now.progress is not JobProgress.INTENDED:
                    return now
                return self._request(now) if self.placing.wants(now) else self._spare(now)
        except Locked:
            return job

    def _request(self, job: Job) -> Job:
        try:
            asked = asking.ask(
                job,
                self._archive(job),
                catalog=self.catalog,
                store=self.store,
                tell=self.tell,
                perhaps_asked=True,
            )
        except NotFound as error:
            self.placing.fail(job, str(error))
            return self._fresh(job)
        except ServiceError as error:
            self.spent |= may_have_been_done(error)
            raise
        self.spent = True
        return asked

    def _spare(self, job: Job) -> Job:
        """What the job would bring is in its place: if no other retrieval wants it, it is never asked for."""
        with self.catalog.write() as records:
            if records.retrievals.for_job(job.job_key) == [self.retrieval.retrieval_id]:
                records.jobs.update(job.job_key, progress=JobProgress.EXPIRED, message="not needed any more")
            return records.jobs.get(job.job_key)

    def _fresh(self, job: Job) -> Job:
        with self.catalog.read() as records:
            return records.jobs.get(job.job_key)

    def _bring(self, job: Job, all_jobs: list[Job]) -> bool:
        self.placing.settle_what_is_there(job)
        name = partial_name(self.retrieval, job, all_jobs)
        if not self.placing.wants(job):
            self.placing.drop(name)
            return self._let_go(job)
        try:
            done = self.placing.bring(job, self._archive(job), name, store=self.store, clock=self.clock)
        except NotFound:
            expired = asking.expire(job, catalog=self.catalog, store=self.store, tell=self.tell)
            return self._ask_again(expired, all_jobs)
        return self._let_go(job) if done else True

    def _let_go(self, job: Job) -> bool:
        if job.progress is not JobProgress.COLLECTED:
            asking.collected(job, catalog=self.catalog)
        return False

    def _ask_again(self, job: Job, all_jobs: list[Job]) -> bool:
        """A job's output lives a day; if nobody collected it and something still waits for it, ask once more."""
        same = [each for each in all_jobs if (each.archive_key, each.range) == (job.archive_key, job.range)]
        if same[-1].job_key != job.job_key or not self.placing.wants(job):
            return False
        if len(same) >= MOST_REQUESTS:
            self.placing.fail(job, f"its output expired {MOST_REQUESTS} times before it was collected")
            return False
        self.tell(
            Noted("asked-again", "a job's output expired before it was collected; it is asked for again")
        )
        again = self._again(job)
        return self._move(again, [*all_jobs, again])

    def _again(self, job: Job) -> Job:
        """A new job like the expired one: that of another retrieval, if there is one, or our own, written down."""
        assert job.archive_key is not None
        with self.catalog.write() as records:
            again = records.jobs.reusable(job.archive_key, job.range)
            if again is None or again.range != job.range:
                key = records.jobs.intend(
                    job.vault_id, asking.new_token(), job.action, job.archive_key, job.range, job.tier
                )
                again = records.jobs.get(key)
            records.retrievals.link(self.retrieval.retrieval_id, again.job_key)
            return again

    def _archive(self, job: Job) -> Archive:
        assert job.archive_key is not None
        with self.catalog.read() as records:
            return records.archives.get(job.archive_key)


def _after_spending(error: GlacierkeepError, spent: bool) -> GlacierkeepError:
    """*error*, or, once jobs were asked for, one that says so."""
    if not spent or error.exit in (Exit.MISMATCH, Exit.CHANGED, Exit.INTERRUPTED):
        return error
    return ChangedThenFailed(
        f"stopped after the service was asked for jobs: {error}", hint="gk poll goes on where it stopped"
    )
