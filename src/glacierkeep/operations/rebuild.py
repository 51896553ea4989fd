"""gk catalog rebuild: a vault's records back from the vault: its inventory, one round of jobs, the copies they bring.

A rebuild is a record. Each pass goes on from whatever it finds; `gk poll` makes passes too.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from glacierkeep.bundle.opening import Unseal, no_identity
from glacierkeep.catalog import Catalog, Inventory, InventoryState, Records
from glacierkeep.clock import Clock
from glacierkeep.domain.description import ArchiveKind
from glacierkeep.domain.records import Rebuild, RebuildState, Vault
from glacierkeep.errors import Exit, NothingToDo, most_serious
from glacierkeep.events import Listener, Noted, nobody
from glacierkeep.operations.activity import lease
from glacierkeep.operations.arrivals import USUAL_FETCHING, Fetching
from glacierkeep.operations.copies_brought import Bringing
from glacierkeep.operations.copies_listed import ListedSet, chosen_archives, find_sets, take_in
from glacierkeep.operations.reconcile import NO_WISHES, reconcile
from glacierkeep.operations.sync_inventory import obtain_inventory
from glacierkeep.operations.waiting import wait as wait_for
from glacierkeep.stores.store import Store

_FIRST_LOOK_SECONDS = 2.0
_LONGEST_LOOK_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class CatalogRebuilt:
    """How a rebuild ended, or stands. *made_at*: when the newest copy that was taken in was made.

    *copies* are the full one and its increments; *archives* counts what the inventory lists, *later* those that no copy
    tells of, and *findings*, by kind, what came of all of them.
    """

    vault: str
    waiting: bool
    catalog: str = ""
    copies: int = 0
    made_at: datetime | None = None
    archives: int = 0
    later: int = 0
    findings: dict[str, int] = field(default_factory=dict)
    exit: Exit = Exit.DONE


@dataclass(frozen=True, slots=True)
class Choice:
    """Which copies are meant, if not the newest: those of the catalog with that id, or made before that time.

    Also said of a rebuild that is under way: it goes on with those.
    """

    catalog_id: str | None = None
    before: datetime | None = None


def rebuild(
    vault: Vault,
    *,
    catalog: Catalog,
    store: Store,
    staging: Path,
    clock: Clock,
    host: str,
    choice: Choice = Choice(),
    unseal: Unseal | None = None,
    fetching: Fetching = USUAL_FETCHING,
    begin: bool = True,
    wait: bool = False,
    lock_wait: float = 0,
    tell: Listener = nobody,
    stop: Callable[[], bool] = lambda: False,
) -> CatalogRebuilt:
    """Move the vault's rebuild on by one pass, begun if there is none and *begin*; with *wait*, until it ends.

    Raises NothingToDo if records of the vault are here already or the vault holds no copy, CopyUnreadable, NoIdentity,
    Locked, what `reconcile` raises, and what the store raises.
    """
    pause = _FIRST_LOOK_SECONDS
    one = _Rebuilding(
        vault, catalog, store, staging, clock, choice, unseal or no_identity, fetching, tell, stop
    )
    while True:
        activity = f"rebuild {vault.address}"
        with lease(activity, catalog=catalog, clock=clock, host=host, wait_seconds=lock_wait):
            done = one.step(begin)
        if not (done.waiting and wait) or stop():
            return done
        wait_for(pause, clock=clock, stop=stop)
        pause = min(pause * 1.5, _LONGEST_LOOK_SECONDS)


def give_up(vault: Vault, *, catalog: Catalog) -> None:
    """End the vault's rebuild; jobs that were asked for end by themselves. Raises NothingToDo if there is none."""
    with catalog.write() as records:
        under_way = records.rebuilds.open(vault.vault_id)
        if not under_way:
            raise NothingToDo(f"no rebuild of {vault.address} is under way")
        for each in under_way:
            _finish(each, RebuildState.FAILED, records)


@dataclass(frozen=True, slots=True)
class _Rebuilding:
    vault: Vault
    catalog: Catalog
    store: Store
    staging: Path
    clock: Clock
    choice: Choice
    unseal: Unseal
    fetching: Fetching
    tell: Listener
    stop: Callable[[], bool]

    def step(self, begin: bool) -> CatalogRebuilt:
        under_way = self._open() or (self._begin() if begin else None)
        if under_way is None:
            return CatalogRebuilt(self.vault.address, waiting=False)
        inventory = self._inventory(under_way)
        if inventory is None:
            return self._waiting()
        try:
            return self._with(under_way, inventory)
        except NothingToDo:
            if under_way.set_token is None:
                self._finish(under_way, RebuildState.FAILED)
            raise

    def _inventory(self, under_way: Rebuild) -> Inventory | None:
        """The inventory that was chosen from, or one that has arrived since; None while it is waited for."""
        if under_way.inventory_id is not None:
            with self.catalog.read() as records:
                return records.inventories.get(under_way.inventory_id)
        return obtain_inventory(
            self.vault, request=True, catalog=self.catalog, store=self.store, tell=self.tell
        )

    def _open(self) -> Rebuild | None:
        with self.catalog.read() as records:
            return next(iter(records.rebuilds.open(self.vault.vault_id)), None)

    def _begin(self) -> Rebuild:
        if self._known():
            raise NothingToDo(
                f"this catalog has records of {self.vault.address} already",
                hint="gk sync-inventory reconciles them; to begin anew, move the catalog away first",
            )
        with self.catalog.write() as records:
            return records.rebuilds.get(records.rebuilds.begin(self.vault.vault_id, None))

    def _known(self) -> int:
        """How many archives of the vault are recorded, copies of records aside."""
        rows = self.catalog.archive_rows(self.vault.vault_id)
        return sum(archive.kind != ArchiveKind.CATALOG for archive in rows)

    def _with(self, under_way: Rebuild, inventory: Inventory) -> CatalogRebuilt:
        is_settled = inventory.state is InventoryState.RECONCILED
        if under_way.set_token is None or (self.choice != Choice() and not is_settled):
            under_way = self._choose(under_way, inventory)
        assert under_way.set_token is not None
        archives = chosen_archives(self.vault, under_way.set_token, catalog=self.catalog)
        bringing = Bringing(
            self.vault,
            archives,
            self.catalog,
            self.store,
            self.staging,
            self.clock,
            self.unseal,
            self.fetching,
            self.tell,
            self.stop,
        )
        if is_settled:
            return self._end(under_way, bringing, CatalogRebuilt(self.vault.address, waiting=False))
        if not bringing.ask():
            return self._waiting()
        headers = bringing.receive()
        if not headers:
            return self._waiting()
        copied = self._known()
        tally = reconcile(self.vault, inventory, catalog=self.catalog, wishes=NO_WISHES, tell=self.tell)
        done = CatalogRebuilt(
            self.vault.address,
            waiting=False,
            catalog=headers[-1].catalog,
            copies=len(headers),
            made_at=headers[-1].made_at,
            archives=inventory.archives,
            later=self._known() - copied,
            findings=tally.counts,
            exit=most_serious([Exit.FINDINGS] * tally.needs_a_person),
        )
        return self._end(under_way, bringing, done)

    def _end(self, under_way: Rebuild, bringing: Bringing, done: CatalogRebuilt) -> CatalogRebuilt:
        bringing.let_go()
        self._finish(under_way, RebuildState.DONE)
        return done

    def _choose(self, under_way: Rebuild, inventory: Inventory) -> Rebuild:
        sets = find_sets(inventory, catalog=self.catalog)
        wanted = [each for each in map(self._as_meant, sets) if each is not None]
        if not wanted:
            raise NothingToDo(
                f"the inventory of {self.vault.address} lists no copy of a catalog's records"
                + (" that was meant" if sets else ""),
                hint="gk sync-inventory takes in what the archives' descriptions tell",
            )
        chosen = max(wanted, key=lambda each: each.made_at)
        self._tell_of_others(chosen, sets)
        with self.catalog.write() as records:
            take_in(chosen, self.vault, records)
            records.rebuilds.choose(under_way.rebuild_id, chosen.token, inventory.inventory_id)
            return records.rebuilds.get(under_way.rebuild_id)

    def _as_meant(self, each: ListedSet) -> ListedSet | None:
        if self.choice.catalog_id not in (None, each.catalog_id):
            return None
        early = each if self.choice.before is None else each.before(self.choice.before)
        return early if 0 in early.archives else None

    def _tell_of_others(self, chosen: ListedSet, sets: list[ListedSet]) -> None:
        others = sorted({each.catalog_id for each in sets} - {chosen.catalog_id})
        if others and self.choice.catalog_id is None:
            self.tell(
                Noted(
                    "other-catalogs",
                    f"the vault holds copies of other catalogs too: {', '.join(others)}; of {chosen.catalog_id}, the"
                    " newest, records are taken; --catalog chooses another",
                )
            )

    def _waiting(self) -> CatalogRebuilt:
        return CatalogRebuilt(self.vault.address, waiting=True, exit=Exit.WAITING)

    def _finish(self, under_way: Rebuild, state: RebuildState) -> None:
        with self.catalog.write() as records:
            _finish(under_way, state, records)


def _finish(under_way: Rebuild, state: RebuildState, records: Records) -> None:
    records.rebuilds.finish(under_way.rebuild_id, state)
    open_one = records.inventories.open(under_way.vault_id)
    if state is RebuildState.FAILED and open_one and open_one.state is InventoryState.RECEIVED:
        records.inventories.give_up(open_one.inventory_id)
