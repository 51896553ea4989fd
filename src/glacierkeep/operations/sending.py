"""From changes to archives: what is known is recorded, small files fill bundles, big ones go as they are."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace

from glacierkeep.bundle.xattrs import Xattrs, read_xattrs
from glacierkeep.domain import names
from glacierkeep.domain.files import Entry, FileKind
from glacierkeep.errors import BytesMismatch, ServiceError, SourceChanged
from glacierkeep.events import Trouble
from glacierkeep.operations.choosing_form import Way, way_of
from glacierkeep.operations.content import Judged, judge, look_again, source_of
from glacierkeep.operations.contents import new_version, record_file
from glacierkeep.operations.flight import Flight
from glacierkeep.operations.packing import Packed, Packing
from glacierkeep.operations.references import References
from glacierkeep.operations.run import Run
from glacierkeep.operations.scan import Change
from glacierkeep.operations.volumes import Volumes


@dataclass(slots=True)
class Sent:
    """What became of the changes."""

    files: int = 0
    size: int = 0
    same: int = 0
    troubles: int = 0

    def add(self, packed: Packed) -> None:
        """What went into bundles."""
        self.files += packed.files
        self.size += packed.size


class Sending:
    """One run's changes on their way into the vault. Not for several threads at once."""

    def __init__(self, run: Run, root_fd: int) -> None:
        self.sent = Sent()
        self.failed: set[bytes] = set()
        """Paths that could not be read, or whose archives failed."""
        self._flight = Flight(run.shipping.crew)
        shipping = replace(run.shipping, stop=lambda: run.stop() or self._flight.broken)
        self._run, self._root_fd = replace(run, shipping=shipping), root_fd
        self._references = References(run.run_id, run.root.root_id, run.vault.vault_id, catalog=run.catalog)
        self._packing = Packing(self._run, root_fd, self._flight, self._references, self._trouble)
        self._aloft: set[bytes] = set()
        """Paths of the files that are on their way as archives of their own."""
        self._again: list[Change] = []
        """Files that changed while they were sent."""

    def send(self, changes: Iterable[Change]) -> None:
        """Send or record every change, in order; what cannot be read is told of and left out.

        Raises Stopped, DiskTrouble, and what the store raises.
        """
        with self._flight:
            self._send_all(changes)

    def _send_all(self, changes: Iterable[Change]) -> None:
        try:
            judged = judge(
                changes,
                self._run.vault.vault_id,
                self._root_fd,
                catalog=self._run.catalog,
                trouble=self._trouble,
                stop=self._run.stop,
            )
            for each in judged:
                if self._run.stop():
                    return
                self._take(each)
                self._send_again()
            self._finish()
            for change in self._references.let_down:
                self.sent.same -= not change.doubtful
                self._send(change)
            self._finish()
            self.sent.add(self._packing.packed)
        finally:
            self._packing.abandon()

    def _take(self, judged: Judged) -> None:
        change = self._without_lost_twin(judged.change)
        if judged.same_as is not None:
            self._references.note(new_version(change.entry, judged.hashes, same_as=judged.same_as), change)
            self.sent.same += not change.doubtful
        elif change.doubtful and self._links_the_same(change):
            return
        elif change.rider:
            self._packing.take_along(change)
        else:
            self._send(change)

    def _links_the_same(self, change: Change) -> bool:
        """Whether a hard link in doubt is a name of the very content that is recorded for it."""
        if change.entry.kind is not FileKind.HARDLINK:
            return False
        self._references.write()
        now = self._packing.hashes_at(change.entry.target or b"")
        with self._run.catalog.read() as records:
            known = records.versions.get(change.known)
        return now is not None and now.tree_hash == known.tree_hash

    def _send(self, change: Change) -> None:
        if change.entry.kind is FileKind.FILE and change.entry.size >= self._run.sizes.threshold:
            self._send_big(change)
        else:
            self._packing.add(change)

    def _send_again(self) -> None:
        changed, self._again = self._again, []
        for change in changed:
            self._send_big(change, again=False)

    def _finish(self) -> None:
        """Send what is at hand; return once nothing is on its way."""
        self._packing.close()
        self._flight.land_all()
        while self._again:
            self._send_again()
            self._packing.close()
            self._flight.land_all()
        self._packing.drop_riders()
        self._references.write()

    def _without_lost_twin(self, change: Change) -> Change:
        """*change*; a hard link whose first name could not be read brings the content itself."""
        entry = change.entry
        if entry.kind is FileKind.HARDLINK and entry.target in self._aloft:
            self._flight.land_all()
        if entry.kind is not FileKind.HARDLINK or entry.target not in self.failed:
            return change
        return change._replace(entry=entry._replace(kind=FileKind.FILE, target=None))

    # Big files

    def _send_big(self, change: Change, *, again: bool = True) -> None:
        """Send the file by the way that suits it; once more if it changed while it was read and *again* says so."""
        try:
            self._ship_big(change, again)
        except OSError as error:
            self._trouble(change.entry.path, error)
        except SourceChanged as error:
            self._changed(change, error, again)
        except (ServiceError, BytesMismatch) as error:
            self._fail(change, error)

    def _changed(self, change: Change, error: SourceChanged, again: bool) -> None:
        now = look_again(change, self._root_fd) if again else None
        if now is None:
            self._trouble(change.entry.path, error)
        else:
            self._again.append(now)

    def _fail(self, change: Change, error: BaseException) -> None:
        self._run.failures.note(self._name(change.entry), error)
        self.failed.add(change.entry.path)

    def _ship_big(self, change: Change, again: bool) -> None:
        entry = change.entry
        with source_of(change, self._root_fd) as source:
            xattrs = read_xattrs(source.fileno()) if self._run.looking.xattrs else ()
            way = way_of(entry, source, self._run.sizes, self._run.coding, self._run.intents, xattrs)
            if way is Way.BUNDLE:
                return self._packing.add(change)
            self._references.write()
            if way is Way.FILE:
                return self._launch_file(change, again)
            self._volumes(xattrs, compressed=way is Way.FRAMES).send_file(entry, source)
        self._arrived(entry)

    def _arrived(self, entry: Entry) -> None:
        self._run.failures.none()
        self.sent.files += 1
        self.sent.size += entry.size

    def _launch_file(self, change: Change, again: bool) -> None:
        entry = change.entry

        def landed(error: BaseException | None) -> None:
            self._aloft.discard(entry.path)
            if error is None:
                self._arrived(entry)
            elif isinstance(error, SourceChanged):
                self._changed(change, error, again)
            else:
                self._fail(change, error)

        self._aloft.add(entry.path)
        self._flight.launch(lambda: self._ship_file(change), landed)

    def _ship_file(self, change: Change) -> None:
        entry = change.entry
        with source_of(change, self._root_fd) as source:
            upload = self._run.intents.file(entry)
            record = record_file(self._run.run_id, self._run.root.root_id, self._run.vault.vault_id, entry)
            self._run.shipping.ship(upload, source, record, files=1, name=self._name(entry))

    def _volumes(self, xattrs: Xattrs, *, compressed: bool) -> Volumes:
        return Volumes(
            self._run.root,
            self._run.run_id,
            self._run.vault,
            self._run.sizes.volume,
            self._run.coding,
            compressed,
            self._run.intents,
            self._run.shipping,
            self._run.catalog,
            self._run.staging,
            xattrs,
        )

    def _name(self, entry: Entry) -> bytes:
        return names.join(self._run.root.label.encode(), entry.path)

    # What goes wrong

    def _trouble(self, path: bytes, error: Exception) -> None:
        self.sent.troubles += 1
        self.failed.add(path)
        self._run.tell(Trouble(names.join(self._run.root.label.encode(), path), *explain(error)))


def explain(error: Exception) -> tuple[str, str]:
    """A stable code and a sentence for a file that could not be read."""
    if isinstance(error, FileNotFoundError):
        return "vanished", "vanished before it was read"
    if isinstance(error, OSError):
        return "unreadable", f"cannot be read: {error.strerror or os.strerror(error.errno or 0)}"
    return getattr(error, "code", "failed"), str(error)
