"""gk retrieve: wish for files, ask for what is needed, and bring back what is ready."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from glacierkeep.bundle.opening import Unseal, no_identity
from glacierkeep.bundle.place import Target
from glacierkeep.catalog import Catalog, Records
from glacierkeep.clock import Clock
from glacierkeep.domain.records import Retrieval, Vault, Version
from glacierkeep.domain.service import JobAction, Tier
from glacierkeep.errors import Exit, GlacierkeepError, NothingToDo, most_serious
from glacierkeep.events import Listener, nobody
from glacierkeep.operations.arrivals import USUAL_FETCHING, Fetching
from glacierkeep.operations.asking import new_token
from glacierkeep.operations.retrieval_pass import PassOutcome, advance, after_spending
from glacierkeep.operations.retrieval_plan import PlannedJob, RetrievalPlan, plan_retrieval
from glacierkeep.operations.selection import NOW, Moment, select
from glacierkeep.operations.waiting import wait as wait_for
from glacierkeep.stores.store import Store

_FIRST_LOOK_SECONDS = 2.0
_LONGEST_LOOK_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class RetrievalEstimate:
    """What a wish would take. *size* is of the files, *job_bytes* of what the jobs bring. Bytes."""

    files: int
    size: int
    jobs: int
    job_bytes: int
    tier: Tier
    elsewhere: int


@dataclass(frozen=True, slots=True)
class RetrievalOutcome:
    """How a wish ended, or stands."""

    retrieval_id: int
    target: bytes
    placed: int
    kept: int
    different: int
    failed: int
    waiting: int
    size: int
    exit: Exit


def estimate(
    names: Sequence[str],
    vault: Vault,
    *,
    catalog: Catalog,
    host: str,
    tier: Tier = Tier.STANDARD,
    moment: Moment = NOW,
) -> RetrievalEstimate:
    """What retrieving *names* from the vault would take; nothing is asked or written."""
    plan = plan_retrieval(
        _wanted(names, catalog=catalog, host=host, moment=moment), vault.vault_id, catalog=catalog
    )
    return RetrievalEstimate(plan.files, plan.size, len(plan.jobs), plan.job_bytes, tier, len(plan.elsewhere))


def retrieve(
    names: Sequence[str],
    vault: Vault,
    target: bytes,
    *,
    catalog: Catalog,
    store: Store,
    clock: Clock,
    host: str,
    tier: Tier = Tier.STANDARD,
    moment: Moment = NOW,
    overwrite: bool = False,
    unseal: Unseal | None = None,
    wait: bool = False,
    lock_wait: float = 0,
    fetching: Fetching = USUAL_FETCHING,
    tell: Listener = nobody,
    stop: Callable[[], bool] = lambda: False,
) -> RetrievalOutcome:
    """Have *names* back below the folder *target* (absolute).

    The wish and its jobs are in the catalog before the service is asked. What is ready is placed; with *wait* the
    rest is waited for, else `gk poll` goes on. An open wish for the very same is taken up again.
    Raises NoSuchName, NothingToDo, NoIdentity if something is sealed and there is nothing to *unseal* it, DiskTrouble
    for a target that cannot be used, and what the store raises.
    """
    plan = plan_retrieval(
        _wanted(names, catalog=catalog, host=host, moment=moment), vault.vault_id, catalog=catalog
    )
    if plan.elsewhere and not plan.jobs and len(plan.elsewhere) == plan.files:
        raise NothingToDo(
            f"nothing of this lies in {vault.address}",
            hint="gk show NAME tells in which vaults it lies; choose one with -V",
        )
    if plan.sealed and unseal is None:
        no_identity(b"")
    Target(target).close()  # a folder that cannot be used is found out before anything is wished for
    wanted = array(
        "q",
        (version.version_id for version in _wanted(names, catalog=catalog, host=host, moment=moment)),
    )
    retrieval = _open_wish(wanted, vault, target, overwrite=overwrite, catalog=catalog) or _wish(
        wanted, plan, vault, target, tier=tier, overwrite=overwrite, catalog=catalog
    )
    return follow(
        retrieval,
        catalog=catalog,
        store=store,
        clock=clock,
        host=host,
        unseal=unseal,
        wait=wait,
        lock_wait=lock_wait,
        fetching=fetching,
        tell=tell,
        stop=stop,
    )


def follow(
    retrieval: Retrieval,
    *,
    catalog: Catalog,
    store: Store,
    clock: Clock,
    host: str,
    unseal: Unseal | None = None,
    wait: bool = False,
    lock_wait: float = 0,
    fetching: Fetching = USUAL_FETCHING,
    tell: Listener = nobody,
    stop: Callable[[], bool] = lambda: False,
) -> RetrievalOutcome:
    """Move *retrieval* on by one pass, or with *wait* until nothing of it is outstanding."""
    total, pause = PassOutcome(), _FIRST_LOOK_SECONDS
    while True:
        one = advance(
            retrieval,
            catalog=catalog,
            store=store,
            clock=clock,
            host=host,
            unseal=unseal or no_identity,
            lock_wait=lock_wait,
            fetching=fetching,
            tell=tell,
            stop=stop,
        )
        total = total.plus(one)
        if not (one.waiting and wait) or stop() or Exit.CREDENTIALS in one.codes:
            try:
                return _outcome(retrieval, total, catalog=catalog)
            except GlacierkeepError as error:
                raise after_spending(error, total.spent) from error
        wait_for(pause, clock=clock, stop=stop)
        pause = min(pause * 1.5, _LONGEST_LOOK_SECONDS)


def _wanted(names: Sequence[str], *, catalog: Catalog, host: str, moment: Moment) -> Iterator[Version]:
    for name in names:
        yield from select(name, catalog=catalog, host=host, moment=moment)


def cancel(retrieval_id: int, *, catalog: Catalog) -> RetrievalOutcome:
    """Want no more of a retrieval: what was placed stays, what was asked for is not collected for it.

    Raises NothingToDo if it is not open.
    """
    with catalog.write() as records:
        retrieval = next(
            (each for each in records.retrievals.open() if each.retrieval_id == retrieval_id), None
        )
        if retrieval is None:
            raise NothingToDo(f"there is no open retrieval {retrieval_id}", hint="gk status lists them")
        records.retrievals.finish(retrieval_id)
    return RetrievalOutcome(
        retrieval_id,
        retrieval.target,
        retrieval.placed,
        retrieval.skipped,
        0,
        retrieval.failed,
        0,
        0,
        Exit.DONE,
    )


def _open_wish(
    wanted: "array[int]", vault: Vault, target: bytes, *, overwrite: bool, catalog: Catalog
) -> Retrieval | None:
    """An open retrieval of the very same, into the same folder: said again, it goes on where it stopped."""
    with catalog.read() as records:
        open_ones = records.retrievals.open()
    ascending = sorted(set(wanted))
    for each in open_ones:
        if (each.vault_id, each.target, each.overwrite) != (vault.vault_id, target, overwrite):
            continue
        items = (item.version_id for item, _ in catalog.retrieval_items(each.retrieval_id))
        if all(one == other for one, other in zip_longest(ascending, items)):
            return each
    return None


def _wish(
    wanted: "array[int]",
    plan: RetrievalPlan,
    vault: Vault,
    target: bytes,
    *,
    tier: Tier,
    overwrite: bool,
    catalog: Catalog,
) -> Retrieval:
    with catalog.write() as records:
        key = records.retrievals.create(vault.vault_id, target, overwrite, tier, wanted)
        for job in plan.jobs:
            records.retrievals.link(key, _job_for(job, vault, tier, records))
        return records.retrievals.get(key)


def _job_for(planned: PlannedJob, vault: Vault, tier: Tier, records: Records) -> int:
    """A job under way that brings the bytes anyway, or a new one, written down."""
    archive_key = planned.archive.archive_key
    under_way = records.jobs.reusable(archive_key, planned.range)
    if under_way is not None:
        return under_way.job_key
    return records.jobs.intend(
        vault.vault_id, new_token(), JobAction.ARCHIVE, archive_key, planned.range, tier
    )


def _outcome(retrieval: Retrieval, total: PassOutcome, *, catalog: Catalog) -> RetrievalOutcome:
    with catalog.read() as records:
        now = records.retrievals.get(retrieval.retrieval_id)
    codes = [*total.codes]
    if now.waiting:
        codes.append(Exit.WAITING)
    if now.failed or total.different:
        codes.append(Exit.PARTLY)
    return RetrievalOutcome(
        retrieval.retrieval_id,
        retrieval.target,
        placed=now.placed,
        kept=now.skipped - total.different,
        different=total.different,
        failed=now.failed,
        waiting=now.waiting,
        size=total.size,
        exit=most_serious(codes),
    )
