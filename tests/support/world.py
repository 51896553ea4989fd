"""A catalog, a local Glacier and a clock that is turned by hand, joined as the wiring joins them."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glacierkeep.bundle.rules import Rules
from glacierkeep.bundle.storing import Coding
from glacierkeep.catalog import Catalog
from glacierkeep.domain.forms import Compression, Sizes, Squeeze
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.patience import Patience
from glacierkeep.domain.records import Vault
from glacierkeep.domain.vault import parse_address
from glacierkeep.errors import Exit, GlacierkeepError
from glacierkeep.events import Event, Listener, nobody
from glacierkeep.local import LocalGlacier
from glacierkeep.local.attach import attach
from glacierkeep.operations.abandon import UploadsAbandoned, abandon
from glacierkeep.operations.catalog_copies import copy_catalog
from glacierkeep.operations.poll import PollOutcome, poll
from glacierkeep.operations.rebuild import CatalogRebuilt, rebuild
from glacierkeep.operations.retrieve import RetrievalOutcome, retrieve
from glacierkeep.operations.scan import Looking
from glacierkeep.operations.shipping import Shipped, Shipping
from glacierkeep.operations.standard_input import upload_standard_input
from glacierkeep.operations.sync_inventory import InventorySync, sync_inventory
from glacierkeep.operations.upload import UploadOutcome, upload
from glacierkeep.operations.uploads import UploadListed, uploads
from glacierkeep.stores.glacier.client import connect
from glacierkeep.stores.patient import PatientStore
from glacierkeep.stores.store import Store
from glacierkeep.transfer.crew import Crew
from support.clock import TurnedClock
from support.unreliable import Unreliable

HOST = "here"
SMALL = Sizes(bundle=2 * MIB, threshold=MIB, part=MIB)
"""Sizes that make many archives and parts of little data."""

PATIENCE = Patience(retry_for=30.0)
"""Seconds on a turned clock."""

PLAIN = Coding(Squeeze(Compression.OFF))
"""Nothing is compressed: the same bytes lie in the vault as on disk."""


@dataclass
class World:
    """One machine with one vault. The *service* can be cut off; *told* are the events so far."""

    folder: Path
    catalog: Catalog
    service: Unreliable
    clock: TurnedClock
    vault: Vault
    store: Store
    told: list[Event] = field(default_factory=list)

    @property
    def staging(self) -> Path:
        staging = self.folder / "staging"
        staging.mkdir(exist_ok=True)
        return staging

    def upload(self, path: Path, **said: Any) -> UploadOutcome:
        """gk upload PATH."""
        things = {**self._sending, **said}
        return upload(bytes(path), things.pop("vault", self.vault), **things)

    def pipe(self, content: bytes, name: bytes, **said: Any) -> UploadOutcome:
        """gk upload - --as NAME, with *content* as standard input."""
        things = {**self._sending, **said}
        return upload_standard_input(io.BytesIO(content), name, things.pop("vault", self.vault), **things)

    def abandon(self, *paths: Path | bytes, **said: Any) -> UploadsAbandoned:
        """gk upload --abandon [PATH...]."""
        things: dict[str, Any] = {"store": self.store, "staging": self.staging, **self._always, **said}
        return abandon(things.pop("vault", self.vault), [bytes(path) for path in paths], **things)

    def uploads(self) -> list[UploadListed]:
        """What gk status tells of unfinished uploads."""
        return uploads(self.vault, catalog=self.catalog, clock=self.clock)

    def copy_catalog(self, coding: Coding = PLAIN) -> bool:
        """What gk upload does at its end: bring the copy of the records in the vault up to date."""
        things = dict(self._always)
        with Crew(2) as crew:
            shipping = Shipping(self.catalog, self.store, self.told.append, lambda: False, crew, Shipped())
            return copy_catalog(
                self.vault, staging=self.staging, coding=coding, part=MIB, shipping=shipping, **things
            )

    def rebuild(self, **said: Any) -> CatalogRebuilt:
        """gk catalog rebuild."""
        things: dict[str, Any] = {"store": self.store, "staging": self.staging, **self._always, **said}
        return rebuild(things.pop("vault", self.vault), **things)

    def retrieve(self, *names: str, to: Path, **said: Any) -> RetrievalOutcome:
        """gk retrieve NAME... --to TO."""
        things: dict[str, Any] = {"store": self.store, **self._always, **said}
        return retrieve(names, things.pop("vault", self.vault), bytes(to), **things)

    def poll(self, **said: Any) -> PollOutcome:
        """gk poll."""
        return poll(store_of=self.store_of, staging=lambda: self.staging, **{**self._always, **said})

    def sync(self, **said: Any) -> InventorySync:
        """gk sync-inventory."""
        things: dict[str, Any] = {"store": self.store, **self._always, **said}
        return sync_inventory(things.pop("vault", self.vault), **things)

    def store_of(self, vault: Vault) -> Store:
        """The store of any vault of this world."""
        return _connect(self.service, vault.address, self.clock, self.told.append)

    def another_vault(self, address: str) -> Vault:
        """A second vault of the same service."""
        _connect(self.service, address, self.clock, nobody).create_vault()
        with self.catalog.write() as records:
            return records.vaults.remember(address)

    def broken_off(
        self, act: Callable[[], object], operation: str, *, nth: int = 1, arrived: bool = False
    ) -> Exit:
        """How *act* ends, which loses the service for good at its *nth* request for *operation*: that one *arrived*, or
        did not. Afterwards the service is there again."""
        self.service.cut(operation, nth=nth, arrived=arrived)
        try:
            return getattr(act(), "exit", Exit.DONE)
        except GlacierkeepError as error:
            return error.exit
        finally:
            self.service.mend()

    @property
    def _sending(self) -> dict[str, Any]:
        said = {"looking": Looking(Rules()), "sizes": SMALL, "coding": PLAIN}
        return {"store": self.store, "staging": self.staging, **said, **self._always}

    @property
    def _always(self) -> dict[str, Any]:
        return {"catalog": self.catalog, "clock": self.clock, "host": HOST, "tell": self.told.append}


@contextmanager
def a_world(
    folder: Path, *, realistic: bool = False, clock: TurnedClock | None = None, address: str = "local:photos"
) -> Iterator[World]:
    """A world below *folder*; opened again there, it is the same one after a restart."""
    clock = clock or TurnedClock()
    folder.mkdir(parents=True, exist_ok=True)
    service = Unreliable(LocalGlacier(folder / "local", clock=clock, realistic=realistic))
    catalog = Catalog.open(folder / "catalog.db", clock=clock, machine="machine")
    told: list[Event] = []
    store = _connect(service, address, clock, told.append)
    store.create_vault()
    with catalog.write() as records:
        vault = records.vaults.remember(address)
    try:
        yield World(folder, catalog, service, clock, vault, store, told)
    finally:
        catalog.close()
        service.close()


def _connect(service: Unreliable, address: str, clock: TurnedClock, tell: Listener) -> Store:
    plain = connect(parse_address(address), attach=lambda client: attach(client, service), now=service.now)
    return PatientStore(plain, patience=PATIENCE, clock=clock, tell=tell, stop=lambda: False)
