"""Small files fill one bundle after the other; each is made in staging and goes its way when it is full."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from glacierkeep.bundle.encode import Stored, encode
from glacierkeep.bundle.files import as_disk_trouble
from glacierkeep.bundle.folder import FOLDER_FLAGS, open_below, open_source
from glacierkeep.bundle.pack import BundleWriter
from glacierkeep.bundle.spool import Spool
from glacierkeep.domain import names
from glacierkeep.domain.description import ArchiveKind
from glacierkeep.domain.files import Entry, FileKind
from glacierkeep.domain.filling import Filling
from glacierkeep.domain.hashes import Hashes
from glacierkeep.domain.manifest import Member
from glacierkeep.domain.records import NewVersion, Upload
from glacierkeep.errors import SourceChanged
from glacierkeep.operations.content import look_again
from glacierkeep.operations.contents import hashes_at, hashes_of, member_version, new_version, record_members
from glacierkeep.operations.flight import Flight
from glacierkeep.operations.references import References
from glacierkeep.operations.run import Run
from glacierkeep.operations.scan import Change
from glacierkeep.operations.volumes import drop_staged
from glacierkeep.transfer.source import StagedSource

Trouble = Callable[[bytes, Exception], None]


@dataclass(slots=True)
class Packed:
    """What went into bundles: *files*, and the bytes of all."""

    files: int = 0
    size: int = 0


@dataclass(slots=True)
class _Bundle:
    """A bundle being made, and what it will be recorded to hold."""

    upload: Upload
    writer: BundleWriter
    filling: Filling
    versions: Spool[NewVersion]


class Packing:
    """The bundles of one run. *trouble* is told of what cannot be read, which is left out. Not for several threads."""

    def __init__(
        self, run: Run, root_fd: int, flight: Flight, references: References, trouble: Trouble
    ) -> None:
        self.packed = Packed()
        self._run, self._root_fd, self._flight, self._references = run, root_fd, flight, references
        self._trouble = trouble
        self._label = run.root.label.encode()
        self._bundle: _Bundle | None = None
        self._riders: list[Change] = []

    def add(self, change: Change) -> None:
        """Put *change* into the bundle at hand, or into a new one if that is full."""
        name = self._name(change.entry)
        if self._bundle is not None and not self._bundle.filling.has_room_for(name, change.entry):
            self.close()
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

    def drop_riders(self) -> None:
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
                again = None if last else look_again(change, self._root_fd)
                if again is None:
                    return self._trouble(change.entry.path, error)
                change = again
            else:
                return self._note_member(change, member)

    def _write_member(self, entry: Entry) -> Member:
        writer, name = self._open_bundle().writer, self._name(entry)
        if entry.kind is FileKind.FOLDER:
            return writer.add_folder(
                name, entry, lambda: open_below(self._root_fd, entry.path, FOLDER_FLAGS | os.O_NOFOLLOW)
            )
        if entry.kind is FileKind.SYMLINK:
            return writer.add_symlink(name, entry)
        if entry.kind is FileKind.HARDLINK:
            return writer.add_hardlink(name, entry, names.join(self._label, entry.target or b""))
        return writer.add_file(name, entry, lambda: open_source(self._root_fd, entry.path))

    def _note_member(self, change: Change, member: Member) -> None:
        bundle, entry = self._open_bundle(), change.entry
        bundle.filling.add(member.path, entry)
        hashes = hashes_of(member)
        if member.kind is FileKind.HARDLINK:
            self._references.write()
            hashes = self.hashes_at(entry.target or b"")
            if hashes is None:
                error = SourceChanged(
                    f"the file it is a name of, {names.printable(entry.target or b'')}, is not recorded"
                )
                return self._trouble(entry.path, error)
        bundle.versions.append(member_version(member, entry.path, entry.target, entry.inode, hashes))
        if entry.kind is not FileKind.FOLDER:
            self.packed.files += 1
        self.packed.size += member.size if member.kind is FileKind.FILE else 0

    def _open_bundle(self) -> _Bundle:
        if self._bundle is None:
            upload = self._run.intents.staging(
                ArchiveKind.SEALED if self._run.coding.seal else ArchiveKind.BUNDLE
            )
            filling = Filling(self._run.sizes.bundle, self._run.sizes.members)
            # Else it would be taken for trouble with the file that comes first.
            with as_disk_trouble("a bundle"):
                writer = BundleWriter(
                    self._run.staging / upload.source.decode(), xattrs=self._run.looking.xattrs
                )
                self._bundle = _Bundle(upload, writer, filling, Spool(self._run.staging))
        return self._bundle

    def close(self) -> None:
        """Finish the bundle in staging, and let it go its way."""
        if self._bundle is not None and not self._bundle.versions:
            return self.abandon()
        bundle, self._bundle = self._bundle, None
        if bundle is None:
            return
        try:
            stored = encode(bundle.writer.finish(), self._run.coding)
            upload = self._run.intents.staged(bundle.upload, stored.size)
            self._references.write()
            self._flight.launch(
                lambda: self._ship_bundle(upload, stored, bundle.versions), self._bundle_landed, staged=True
            )
        except BaseException:
            bundle.versions.close()
            raise

    def _ship_bundle(self, upload: Upload, stored: Stored, versions: Spool[NewVersion]) -> None:
        """Send the staged bundle, record its members, and drop the staged file."""
        with versions as members, StagedSource(stored.path) as source:
            record = record_members(self._run.run_id, self._run.root.root_id, members, stored.segments)
            self._run.shipping.ship(
                upload,
                source,
                record,
                files=len(members),
                name=self._bundle_name,
                segments=stored.segments,
            )
        drop_staged(stored.path)

    def _bundle_landed(self, error: BaseException | None) -> None:
        if error is None:
            self._run.failures.none()
        else:
            self._run.failures.note(self._bundle_name, error)

    @property
    def _bundle_name(self) -> bytes:
        return names.join(self._label, b"(bundle)")

    def abandon(self) -> None:
        """A bundle that was not finished leaves nothing behind."""
        bundle, self._bundle = self._bundle, None
        if bundle is not None:
            bundle.writer.abandon()
            bundle.versions.close()
            self._run.intents.forget(bundle.upload)

    def hashes_at(self, path: bytes) -> Hashes | None:
        """The hashes of what lies at *path*, which may be in the bundle at hand or still on its way."""
        fresh = self._bundle.versions if self._bundle else ()
        found = hashes_at(self._run.root, path, fresh, catalog=self._run.catalog)
        if found is None:
            self._flight.land_all()
            found = hashes_at(self._run.root, path, fresh, catalog=self._run.catalog)
        return found

    def take_along(self, rider: Change) -> None:
        """A folder whose new times and mode go into a bundle that is made anyway."""
        self._riders.append(rider)

    def _name(self, entry: Entry) -> bytes:
        return names.join(self._label, entry.path)
