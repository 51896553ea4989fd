"""A store that repeats what failed, for as long as is wanted, unless that could do a thing twice."""

import random as chance
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Final, TypeVar

from glacierkeep.clock import Clock
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.patience import Patience
from glacierkeep.domain.service import JobStatus, ListedArchive, OpenUpload, SentPart, Tier, VaultState
from glacierkeep.errors import BytesRefused, ServiceError, Stopped, VaultMissing
from glacierkeep.events import Event, Listener, Noted
from glacierkeep.stores.outage import Outage
from glacierkeep.stores.store import Body, InventoryOutput, Output, Store
from glacierkeep.stores.trying import Trying

T = TypeVar("T")
_END: Final = object()
_SLICE = 1.0
"""Seconds of a pause after which it is asked whether to stop."""


class PatientStore:
    """A `Store` over *store*. Requests are repeated as *patience* says, and each pause is told to *tell*; all who use
    it, from whatever thread, wait together. *stop* is asked during pauses, which then raise Stopped.

    What is sent once is repeated only if it certainly was not carried out. Of an error after several tries
    `may_have_been_done` speaks of all of them.
    """

    def __init__(
        self,
        store: Store,
        *,
        patience: Patience,
        clock: Clock,
        tell: Listener,
        stop: Callable[[], bool],
        random: Callable[[], float] = chance.random,
    ) -> None:
        self.address = store.address
        self._store = store
        self._patience = patience
        self._clock = clock
        self._tell = tell
        self._stop = stop
        self._outage = Outage(patience, clock, random)
        self._noted: dict[str, Noted] = {}

    def now(self) -> datetime:
        return self._store.now()

    def create_vault(self) -> None:
        self._persist(self._store.create_vault)

    def describe_vault(self) -> VaultState:
        return self._persist(self._store.describe_vault)

    def delete_vault(self) -> None:
        try:
            self._persist(self._store.delete_vault)
        except VaultMissing as error:
            if not error.in_doubt:
                raise

    def upload_archive(self, body: Body, description: str) -> str:
        return self._persist(partial(self._store.upload_archive, body, description), once=True)

    def initiate_upload(self, part_size: int, description: str) -> str:
        return self._persist(partial(self._store.initiate_upload, part_size, description), once=True)

    def upload_part(self, upload_id: str, start: int, body: Body) -> None:
        self._persist(partial(self._store.upload_part, upload_id, start, body))

    def complete_upload(self, upload_id: str, size: int, tree_hash: bytes) -> str:
        return self._persist(partial(self._store.complete_upload, upload_id, size, tree_hash))

    def abort_upload(self, upload_id: str) -> None:
        self._persist(partial(self._store.abort_upload, upload_id))

    def list_uploads(self) -> Iterator[OpenUpload]:
        return self._each(self._store.list_uploads)

    def list_parts(self, upload_id: str) -> Iterator[SentPart]:
        return self._each(partial(self._store.list_parts, upload_id))

    def delete_archive(self, archive_id: str) -> None:
        self._persist(partial(self._store.delete_archive, archive_id))

    def request_archive(self, archive_id: str, wanted: ByteRange | None, tier: Tier, description: str) -> str:
        ask = partial(self._store.request_archive, archive_id, wanted, tier, description)
        return self._persist(ask, once=True)

    def request_inventory(self, description: str) -> str:
        return self._persist(partial(self._store.request_inventory, description), once=True)

    def describe_job(self, job_id: str) -> JobStatus:
        return self._persist(partial(self._store.describe_job, job_id))

    def list_jobs(self) -> Iterator[JobStatus]:
        return self._each(self._store.list_jobs)

    @contextmanager
    def open_output(self, job_id: str, wanted: ByteRange | None = None) -> Iterator[Output]:
        """Opening is repeated; a connection that breaks while it is read is the reader's business."""
        with ExitStack() as opened:
            yield self._persist(lambda: opened.enter_context(self._store.open_output(job_id, wanted)))

    def read_inventory(self, job_id: str) -> AbstractContextManager[InventoryOutput]:
        """Opening is repeated until the first archive is there."""
        return self._read_inventory(job_id)

    @contextmanager
    def _read_inventory(self, job_id: str) -> Iterator[InventoryOutput]:
        with ExitStack() as opened:

            def begin() -> "_Begun":
                opened.close()
                return _Begun(opened.enter_context(self._store.read_inventory(job_id)))

            yield self._persist(begin)

    def _each(self, listing: Callable[[], Iterator[T]]) -> Iterator[T]:
        entries = listing()
        while (entry := self._persist(partial(next, entries, _END))) is not _END:
            yield entry

    def _persist(self, action: Callable[[], T], *, once: bool = False) -> T:
        """What *action* gives in the end. Raises Stopped, or what the last try raised."""
        trying = Trying(str(self.address), self._patience, self._outage, self._clock, once=once)
        while True:
            self._wait_together()
            trying.begin()
            try:
                answer = action()
            except (ServiceError, BytesRefused) as error:
                if not trying.goes_on(error):
                    raise
            else:
                self._outage.end()
                return answer
            self._say(trying.event)
            self._sleep(trying.pause)

    def _say(self, event: Event | None) -> None:
        """Tell what happened; what is to be known is told once."""
        known = isinstance(event, Noted) and self._noted.setdefault(event.code, event) is not event
        if event is not None and not known:
            self._tell(event)

    def _wait_together(self) -> None:
        while (left := self._outage.left()) > 0:
            self._sleep(min(left, _SLICE))

    def _sleep(self, seconds: float) -> None:
        while seconds > 0:
            if self._stop():
                raise Stopped
            self._clock.sleep(min(seconds, _SLICE))
            seconds -= _SLICE


class _Begun:
    """An inventory whose first archive was read."""

    def __init__(self, inventory: InventoryOutput) -> None:
        entries = iter(inventory)
        self._inventory = inventory
        self._entries = chain([each for each in (next(entries, None),) if each is not None], entries)

    @property
    def date(self) -> datetime | None:
        return self._inventory.date

    def __iter__(self) -> Iterator[ListedArchive]:
        return self._entries
