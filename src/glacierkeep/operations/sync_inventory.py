"""gk sync-inventory: ask for a vault's inventory, collect it, and reconcile the catalog with it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice

from glacierkeep.catalog import Catalog, Inventory, InventoryState
from glacierkeep.clock import Clock
from glacierkeep.domain.records import Job, JobProgress, Vault
from glacierkeep.domain.service import JobAction, Tier
from glacierkeep.errors import Exit, NotFound, NothingToDo, VaultMissing
from glacierkeep.events import Listener, Noted, nobody
from glacierkeep.operations import asking
from glacierkeep.operations.activity import lease
from glacierkeep.operations.copies_listed import find_sets
from glacierkeep.operations.old_copies import let_go_of_copies_before, listed_full_copy
from glacierkeep.operations.reconcile import NO_WISHES, Wishes, reconcile
from glacierkeep.operations.waiting import wait as wait_for
from glacierkeep.stores.store import InventoryOutput, Store

_FIRST_LOOK_SECONDS = 2.0
_LONGEST_LOOK_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class InventorySync:
    """How the reconciliation of one vault ended, or stands. *findings* counts them by kind; *date* is the
    inventory's."""

    vault: str
    waiting: bool
    date: datetime | None = None
    archives: int = 0
    findings: dict[str, int] = field(default_factory=dict)
    adopted: int = 0
    exit: Exit = Exit.DONE


def sync_inventory(
    vault: Vault,
    *,
    catalog: Catalog,
    store: Store,
    clock: Clock,
    host: str,
    wishes: Wishes = NO_WISHES,
    request: bool = True,
    wait: bool = False,
    lock_wait: float = 0,
    tell: Listener = nobody,
    stop: Callable[[], bool] = lambda: False,
) -> InventorySync:
    """Move the vault's inventory on: one under way is collected, else, with *request*, one is asked for.

    With *wait* the service is waited for. Raises NothingToDo while the vault's records are being rebuilt, Locked, what
    `reconcile` raises, and what the store raises.
    """
    with catalog.read() as records:
        if records.rebuilds.open(vault.vault_id):
            raise NothingToDo(
                f"the records of {vault.address} are being rebuilt, which reconciles its inventory too",
                hint="gk catalog rebuild goes on with it, and so does gk poll",
            )
    pause = _FIRST_LOOK_SECONDS
    while True:
        with lease(
            f"inventory {vault.address}", catalog=catalog, clock=clock, host=host, wait_seconds=lock_wait
        ):
            outcome = _Sync(vault, catalog, store, wishes, tell).step(request)
        if not (outcome.waiting and wait) or stop():
            return outcome
        wait_for(pause, clock=clock, stop=stop)
        pause = min(pause * 1.5, _LONGEST_LOOK_SECONDS)


def obtain_inventory(
    vault: Vault, *, request: bool, catalog: Catalog, store: Store, tell: Listener
) -> Inventory | None:
    """The vault's inventory once it arrived, not reconciled yet; None while there is none, asked for if *request*.

    Raises VaultMissing, and what the store raises.
    """
    return _Sync(vault, catalog, store, NO_WISHES, tell).obtain(request)[0]


@dataclass(frozen=True, slots=True)
class _Sync:
    vault: Vault
    catalog: Catalog
    store: Store
    wishes: Wishes
    tell: Listener

    def step(self, request: bool) -> InventorySync:
        inventory, waiting = self.obtain(request)
        if inventory is not None:
            return self._reconcile(inventory)
        failed = request and not waiting
        return InventorySync(
            self.vault.address, waiting=waiting, exit=Exit.WAITING if waiting or failed else Exit.DONE
        )

    def obtain(self, request: bool) -> tuple[Inventory | None, bool]:
        """The inventory once it arrived, and whether it is waited for."""
        with self.catalog.read() as records:
            inventory = records.inventories.open(self.vault.vault_id)
        if inventory is None:
            if not request:
                return None, False
            inventory = self._intend()
        if inventory.state is InventoryState.REQUESTED:
            job = self._move(inventory)
            if job.progress is JobProgress.EXPIRED:
                self._give_up(inventory, "its output expired before it was collected; it is asked for again")
                inventory = self._intend()
                job = self._move(inventory)
            if job.progress is JobProgress.FAILED:
                self._give_up(inventory, job.message or "the service gave no reason")
                return None, False
            if job.progress is not JobProgress.READY:
                return None, True
            inventory = self._receive(inventory, job)
        self._let_go(inventory)
        return inventory, False

    def _intend(self) -> Inventory:
        with self.catalog.write() as records:
            job_key = records.jobs.intend(
                self.vault.vault_id, asking.new_token(), JobAction.INVENTORY, None, None, Tier.STANDARD
            )
            return records.inventories.get(records.inventories.request(self.vault.vault_id, job_key))

    def _move(self, inventory: Inventory) -> Job:
        """The inventory's job, asked for and looked at. Raises VaultMissing."""
        assert inventory.job_key is not None
        with self.catalog.read() as records:
            job = records.jobs.get(inventory.job_key)
        if job.progress is JobProgress.INTENDED:
            job = self._ask(inventory, job)
        if job.progress in (JobProgress.REQUESTED, JobProgress.READY):
            job = asking.look(job, catalog=self.catalog, store=self.store, tell=self.tell)
        return job

    def _ask(self, inventory: Inventory, job: Job) -> Job:
        """The job after it was asked for: FAILED if the vault has no inventory yet."""
        try:
            return asking.ask(
                job, None, catalog=self.catalog, store=self.store, tell=self.tell, perhaps_asked=True
            )
        except VaultMissing as error:
            self._give_up(inventory, str(error))
            raise
        except NotFound:
            with self.catalog.read() as records:
                return records.jobs.get(job.job_key)

    def _give_up(self, inventory: Inventory, reason: str) -> None:
        with self.catalog.write() as records:
            records.inventories.give_up(inventory.inventory_id)
        self.tell(Noted("no-inventory", f"{self.vault.address}: no inventory came: {reason}"))

    def _receive(self, inventory: Inventory, job: Job) -> Inventory:
        assert job.job_id is not None
        status = self.store.describe_job(job.job_id)
        with self.store.read_inventory(job.job_id) as output:
            self._write_down(inventory, output, job, full=not status.filtered)
        with self.catalog.read() as records:
            return records.inventories.get(inventory.inventory_id)

    def _write_down(self, inventory: Inventory, output: InventoryOutput, job: Job, *, full: bool) -> None:
        """The date stands at the document's start in JSON; CSV has none, and when we asked must do."""
        lines = iter(output)
        first = list(islice(lines, 1))
        date = output.date or job.requested_at
        self.catalog.receive_inventory(inventory.inventory_id, date, chain(first, lines), full)

    def _reconcile(self, inventory: Inventory) -> InventorySync:
        assert inventory.date is not None
        self._tell_of_copies(inventory)
        full = listed_full_copy(self.vault, inventory, catalog=self.catalog)
        tally = reconcile(self.vault, inventory, catalog=self.catalog, wishes=self.wishes, tell=self.tell)
        if full is not None:
            let_go_of_copies_before(full, self.vault, catalog=self.catalog, store=self.store, tell=self.tell)
        return InventorySync(
            self.vault.address,
            waiting=False,
            date=inventory.date,
            archives=inventory.archives,
            findings=tally.counts,
            adopted=tally.adopted,
            exit=Exit.FINDINGS if tally.needs_a_person else Exit.DONE,
        )

    def _tell_of_copies(self, inventory: Inventory) -> None:
        """A catalog that knows nothing of the vault may be a new one in the place of one that was lost."""
        if next(self.catalog.archive_rows(self.vault.vault_id), None) is not None:
            return
        if copies := find_sets(inventory, catalog=self.catalog):
            newest = max(copies, key=lambda each: each.made_at)
            self.tell(
                Noted(
                    "copies-in-vault",
                    f"the vault holds the records of catalog {newest.catalog_id}; if that is lost, move"
                    f" {self.catalog.path} away, and gk catalog rebuild has all names and versions back",
                )
            )

    def _let_go(self, inventory: Inventory) -> None:
        """The inventory is in the catalog: its job is done with, also if the run that received it was killed then."""
        if inventory.job_key is None:
            return
        with self.catalog.write() as records:
            records.jobs.update(inventory.job_key, progress=JobProgress.COLLECTED)
