"""gk upload --abandon: what an upload left unfinished is ended, at the service, in the catalog and in staging.

Root by root, its lease held: nothing that another gk is sending is touched. What may have become an archive is kept in
doubt for the next inventory. Killed anywhere, the next call ends the rest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from glacierkeep.catalog import Catalog
from glacierkeep.clock import Clock
from glacierkeep.domain.records import Root, Vault
from glacierkeep.errors import ChangedThenFailed, Exit, GlacierkeepError, Locked, Stopped
from glacierkeep.events import Listener, Noted, Trouble, nobody
from glacierkeep.operations import leftovers
from glacierkeep.operations.activity import copy_activity, lease, root_activity
from glacierkeep.operations.catalog_copies import give_up_copies
from glacierkeep.operations.delete import finish_deletions
from glacierkeep.operations.ending import end_upload
from glacierkeep.operations.incoming import FOLDER, clear_incoming
from glacierkeep.operations.leftovers import Leftovers
from glacierkeep.operations.roots import STANDARD_INPUT_LABEL, STANDARD_INPUT_PATH, Place, place_of
from glacierkeep.operations.shipping import Shipped, Shipping
from glacierkeep.operations.standard_input import drop_staged_input, is_staged
from glacierkeep.operations.unfinished import clear_staging
from glacierkeep.operations.uploads import UploadListed, list_opened, list_uploads
from glacierkeep.operations.volumes import end_set
from glacierkeep.stores.store import Store
from glacierkeep.transfer.crew import Crew


@dataclass(frozen=True, slots=True)
class UploadsAbandoned:
    """What was ended, or (*dry_run*) would be, with what was *found* then. Sizes in bytes.

    *uploads*, of which *acknowledged* bytes had arrived; *unrecorded* of them are in no record. *sets* of volumes,
    whose stored *archives* are deleted. *in_doubt* may have become archives. *busy* roots were left to another gk.
    """

    vault: str
    dry_run: bool
    found: tuple[UploadListed, ...]
    uploads: int
    acknowledged: int
    unrecorded: int
    sets: int
    archives: int
    archive_bytes: int
    in_doubt: int
    busy: int
    exit: Exit


def abandon(
    vault: Vault,
    paths: Sequence[bytes],
    *,
    catalog: Catalog,
    store: Store,
    staging: Path,
    clock: Clock,
    host: str,
    label: str = STANDARD_INPUT_LABEL,
    dry_run: bool = False,
    lock_wait: float = 0,
    tell: Listener = nobody,
    stop: Callable[[], bool] = lambda: False,
) -> UploadsAbandoned:
    """End the unfinished uploads of *paths* (b"-": standard input under *label*), or all of *vault* if there are none.

    Raises NothingToDo for a path that nothing was uploaded from, Stopped, and what the store raises; ChangedThenFailed
    instead, once something was ended.
    """
    places = [place_of(path, label=label, host=host, catalog=catalog) for path in paths]
    shipping = Shipping(catalog, store, tell, stop, Crew(1), Shipped())
    work = _Abandoning(vault, places, shipping, catalog, staging, clock, host, lock_wait)
    if dry_run:
        return work.foretell()
    try:
        work.end()
    except (GlacierkeepError, OSError) as error:
        raise work.after_changes(error) from error
    return work.outcome()


@dataclass(slots=True)
class _Abandoning:
    """*places* empty: everything of the vault. *ended*: so far; *busy*: what was left alone."""

    vault: Vault
    places: list[Place]
    shipping: Shipping
    catalog: Catalog
    staging: Path
    clock: Clock
    host: str
    lock_wait: float
    ended: Leftovers = field(default_factory=Leftovers)
    busy: int = 0

    def foretell(self) -> UploadsAbandoned:
        """What would be ended."""
        opened = list(self.shipping.store.list_uploads())
        strays = () if self.places else leftovers.unrecorded(opened, self.vault, catalog=self.catalog)
        self.ended = Leftovers(unrecorded=strays)
        with self.catalog.read() as records:
            for place in self.places or leftovers.places_of(self.vault, records=records):
                self.ended += leftovers.of_place(place, self.vault, opened, records=records)
            if not self.places:
                self.ended += leftovers.of_copies(self.vault, opened, records=records)
            self.ended += Leftovers(archives=tuple(records.archives.deleting(self.vault.vault_id)))
            uploads, now = self.ended.uploads + self.ended.doubtful, self.clock.now()
            found = list_uploads(self.vault, uploads, self.ended.sets, records=records, now=now)
        return self.outcome([*found, *(list_opened(self.vault, each) for each in strays)], dry_run=True)

    def end(self) -> None:
        """End it all."""
        if self.places:
            self._end_places(self.places)
        else:
            self._end_all()
        self._finish_deletions()
        clear_staging(self.staging, catalog=self.catalog)
        clear_incoming(self.staging / FOLDER)
        if self.ended.doubtful:
            told = (
                f"{len(self.ended.doubtful)} of them may have become archives: the next inventory will tell"
            )
            self.shipping.tell(Noted("upload-uncertain", told))

    def _end_all(self) -> None:
        opened = list(self.shipping.store.list_uploads())
        strays = leftovers.unrecorded(opened, self.vault, catalog=self.catalog)
        with self.catalog.read() as records:
            places = leftovers.places_of(self.vault, records=records)
            piped = [Place(root, b"") for root in records.roots.all() if self._is_piped(root)]
            copies = leftovers.of_copies(self.vault, opened, records=records)
        self._end_places([*places, *(each for each in piped if each not in places)])
        if copies:
            self._under_lease(copy_activity(self.vault), self._end_copies)
        for stray in strays:
            self.shipping.store.abort_upload(stray.upload_id)
            self.ended += Leftovers(unrecorded=(stray,))

    def _is_piped(self, root: Root) -> bool:
        """Whether standard input of *root* is left in staging, with or without an upload."""
        here = root.host == self.host and root.path.startswith(STANDARD_INPUT_PATH)
        return here and is_staged(root, staging=self.staging)

    def _end_places(self, places: Sequence[Place]) -> None:
        for place in places:
            self._under_lease(root_activity(place.root), partial(self._end_place, place))

    def _under_lease(self, activity: str, end: Callable[[], None]) -> None:
        """*end* what nobody else is at work on; otherwise it is told who is."""
        try:
            with lease(
                activity,
                catalog=self.catalog,
                clock=self.clock,
                host=self.host,
                wait_seconds=self.lock_wait,
            ):
                end()
        except Locked as error:
            self.busy += 1
            self.shipping.tell(Trouble(b"", error.code, str(error), error.hint))

    def _end_place(self, place: Place) -> None:
        opened = list(self.shipping.store.list_uploads())
        with self.catalog.read() as records:
            left = leftovers.of_place(place, self.vault, opened, records=records)
        for upload in left.uploads + left.doubtful:
            if self.shipping.stop():
                raise Stopped
            end_upload(upload, opened, shipping=self.shipping, staging=self.staging)
            self.ended += (
                Leftovers(uploads=(upload,)) if upload in left.uploads else Leftovers(doubtful=(upload,))
            )
        for found in left.sets:
            end_set(found, catalog=self.catalog, shipping=self.shipping)
        self.ended += Leftovers(acknowledged=left.acknowledged, sets=left.sets, archives=left.archives)
        if place.root.path.startswith(STANDARD_INPUT_PATH):
            drop_staged_input(place.root, catalog=self.catalog, staging=self.staging)

    def _end_copies(self) -> None:
        opened = list(self.shipping.store.list_uploads())
        with self.catalog.read() as records:
            left = leftovers.of_copies(self.vault, opened, records=records)
        give_up_copies(self.vault, catalog=self.catalog, staging=self.staging, shipping=self.shipping)
        self.ended += left

    def _finish_deletions(self) -> None:
        """Volumes that a call before this one marked and did not come to delete."""
        with self.catalog.read() as records:
            deleting = records.archives.deleting(self.vault.vault_id)
        finish_deletions(
            deleting, catalog=self.catalog, store_of=lambda _: self.shipping.store, tell=self.shipping.tell
        )
        self.ended += Leftovers(archives=tuple(deleting))

    def after_changes(self, error: Exception) -> Exception:
        """*error*, or, once something was ended, one that says so."""
        if not self.ended or isinstance(error, Stopped | ChangedThenFailed):
            return error
        ended = len(self.ended.uploads) + len(self.ended.unrecorded)
        return ChangedThenFailed(
            f"stopped after {ended} uploads were ended: {error}", hint="the same command again ends the rest"
        )

    def outcome(self, found: Sequence[UploadListed] = (), *, dry_run: bool = False) -> UploadsAbandoned:
        """What was ended, or would be."""
        ended = self.ended
        return UploadsAbandoned(
            vault=self.vault.address,
            dry_run=dry_run,
            found=tuple(found),
            uploads=len(ended.uploads) + len(ended.unrecorded),
            acknowledged=ended.acknowledged,
            unrecorded=len(ended.unrecorded),
            sets=len(ended.sets),
            archives=len(ended.archives),
            archive_bytes=sum(archive.size for archive in ended.archives),
            in_doubt=len(ended.doubtful),
            busy=self.busy,
            exit=Exit.LOCKED if self.busy else Exit.DONE,
        )
