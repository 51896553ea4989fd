"""gk poll: move everything outstanding on by one pass. Idempotent, for cron; never waits for the service."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from glacierkeep.bundle.opening import Unseal
from glacierkeep.catalog import Catalog
from glacierkeep.clock import Clock
from glacierkeep.domain.records import Retrieval, Vault
from glacierkeep.errors import Exit, GlacierkeepError, Locked, most_serious
from glacierkeep.events import Listener, Trouble, nobody
from glacierkeep.operations.arrivals import USUAL_FETCHING, Fetching
from glacierkeep.operations.delete import finish_deletions
from glacierkeep.operations.rebuild import rebuild
from glacierkeep.operations.retrieve import follow
from glacierkeep.operations.sync_inventory import sync_inventory
from glacierkeep.stores.store import Store


@dataclass(slots=True)
class PollOutcome:
    """What one pass found. A retrieval or inventory counts once: finished, waiting, or failed this time."""

    retrievals_finished: int = 0
    retrievals_waiting: int = 0
    inventories_finished: int = 0
    inventories_waiting: int = 0
    rebuilds_finished: int = 0
    rebuilds_waiting: int = 0
    deletions: int = 0
    failed: int = 0
    placed: int = 0
    exit: Exit = Exit.DONE


def poll(
    *,
    catalog: Catalog,
    store_of: Callable[[Vault], Store],
    clock: Clock,
    host: str,
    staging: Callable[[], Path],
    vault: Vault | None = None,
    unseal: Unseal | None = None,
    fetching: Fetching = USUAL_FETCHING,
    tell: Listener = nobody,
    stop: Callable[[], bool] = lambda: False,
) -> PollOutcome:
    """Collect what is ready, ask for what was not asked yet, finish what was begun; only in *vault* if one is given.

    One thing that fails does not stop the others. What another gk is at is left to it. Waiting is no failure.
    """
    one = _Poll(catalog, store_of, clock, host, staging, unseal, fetching, tell, stop, PollOutcome())
    with catalog.read() as records:
        vaults = {each.vault_id: each for each in records.vaults.all() if vault in (None, each)}
        retrievals = [each for each in records.retrievals.open() if each.vault_id in vaults]
    codes = [one.retrieval(each, vaults[each.vault_id]) for each in retrievals if not stop()]
    codes += [one.rebuild(each) for each in vaults.values() if not stop()]
    codes += [one.inventory(each) for each in vaults.values() if not stop()]
    codes += [one.deletions(each) for each in vaults.values() if not stop()]
    one.outcome.exit = most_serious([code for code in codes if code is not Exit.WAITING])
    return one.outcome


@dataclass(frozen=True, slots=True)
class _Poll:
    catalog: Catalog
    store_of: Callable[[Vault], Store]
    clock: Clock
    host: str
    staging: Callable[[], Path]
    unseal: Unseal | None
    fetching: Fetching
    tell: Listener
    stop: Callable[[], bool]
    outcome: PollOutcome

    def retrieval(self, retrieval: Retrieval, vault: Vault) -> Exit:
        def move() -> Exit:
            done = follow(
                retrieval,
                catalog=self.catalog,
                store=self.store_of(vault),
                clock=self.clock,
                host=self.host,
                unseal=self.unseal,
                fetching=self.fetching,
                tell=self.tell,
                stop=self.stop,
            )
            self.outcome.retrievals_waiting += done.waiting > 0
            self.outcome.retrievals_finished += done.waiting == 0
            self.outcome.placed += done.placed
            return done.exit

        return self._try(move, f"retrieval {retrieval.retrieval_id}")

    def rebuild(self, vault: Vault) -> Exit:
        def move() -> Exit:
            with self.catalog.read() as records:
                if not records.rebuilds.open(vault.vault_id):
                    return Exit.DONE
            done = rebuild(
                vault,
                catalog=self.catalog,
                store=self.store_of(vault),
                staging=self.staging(),
                clock=self.clock,
                host=self.host,
                unseal=self.unseal,
                fetching=self.fetching,
                begin=False,
                tell=self.tell,
                stop=self.stop,
            )
            self.outcome.rebuilds_waiting += done.waiting
            self.outcome.rebuilds_finished += not done.waiting
            return done.exit

        return self._try(move, f"rebuild of the records of {vault.address}")

    def inventory(self, vault: Vault) -> Exit:
        def move() -> Exit:
            with self.catalog.read() as records:
                if records.inventories.open(vault.vault_id) is None or records.rebuilds.open(vault.vault_id):
                    return Exit.DONE
            done = sync_inventory(
                vault,
                catalog=self.catalog,
                store=self.store_of(vault),
                clock=self.clock,
                host=self.host,
                request=False,
                tell=self.tell,
                stop=self.stop,
            )
            self.outcome.inventories_waiting += done.waiting
            self.outcome.inventories_finished += done.date is not None
            return done.exit

        return self._try(move, f"inventory of {vault.address}")

    def deletions(self, vault: Vault) -> Exit:
        def move() -> Exit:
            with self.catalog.read() as records:
                marked = records.archives.deleting(vault.vault_id)
            finish_deletions(marked, catalog=self.catalog, store_of=self.store_of, tell=self.tell)
            self.outcome.deletions += len(marked)
            return Exit.DONE

        return self._try(move, f"deletions in {vault.address}")

    def _try(self, move: Callable[[], Exit], what: str) -> Exit:
        try:
            return move()
        except Locked:
            return Exit.DONE
        except GlacierkeepError as error:
            self.outcome.failed += 1
            self.tell(Trouble(what.encode(), error.code, str(error), error.hint))
            return error.exit
