"""A big file, or a stream, as a set of volumes: each made in staging, sent, written down and dropped.

Killed anywhere, the next run goes on with the volumes that are not stored yet, if the file is what it was. A stream
cannot be read again: what is stored of one that was broken off is let go of.
"""

import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from glacierkeep.bundle.listing import listing_of
from glacierkeep.bundle.storing import Coding
from glacierkeep.bundle.volume import PackedVolume, write_volume
from glacierkeep.bundle.xattrs import Xattrs
from glacierkeep.catalog import Catalog, Records
from glacierkeep.domain import names
from glacierkeep.domain.cutting import pieces
from glacierkeep.domain.description import ArchiveKind
from glacierkeep.domain.files import Entry, FileKind, kept_mtime
from glacierkeep.domain.hashes import Hashes
from glacierkeep.domain.manifest import Member, Portion
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.records import (
    Archive,
    ArchiveState,
    NewVersion,
    Piece,
    Root,
    Upload,
    Vault,
    Volume,
    VolumeSet,
)
from glacierkeep.domain.segments import SegmentMap
from glacierkeep.domain.treehash import TreeHasher, combine
from glacierkeep.errors import SourceChanged, Stopped
from glacierkeep.events import Listener, Noted
from glacierkeep.operations.asking import new_token
from glacierkeep.operations.delete import finish_deletions
from glacierkeep.operations.flight import Flight, raise_it
from glacierkeep.operations.intents import Intents
from glacierkeep.operations.shipping import Record, Shipping
from glacierkeep.transfer.source import FileSource, SourceUnreadable, StagedSource

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Volumes:
    """What it takes to send sets of volumes of one root. *compressed*: not sealed ones go in zstd frames. *xattrs*: of
    the file that they hold."""

    root: Root
    run_id: int
    vault: Vault
    volume_size: int
    coding: Coding
    compressed: bool
    intents: Intents
    shipping: Shipping
    catalog: Catalog
    staging: Path
    xattrs: Xattrs = ()

    def send_file(self, entry: Entry, source: FileSource) -> None:
        """Send what is not stored yet of the file *entry*, and record it.

        Raises SourceChanged (its set is then ended), Stopped, DiskTrouble, and what the store raises.
        """
        found = self._set_of(entry) or self.begin(entry, entry.size)
        try:
            self._send_all(found, entry, source)
        except SourceChanged as error:
            if not isinstance(error, SourceUnreadable):
                end_set(found, catalog=self.catalog, shipping=self.shipping)
            raise

    def begin(self, entry: Entry, size: int | None) -> VolumeSet:
        """A new set, written down; *size* None for a stream."""
        with self.catalog.write() as records:
            return records.volume_sets.begin(
                self.vault.vault_id,
                self.root.root_id,
                new_token(),
                entry.path,
                size,
                entry.mtime_ns,
                entry.inode,
                self.volume_size,
                self.coding.form,
            )

    def send_one(
        self, found: VolumeSet, entry: Entry, content: Iterable[bytes], part: ByteRange, portion: "Portions"
    ) -> None:
        """Make, send and record the volume of *found* that holds the bytes *part* of the file.

        Raises SourceChanged after the last one if not all of them are there any more, and as `send_file` does.
        """
        self._ship(found, entry, *self._make(found, entry, content, part, portion), self.shipping)
        if portion.check is not None:
            self._check_recorded(found)

    def _make(
        self, found: VolumeSet, entry: Entry, content: Iterable[bytes], part: ByteRange, portion: "Portions"
    ) -> tuple[Upload, PackedVolume]:
        """The volume, in staging, and the intent to send it."""
        kind = ArchiveKind.SEALED if self.coding.seal else ArchiveKind.BUNDLE
        upload = self.intents.staging(kind, set_token=found.token, index=portion.index)
        try:
            packed = self._pack(self.staging / upload.source.decode(), entry, content, part, portion)
        except BaseException:
            self.intents.forget(upload)
            raise
        return self.intents.staged(upload, packed.stored.size), packed

    def _ship(
        self, found: VolumeSet, entry: Entry, upload: Upload, packed: PackedVolume, shipping: Shipping
    ) -> None:
        staged, record = packed.stored.path, record_volume(self.run_id, self.root, packed.member)
        name = names.join(self.root.label.encode(), entry.path)
        with StagedSource(staged) as source:
            shipping.ship(upload, source, record, files=1, name=name, segments=packed.stored.segments)
        drop_staged(staged)

    def _check_recorded(self, found: VolumeSet) -> None:
        with self.catalog.read() as records:
            if records.volume_sets.by_token(found.vault_id, found.token) is not None:
                raise SourceChanged("a volume of it was lost while the others were sent")

    def _pack(
        self, staged: Path, entry: Entry, content: Iterable[bytes], part: ByteRange, portion: "Portions"
    ) -> PackedVolume:
        name = names.join(self.root.label.encode(), entry.path)
        return write_volume(
            staged, name, entry, content, part.length, portion.index, portion.of, self.coding,
            compressed=self.compressed, xattrs=self.xattrs,
        )  # fmt: skip

    def _set_of(self, entry: Entry) -> VolumeSet | None:
        """The set of this very file that an earlier run began, all there; others of its path are ended."""
        with self.catalog.read() as records:
            begun = records.volume_sets.of_root(self.vault.vault_id, self.root.root_id)
            there = {found.set_id for found in begun if _is_there(found, records)}
        going_on = None
        for found in begun:
            if found.path == entry.path:
                if going_on is None and found.set_id in there and self._is_of(found, entry):
                    going_on = found
                else:
                    end_set(found, catalog=self.catalog, shipping=self.shipping)
        return going_on

    def _is_of(self, found: VolumeSet, entry: Entry) -> bool:
        same = (found.size, found.mtime_ns, found.inode) == (
            entry.size,
            kept_mtime(entry.mtime_ns),
            entry.inode,
        )
        return same and (found.volume_size, found.form) == (self.volume_size, self.coding.form)

    def _send_all(self, found: VolumeSet, entry: Entry, source: FileSource) -> None:
        with self.catalog.read() as records:
            stored = {each.index: each for each in records.volume_sets.volumes(found.set_id)}
        whole = Whole()
        parts = list(pieces(ByteRange(0, entry.size), found.volume_size))
        with Flight(self.shipping.crew, most=1) as flight:
            shipping = replace(self.shipping, stop=lambda: self.shipping.stop() or flight.broken)
            for index, part in enumerate(parts, start=1):
                content = self._read(source, part, whole)
                if index in stored:
                    self._pass_over(stored[index], content, whole)
                    continue
                portion = Portions(
                    found.token, index, part.start, whole, source.check if index == len(parts) else None
                )
                # One volume is made while the one before it is sent.
                made = self._make(found, entry, content, part, portion)
                flight.launch(functools.partial(self._ship, found, entry, *made, shipping), raise_it)
            flight.land_all()
        if len(parts) not in stored:
            self._check_recorded(found)

    def _read(self, source: FileSource, part: ByteRange, whole: "Whole") -> Iterator[bytes]:
        for piece in pieces(part, _PIECE):
            if self.shipping.stop():
                raise Stopped
            content = source.read_part(piece)
            whole.update(content)
            yield content

    def _pass_over(self, volume: Volume, content: Iterable[bytes], whole: "Whole") -> None:
        """Read a portion that is stored already. Raises SourceChanged if it is not what was stored."""
        hasher = TreeHasher()
        for piece in content:
            hasher.update(piece)
        if hasher.digest() != volume.tree_hash:
            raise SourceChanged(f"bytes from {volume.offset} on changed since they were stored")
        whole.add(volume.tree_hash)


class Whole:
    """The hashes of a whole file, read in order, portion by portion of 2^n MiB."""

    def __init__(self) -> None:
        self._size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._portions: list[bytes] = []

    def update(self, piece: bytes) -> None:
        """The next bytes."""
        self._size += len(piece)
        self._md5.update(piece)

    def add(self, tree_hash: bytes) -> None:
        """The tree hash of the portion that just ended."""
        self._portions.append(tree_hash)

    def result(self) -> Hashes:
        """The hashes of all portions so far."""
        return Hashes(self._size, self._md5.digest(), combine(self._portions))


@dataclass(frozen=True, slots=True)
class Portions:
    """Says of which portion a volume is, once its content was read. *check* is called first; None: more follow."""

    token: str
    index: int
    offset: int
    whole: Whole
    check: Callable[[], None] | None

    def of(self, tree_hash: bytes) -> Portion:
        """The portion whose content has that tree hash. Raises what *check* raises."""
        self.whole.add(tree_hash)
        if self.check is None:
            return Portion(self.token, self.index, self.offset)
        self.check()
        return Portion(self.token, self.index, self.offset, self.whole.result())


def record_volume(run_id: int | None, root: Root, member: Member) -> Record:
    """What a volume holds: a portion; with the last one the file is recorded, and its set forgotten.

    If a volume before it was lost meanwhile the set stays as it is: the run that finds it so ends it.
    """
    portion = member.portion
    assert portion is not None
    assert member.tree_hash is not None
    tree_hash = member.tree_hash

    def record(records: Records, archive_key: int) -> None:
        vault_id = records.archives.get(archive_key).vault_id
        found = records.volume_sets.by_token(vault_id, portion.token)
        if found is None:
            return
        volume = Volume(portion.index, archive_key, portion.offset, member.size, member.offset, tree_hash)
        records.volume_sets.add(found.set_id, volume)
        if portion.whole is not None and _is_there(found, records):
            version = _version(found, member, portion.whole, records)
            records.versions.record(run_id, root.root_id, vault_id, archive_key, [version])
            records.volume_sets.forget(found.set_id)

    return record


def _is_there(found: VolumeSet, records: Records) -> bool:
    """Whether the volumes of the set that were stored follow each other from the first on, none lost or in doubt."""
    stored = records.volume_sets.volumes(found.set_id)
    archives = records.archives.many([each.archive_key for each in stored]).values()
    in_row = sorted(each.index for each in stored) == list(range(1, len(stored) + 1))
    return in_row and all(archive.state is ArchiveState.PRESENT for archive in archives)


def _version(found: VolumeSet, member: Member, whole: Hashes, records: Records) -> NewVersion:
    lying = [piece for each in records.volume_sets.volumes(found.set_id) for piece in _pieces(each, records)]
    return NewVersion(
        path=found.path,
        kind=FileKind.FILE,
        size=whole.size,
        mtime_ns=member.mtime_ns,
        mode=member.mode,
        inode=found.inode,
        hashes=whole,
        pieces=tuple(lying),
    )


def _pieces(volume: Volume, records: Records) -> Iterator[Piece]:
    within = SegmentMap(records.archives.segments(volume.archive_key))
    for piece in within.pieces(volume.content_offset, volume.length, volume.offset):
        yield Piece(piece.offset, piece.length, piece.version_offset, piece.segment, volume.archive_key)


def end_set(found: VolumeSet, *, catalog: Catalog, shipping: Shipping) -> None:
    """Give a set up: forget it, and delete the volumes that are stored, which nothing else needs."""
    with catalog.write() as records:
        keys = [each.archive_key for each in records.volume_sets.volumes(found.set_id)]
        records.volume_sets.forget(found.set_id)
        gone: list[Archive] = [records.archives.get(key) for key in records.archives.begin_deletion(keys)]
    finish_deletions(gone, catalog=catalog, store_of=lambda _: shipping.store, tell=shipping.tell)


def drop_staged(staged: Path) -> None:
    """Remove a staged archive and its listing."""
    for path in (staged, listing_of(staged)):
        path.unlink(missing_ok=True)


def end_stale_sets(
    root: Root,
    vault: Vault,
    start: bytes,
    kept: Iterable[bytes],
    *,
    catalog: Catalog,
    shipping: Shipping,
    tell: Listener,
) -> None:
    """End the sets below *start* whose file this run did not send to its end, but for the paths *kept*."""
    with catalog.read() as records:
        begun = records.volume_sets.of_root(vault.vault_id, root.root_id)
    for found in begun:
        inside = not start or found.path == start or found.path.startswith(start + b"/")
        if inside and found.path not in kept:
            end_set(found, catalog=catalog, shipping=shipping)
            name = names.printable(names.join(root.label.encode(), found.path))
            tell(Noted("volumes-ended", f"the volumes of {name} that an earlier run stored were let go of"))


def end_streams(root: Root, vault: Vault, *, catalog: Catalog, shipping: Shipping, tell: Listener) -> None:
    """End the sets of streams that an earlier run did not bring to their end: a stream cannot be read again."""
    with catalog.read() as records:
        begun = records.volume_sets.of_root(vault.vault_id, root.root_id)
    for found in begun:
        if found.size is None:
            end_set(found, catalog=catalog, shipping=shipping)
            name = names.printable(names.join(root.label.encode(), found.path))
            tell(
                Noted(
                    "incomplete-set",
                    f"{name} from standard input was broken off earlier: what was stored of it is deleted, and it is"
                    " archived only when it is sent again",
                )
            )
