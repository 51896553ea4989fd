"""From changes to archives: what is known is recorded, small files fill bundles, big ones go as they are."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from glacierkeep.bundle.encode import encode
from glacierkeep.bundle.files import as_disk_trouble
from glacierkeep.bundle.folder import FOLDER_FLAGS, open_below, open_source
from glacierkeep.bundle.pack import BundleWriter
from glacierkeep.bundle.spool import Spool
from glacierkeep.bundle.storing import Coding
from glacierkeep.bundle.xattrs import Xattrs, read_xattrs
from glacierkeep.catalog import Catalog
from glacierkeep.domain import names
from glacierkeep.domain.description import ArchiveKind
from glacierkeep.domain.files import Entry, FileKind
from glacierkeep.domain.filling import Filling
from glacierkeep.domain.forms import Sizes
from glacierkeep.domain.manifest import Member
from glacierkeep.domain.records import NewVersion, Root, Upload, Vault
from glacierkeep.errors import SourceChanged
from glacierkeep.events import Listener, Trouble
from glacierkeep.operations.choosing_form import Way, way_of
from glacierkeep.operations.content import Judged, judge, look_again, source_of
from glacierkeep.operations.contents import (
    hashes_at,
    hashes_of,
    member_version,
    new_version,
    record_file,
    record_members,
)
from glacierkeep.operations.intents import Intents
from glacierkeep.operations.references import References
from glacierkeep.operations.scan import Change
from glacierkeep.operations.shipping import Shipping
from glacierkeep.operations.volumes import Volumes, drop_staged
from glacierkeep.transfer.source import FileSource, StagedSource


@dataclass(slots=True)
class Sent:
    """What became of the changes."""

    files: int = 0
    size: int = 0
    same: int = 0
    troubles: int = 0


@dataclass(slots=True)
class _Bundle:
    """A bundle being made, and what it will be recorded to hold."""

    upload: Upload
    writer: BundleWriter
    filling: Filling
    versions: Spool[NewVersion]


class Sending:
    """One run's changes on their way into the vault. Not for several threads at once."""

    def __init__(
        self,
        root: Root,
        run_id: int,
        vault: Vault,
        sizes: Sizes,
        coding: Coding,
        *,
        xattrs: bool,
        shipping: Shipping,
        catalog: Catalog,
        staging: Path,
        root_fd: int,
        tell: Listener,
        stop: Callable[[], bool],
    ) -> None:
        self.root, self.run_id, self.vault, self.sizes, self.coding = root, run_id, vault, sizes, coding
        self.shipping, self.catalog, self.staging, self.root_fd = shipping, catalog, staging, root_fd
        self.tell, self.stop, self.xattrs = tell, stop, xattrs
        self.sent = Sent()
        self.failed: set[bytes] = set()
        """Paths that could not be read."""
        self._intents = Intents(root, run_id, vault, sizes.part, catalog)
        self._label = root.label.encode()
        self._bundle: _Bundle | None = None
        self._riders: list[Change] = []
        self._references = References(run_id, root.root_id, vault.vault_id, catalog=catalog)

    def send(self, changes: Iterable[Change]) -> None:
        """Send or record every change, in order; what cannot be read is told of and left out.

        Raises Stopped, DiskTrouble, and what the store raises.
        """
        try:
            judged = judge(
                changes,
                self.vault.vault_id,
                self.root_fd,
                catalog=self.catalog,
                trouble=self._trouble,
                stop=self.stop,
            )
            for each in judged:
                if self.stop():
                    return
                self._take(each)
            self._finish()
            for change in self._references.let_down:
                self.sent.same -= not change.doubtful
                self._send(change)
            self._finish()
        finally:
            self._abandon()

    def _take(self, judged: Judged) -> None:
        change = self._without_lost_twin(judged.change)
        if judged.same_as is not None:
            self._references.note(new_version(change.entry, judged.hashes, same_as=judged.same_as), change)
            self.sent.same += not change.doubtful
        elif change.doubtful and self._links_the_same(change):
            return
        elif change.rider:
            self._riders.append(change)
        else:
            self._send(change)

    def _links_the_same(self, change: Change) -> bool:
        """Whether a hard link in doubt is a name of the very content that is recorded for it."""
        if change.entry.kind is not FileKind.HARDLINK:
            return False
        self._references.write()
        fresh = self._bundle.versions if self._bundle else ()
        now = hashes_at(self.root, change.entry.target or b"", fresh, catalog=self.catalog)
        with self.catalog.read() as records:
            known = records.versions.get(change.known)
        return now is not None and now.tree_hash == known.tree_hash

    def _send(self, change: Change) -> None:
        if change.entry.kind is FileKind.FILE and change.entry.size >= self.sizes.threshold:
            self._send_big(change)
        else:
            self._add(change)

    def _finish(self) -> None:
        self._close_bundle()
        self._drop_riders()
        self._references.write()

    def _without_lost_twin(self, change: Change) -> Change:
        """*change*; a hard link whose first name could not be read brings the content itself."""
        entry = change.entry
        if entry.kind is not FileKind.HARDLINK or entry.target not in self.failed:
            return change
        return change._replace(entry=entry._replace(kind=FileKind.FILE, target=None))

    # Big files

    def _send_big(self, change: Change) -> None:
        """Send the file by the way that suits it; once more if it changed while it was read."""
        for last in (False, True):
            try:
                self._ship_big(change)
                return
            except OSError as error:
                return self._trouble(change.entry.path, error)
            except SourceChanged as error:
                again = None if last else look_again(change, self.root_fd)
                if again is None:
                    return self._trouble(change.entry.path, error)
                change = again

    def _ship_big(self, change: Change) -> None:
        entry = change.entry
        with source_of(change, self.root_fd) as source:
            xattrs = read_xattrs(source.fileno()) if self.xattrs else ()
            way = way_of(entry, source, self.sizes, self.coding, self._intents, xattrs)
            if way is Way.BUNDLE:
                return self._add(change)
            self._references.write()
            if way is Way.FILE:
                self._ship_file(entry, source)
            else:
                self._volumes(xattrs, compressed=way is Way.FRAMES).send_file(entry, source)
        self.sent.files += 1
        self.sent.size += entry.size

    def _ship_file(self, entry: Entry, source: FileSource) -> None:
        upload = self._intents.file(entry)
        record = record_file(self.run_id, self.root.root_id, self.vault.vault_id, entry)
        self.shipping.ship(upload, source, record, files=1, name=self._name(entry))

    def _volumes(self, xattrs: Xattrs, *, compressed: bool) -> Volumes:
        return Volumes(
            self.root,
            self.run_id,
            self.vault,
            self.sizes.volume,
            self.coding,
            compressed,
            self._intents,
            self.shipping,
            self.catalog,
            self.staging,
            xattrs,
        )

    # Bundles

    def _add(self, change: Change) -> None:
        name = self._name(change.entry)
        if self._bundle is not None and not self._bundle.filling.has_room_for(name, change.entry):
            self._close_bundle()
        self._flush_riders(change.entry.path)
        self._put(change)

    def _flush_riders(self, path: bytes) -> None:
        """Folders on the way to *path* ride along; of the others only the record is kept."""
        riders, self._riders = self._riders, []
        for rider in riders:
            if not rider.entry.path or path.startswith(rider.entry.path + b"/"):
                self._put(rider)
            else:
                self._references.note(new_version(rider.entry, None), rider)

    def _drop_riders(self) -> None:
        """Of folders that nothing took along only the record is kept."""
        riders, self._riders = self._riders, []
        for rider in riders:
            self._references.note(new_version(rider.entry, None), rider)

    def _put(self, change: Change) -> None:
        """Put one member into the bundle; once more if it changed while it was read."""
        for last in (False, True):
            try:
                member = self._write_member(change.entry)
            except OSError as error:
                return self._trouble(change.entry.path, error)
            except SourceChanged as error:
                again = None if last else look_again(change, self.root_fd)
                if again is None:
                    return self._trouble(change.entry.path, error)
                change = again
            else:
                return self._note_member(change, member)

    def _write_member(self, entry: Entry) -> Member:
        writer, name = self._open_bundle().writer, self._name(entry)
        if entry.kind is FileKind.FOLDER:
            return writer.add_folder(
                name, entry, lambda: open_below(self.root_fd, entry.path, FOLDER_FLAGS | os.O_NOFOLLOW)
            )
        if entry.kind is FileKind.SYMLINK:
            return writer.add_symlink(name, entry)
        if entry.kind is FileKind.HARDLINK:
            return writer.add_hardlink(name, entry, names.join(self._label, entry.target or b""))
        return writer.add_file(name, entry, lambda: open_source(self.root_fd, entry.path))

    def _note_member(self, change: Change, member: Member) -> None:
        bundle, entry = self._open_bundle(), change.entry
        bundle.filling.add(member.path, entry)
        hashes = hashes_of(member)
        if member.kind is FileKind.HARDLINK:
            self._references.write()
            hashes = hashes_at(self.root, entry.target or b"", bundle.versions, catalog=self.catalog)
            if hashes is None:
                error = SourceChanged(
                    f"the file it is a name of, {names.printable(entry.target or b'')}, is not recorded"
                )
                return self._trouble(entry.path, error)
        bundle.versions.append(member_version(member, entry.path, entry.target, entry.inode, hashes))
        if entry.kind is not FileKind.FOLDER:
            self.sent.files += 1
        self.sent.size += member.size if member.kind is FileKind.FILE else 0

    def _open_bundle(self) -> _Bundle:
        if self._bundle is None:
            upload = self._intents.staging(ArchiveKind.SEALED if self.coding.seal else ArchiveKind.BUNDLE)
            filling = Filling(self.sizes.bundle, self.sizes.members)
            with as_disk_trouble(
                "a bundle"
            ):  # else it would be taken for trouble with the file that comes first
                writer = BundleWriter(self.staging / upload.source.decode(), xattrs=self.xattrs)
                self._bundle = _Bundle(upload, writer, filling, Spool(self.staging))
        return self._bundle

    def _close_bundle(self) -> None:
        """Finish the bundle in staging, send it, record its members, and drop the staged file."""
        if self._bundle is not None and not self._bundle.versions:
            return self._abandon()
        bundle, self._bundle = self._bundle, None
        if bundle is None:
            return
        stored = encode(bundle.writer.finish(), self.coding)
        upload = self._intents.staged(bundle.upload, stored.size)
        self._references.write()
        with StagedSource(stored.path) as source, bundle.versions as members:
            record = record_members(self.run_id, self.root.root_id, members, stored.segments)
            name = names.join(self._label, b"(bundle)")
            self.shipping.ship(
                upload, source, record, files=len(members), name=name, segments=stored.segments
            )
        drop_staged(stored.path)

    def _abandon(self) -> None:
        """A bundle that was not finished leaves nothing behind."""
        bundle, self._bundle = self._bundle, None
        if bundle is not None:
            bundle.writer.abandon()
            bundle.versions.close()
            self._intents.forget(bundle.upload)

    def _name(self, entry: Entry) -> bytes:
        return names.join(self._label, entry.path)

    # What goes wrong

    def _trouble(self, path: bytes, error: Exception) -> None:
        self.sent.troubles += 1
        self.failed.add(path)
        self.tell(Trouble(names.join(self._label, path), *explain(error)))


def explain(error: Exception) -> tuple[str, str]:
    """A stable code and a sentence for a file that could not be read."""
    if isinstance(error, FileNotFoundError):
        return "vanished", "vanished before it was read"
    if isinstance(error, OSError):
        return "unreadable", f"cannot be read: {error.strerror or os.strerror(error.errno or 0)}"
    return getattr(error, "code", "failed"), str(error)
