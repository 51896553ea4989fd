"""One pass over a retrieval: ask what is not asked yet, bring back what is ready, place it, see whether all is done.

Whatever a pass is killed in, the next one goes on: jobs are known by their tokens, downloads by their partial files,
and an item counts as placed only once its file has its final name.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from glacierkeep.bundle.opening import Unseal
from glacierkeep.bundle.place import Target
from glacierkeep.catalog import Catalog
from glacierkeep.clock import Clock
from glacierkeep.domain.patience import may_have_been_done
from glacierkeep.domain.records import Archive, Job, JobProgress, Retrieval
from glacierkeep.domain.service import JobStatus
from glacierkeep.errors import (
    BytesMismatch,
    ChangedThenFailed,
    CredentialsTrouble,
    Exit,
    GlacierkeepError,
    Locked,
    NoNewAccounts,
    NotFound,
    SegmentDamaged,
    ServiceBusy,
    ServiceError,
    ServiceUnreachable,
    VaultMissing,
)
from glacierkeep.events import Listener, Noted, Trouble
from glacierkeep.operations import asking
from glacierkeep.operations.activity import lease
from glacierkeep.operations.arrivals import Download, Fetching, output_size
from glacierkeep.operations.downloads import Downloads, Receipts, is_big
from glacierkeep.operations.placing import Placing
from glacierkeep.stores.store import Store

MOST_REQUESTS = 3
"""How often the same bytes are asked for when their output expired before it was collected."""


@dataclass(frozen=True, slots=True)
class PassOutcome:
    """What one pass did. *size* in bytes of files placed. *spent*: something was asked for that is paid for."""

    different: int = 0
    size: int = 0
    waiting: bool = False
    codes: tuple[Exit, ...] = ()
    spent: bool = False

    def plus(self, other: "PassOutcome") -> "PassOutcome":
        """Both passes, the *other* the later one."""
        return PassOutcome(
            self.different + other.different,
            self.size + other.size,
            other.waiting,
            self.codes + other.codes,
            self.spent or other.spent,
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
    fetching: Fetching,
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
        one = _Pass(retrieval, placing, catalog, store, clock, host, fetching, tell, stop)
        try:
            waiting = one.move_jobs()
            if not waiting and not stop():
                placing.finish()
            placing.flush()
        except GlacierkeepError as error:
            raise after_spending(error, one.spent) from error
        return PassOutcome(placing.different, placing.size, waiting, tuple(placing.codes), one.spent)


class _Pass:
    def __init__(
        self,
        retrieval: Retrieval,
        placing: Placing,
        catalog: Catalog,
        store: Store,
        clock: Clock,
        host: str,
        fetching: Fetching,
        tell: Listener,
        stop: Callable[[], bool],
    ) -> None:
        self.retrieval, self.placing, self.catalog, self.store = retrieval, placing, catalog, store
        self.clock, self.host, self.fetching, self.tell, self.stop = clock, host, fetching, tell, stop
        self.spent = False
        """Whether the service was asked for something that is paid for, or may have been."""
        self._receipts = Receipts(tell)
        self._seen: dict[str, JobStatus] = {}
        self._ready: dict[bool, deque[Job]] = {False: deque(), True: deque()}
        self._failures: list[tuple[Job, ServiceError]] = []
        with catalog.read() as records:
            self._jobs = records.jobs.for_retrieval(retrieval.retrieval_id)

    def move_jobs(self) -> bool:
        """Move every job of the retrieval on as far as it goes now; whether any is still outstanding.

        What happens to one job does not keep the others from coming; it is raised in the end.
        """
        self._seen = asking.seen_in_list(self._jobs, self.store)
        waiting = self._ask_all() | self._bring_all()
        for job, error in self._failures[1:]:
            self.tell(Trouble(_path_of(self._archive(job)), error.code, str(error), error.hint))
        if self._failures:
            raise self._failures[0][1]
        return waiting

    def _ask_all(self) -> bool:
        """Ask for what is not asked for, and look what is ready; whether any is still outstanding."""
        waiting = False
        for job in list(self._jobs):
            if self.stop():
                return True
            waiting |= self._move(job)
        return waiting

    def _move(self, job: Job) -> bool:
        """Move one job on; whether it is still outstanding, which one that is ready now is not."""
        if job.progress is JobProgress.INTENDED:
            job = self._ask(job)
        if job.progress is JobProgress.REQUESTED:
            status = self._seen.get(job.job_id or "")
            job = asking.look(job, catalog=self.catalog, store=self.store, tell=self.tell, status=status)
        if job.progress in (JobProgress.READY, JobProgress.COLLECTED):
            self._ready[is_big(output_size(job, self._archive(job)))].append(job)
            return False
        if job.progress is JobProgress.FAILED:
            self.placing.fail(job, f"the service could not retrieve it: {job.message or 'no reason given'}")
        if job.progress is JobProgress.EXPIRED:
            return self._ask_again(job)
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

    def _bring_all(self) -> bool:
        """Bring what is ready, and place it as it comes; whether any job is still outstanding."""
        waiting = False
        with Downloads(self.fetching.jobs) as downloads:
            while True:
                waiting |= self._start_some(downloads)
                ended = downloads.next()
                if ended is None:
                    return waiting
                waiting |= self._end(*ended)

    def _start_some(self, downloads: Downloads) -> bool:
        """Start as many downloads as there is room for; whether what was to be started is still outstanding."""
        waiting = False
        for big, jobs in self._ready.items():
            while jobs and downloads.has_room(big=big):
                if self.stop():
                    return True
                waiting |= self._start(jobs.popleft(), downloads, big=big)
        return waiting

    def _start(self, job: Job, downloads: Downloads, *, big: bool) -> bool:
        self.placing.settle_what_is_there(job)
        name = partial_name(self.retrieval, job, self._jobs)
        if name in downloads.names:
            return True
        if not self.placing.wants(job):
            self.placing.drop(name)
            return self._let_go(job)
        archive = self._archive(job)
        download = Download(
            job,
            archive,
            self.placing.target,
            name,
            store=self.store,
            clock=self.clock,
            fetching=self.fetching,
            report=self._receipts.of(job, output_size(job, archive)),
            stop=self.stop,
        )
        downloads.start(download, big=big)
        return False

    def _end(self, download: Download, error: BaseException | None) -> bool:
        """Place what came; whether its job is still outstanding."""
        job, damage = download.job, None
        match error:
            case BytesMismatch() | SegmentDamaged():
                damage = error
            case NotFound() if not isinstance(error, VaultMissing):
                expired = asking.expire(job, catalog=self.catalog, store=self.store, tell=self.tell)
                return self._ask_again(expired)
            case ServiceError() if self._fails_alone(error):
                self._failures.append((job, error))
                return True
            case BaseException():
                raise error
        done = self.placing.place(job, download.archive, download.name, damage, now=self.clock.now())
        return self._let_go(job) if done else True

    def _fails_alone(self, error: ServiceError) -> bool:
        """Whether what one download ended with leaves hope for the others."""
        if isinstance(error, CredentialsTrouble | NoNewAccounts | VaultMissing):
            return False
        moving, self._receipts.moving = self._receipts.moving, False
        return moving or not isinstance(error, ServiceUnreachable | ServiceBusy)

    def _let_go(self, job: Job) -> bool:
        if job.progress is not JobProgress.COLLECTED:
            asking.collected(job, catalog=self.catalog)
        return False

    def _ask_again(self, job: Job) -> bool:
        """A job's output lives a day; if nobody collected it and something still waits for it, ask once more."""
        same = [each for each in self._jobs if (each.archive_key, each.range) == (job.archive_key, job.range)]
        if same[-1].job_key != job.job_key or not self.placing.wants(job):
            return False
        if len(same) >= MOST_REQUESTS:
            self.placing.fail(job, f"its output expired {MOST_REQUESTS} times before it was collected")
            return False
        self.tell(
            Noted("asked-again", "a job's output expired before it was collected; it is asked for again")
        )
        again = self._again(job)
        self._jobs.append(again)
        return self._move(again)

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


def partial_name(retrieval: Retrieval, job: Job, all_jobs: list[Job]) -> str:
    """What the output of *job* is called while it is incomplete.

    The same for all jobs of the retrieval that bring the same bytes: what came before an output expired is kept.
    No two retrievals share one: they may be moved on at once.
    """
    first = next(each for each in all_jobs if (each.archive_key, each.range) == (job.archive_key, job.range))
    return f"{first.token}-{retrieval.retrieval_id}"


def _path_of(archive: Archive) -> bytes:
    return f"archive:{archive.archive_id}".encode()


def after_spending(error: GlacierkeepError, spent: bool) -> GlacierkeepError:
    """*error*, or, once jobs were asked for, one that says so."""
    if not spent or error.exit in (Exit.MISMATCH, Exit.CHANGED, Exit.INTERRUPTED):
        return error
    return ChangedThenFailed(
        f"stopped after the service was asked for jobs: {error}", hint="gk poll goes on where it stopped"
    )
