"""Giving files their place: what a retrieval's items become below its target folder."""

import contextlib
import functools
import itertools
import os
from collections.abc import Callable, Iterator
from datetime import datetime

from glacierkeep.bundle.content import Write, copy_file, write_pieces
from glacierkeep.bundle.opening import Opening, Unseal
from glacierkeep.bundle.outcome import CannotPlace, Kept, Placed
from glacierkeep.bundle.place import Target
from glacierkeep.bundle.read import reader_of
from glacierkeep.bundle.unpack import open_contents
from glacierkeep.catalog import Catalog
from glacierkeep.domain import names
from glacierkeep.domain.description import ArchiveKind
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.hashes import Hashes, hash_content
from glacierkeep.domain.manifest import BadManifest
from glacierkeep.domain.records import Archive, Extent, Item, ItemState, Job, Retrieval, Version
from glacierkeep.errors import BytesMismatch, Exit, NoIdentity, SegmentDamaged
from glacierkeep.events import FileKept, FilePlaced, Listener, Trouble
from glacierkeep.operations.contents import expected_of
from glacierkeep.operations.gathering import Gathering
from glacierkeep.operations.retrieval_plan import brings, is_whole_archive, stored_range
from glacierkeep.operations.unpacking import Unpacked, Unpacking

_BATCH = 200
_PACKED = (ArchiveKind.BUNDLE, ArchiveKind.SEALED)
_ALL_OF_OWNER = 0o700


class Placing:
    """The items of one retrieval on their way to their places. Not for several threads at once."""

    def __init__(
        self,
        retrieval: Retrieval,
        target: Target,
        *,
        catalog: Catalog,
        unseal: Unseal,
        tell: Listener,
        stop: Callable[[], bool],
    ) -> None:
        self.retrieval, self.target, self.catalog, self.tell, self.stop = (
            retrieval,
            target,
            catalog,
            tell,
            stop,
        )
        self.unseal = unseal
        self.gathering = Gathering(retrieval, target, catalog)
        self.different = 0
        self.size = 0
        self.codes: list[Exit] = []
        self._settled: list[tuple[int, ItemState, str]] = []
        self._folders: set[bytes] = set()

    def place_what_needs_no_bytes(self) -> None:
        """Folders, symlinks and empty files: all that is known of them stands in the catalog; and what a run that was
        killed had gathered whole."""
        self._place_folders()
        arrived = self.gathering.arrived()
        begun = {version_id for version_id, _ in arrived}
        for _, version in self._waiting():
            if self.stop():
                break
            if version.version_id in begun and self.gathering.is_whole(version, arrived):
                self._place_gathered(version)
            elif version.kind is FileKind.SYMLINK:
                self._place(version, functools.partial(self._symlink, version))
            elif version.size == 0 and version.kind is not FileKind.FOLDER:
                self._place(version, functools.partial(self._content, version, write_pieces(())))
        self.flush()

    def settle_what_is_there(self, job: Job) -> None:
        """Settle items that *job* need not bring: what is wanted is in its place, or what must stay there."""
        for version, _ in self._pieces(
            job
        ):  # of several archives too: what is in its place needs none of them
            with contextlib.suppress(CannotPlace):
                kept = self.target.look(version.path, expected_of(version))
                if kept is not None and (kept.same or not self.retrieval.overwrite):
                    self._placed(version, kept)
        self.flush()

    def wants(self, job: Job) -> bool:
        """Whether an item still waits for bytes that *job* brings."""
        return next(self._pieces(job), None) is not None

    def place(
        self,
        job: Job,
        archive: Archive,
        name: str,
        damage: BytesMismatch | SegmentDamaged | None,
        *,
        now: datetime,
    ) -> bool:
        """Place every item whose bytes are in the partial file *name*, which *job* brought; *damage* is what is known
        to be wrong with it.

        False if it is sealed and no identity at hand opens it, or if somebody wants to stop: what came is kept.
        """
        if damage is not None:
            self._mismatch(f"archive:{archive.archive_id}".encode(), damage)
        elif job.range is None:
            with self.catalog.write() as records:
                records.archives.note_retrieved(archive.archive_key, now)
        if self.stop():
            return False
        found = None if damage or job.range else Hashes(archive.size, None, archive.tree_hash)
        try:
            if not self._unpack(job, archive, name) and not self._place_whole(job, archive, name, found):
                self._place_members(job, archive, name)
        except NoIdentity as error:
            self.flush()
            if damage is None:
                self.codes.append(error.exit)
                self.tell(
                    Trouble(f"archive:{archive.archive_id}".encode(), error.code, str(error), error.hint)
                )
                return False
            # Damage in the line for our key looks like a line for another one: more passes would not help.
            self.fail(job, str(error))
        self.flush()
        if self.stop():
            return False
        self.drop(name)
        return True

    def drop(self, name: str) -> None:
        """Nothing is wanted any more of the partial file *name*."""
        self.target.drop_partial(name)

    def fail(self, job: Job, reason: str) -> None:
        """Give up the items that wait for *job*."""
        for version, _ in self._pieces(job):
            self._failed(version, "not-retrieved", reason)
        self.flush()

    def finish(self) -> None:
        """All jobs are done: what waits still cannot come; folders get their times and modes."""
        for _, version in self._waiting():
            self._failed(version, "not-in-vault", "its bytes do not lie in this vault")
        self.flush()
        self.gathering.drop_all()
        self._make_folders()
        self._finish_folders()
        self.flush()
        with self.catalog.write() as records:
            records.retrievals.finish(self.retrieval.retrieval_id)

    def flush(self) -> None:
        """Make what was placed durable, then write it down."""
        self.target.flush()
        settled, self._settled = self._settled, []
        if not settled:
            return
        with self.catalog.write() as records:
            records.retrievals.settle_all(self.retrieval.retrieval_id, settled)

    def _waiting(self) -> Iterator[tuple[Item, Version]]:
        return self.catalog.retrieval_items(self.retrieval.retrieval_id, ItemState.WAITING)

    def _place_folders(self) -> None:
        """What is missing is written down before it is made: so the next pass knows which folders are ours."""
        some = False
        for _, version in self._waiting():
            if self.stop():
                return
            if version.kind is FileKind.FOLDER:
                self._place(version, functools.partial(self._look_at_folder, version))
                some = True
        if some:
            self.flush()
            self._make_folders()

    def _look_at_folder(self, version: Version) -> Placed | Kept:
        if self.target.look(version.path, hash_content(b"")) is None:
            return Placed()
        return self.target.place_folder(version.path)

    def _unpack(self, job: Job, archive: Archive, name: str) -> bool:
        """If what came is a bundle of ours of which only the id is known, let its members come; whether it was so."""
        some = list(itertools.islice(self._pieces(job), 2))
        if len(some) != 1 or not (
            some[0][0].adopted and archive.kind in _PACKED and is_whole_archive(*some[0], archive)
        ):
            return False
        version = some[0][0]
        with self.target.open_partial(name) as partial:
            read_at, what = reader_of(partial), f"archive {archive.archive_id}"
            opened = functools.partial(open_contents, read_at, archive.size, self.unseal, what)
            try:
                done = Unpacking(
                    version.path, self.target, self.retrieval.overwrite, self.tell, self.stop
                ).unpack(opened)
            except (BadManifest, SegmentDamaged) as error:
                self._failed(version, "not-unpacked", f"it is no whole bundle of gk's: {error}")
                return False
        if not self.stop():
            self._note_unpacked(version, done)
        return True

    def _note_unpacked(self, version: Version, done: Unpacked) -> None:
        self.codes += done.codes
        self.size += done.size
        self.different += done.different
        self._folders |= done.folders
        bad = done.failed + done.damaged
        self._settle(
            version,
            ItemState.FAILED if bad else ItemState.PLACED,
            f"{bad} of its members could not be placed" if bad else "",
        )

    def _place_whole(self, job: Job, archive: Archive, name: str, found: Hashes | None) -> bool:
        """If what came is just one file, let it become that file without copying it; whether it was so."""
        some = list(itertools.islice(self._pieces(job), 2))
        if len(some) != 1 or not is_whole_archive(*some[0], archive):
            return False
        self._place(some[0][0], functools.partial(self._partial, some[0][0], name, found))
        return True

    def _place_members(self, job: Job, archive: Archive, name: str) -> None:
        """Every waiting item from its bytes within what came; hard links after the files they link to."""
        start = job.range.start if job.range else 0
        with self.target.open_partial(name) as partial:
            opening = Opening(reader_of(partial), start, self.unseal, f"archive {archive.archive_id}")
            for kind in (FileKind.FILE, FileKind.HARDLINK):
                for version, extents in self._pieces(job):
                    if self.stop():
                        return
                    if version.kind is kind:
                        self._place_member(version, extents, opening)
                self.flush()

    def _place_member(self, version: Version, extents: list[Extent], opening: Opening) -> None:
        content = opening.content(extents)
        if sum(extent.length for extent in extents) < version.size:
            self._gather(version, extents, content)
        else:
            self._place(version, functools.partial(self._content, version, write_pieces(content)))

    def _gather(self, version: Version, extents: list[Extent], content: Iterator[bytes]) -> None:
        """Put bytes of a version that lies in several archives aside; place it once all are there."""
        try:
            self.gathering.put(version, extents, content)
        except SegmentDamaged as error:
            self.drop(self.gathering.name(version.version_id))
            self._mismatch(version.path, error)
            return self._settle(version, ItemState.FAILED, str(error))
        if self.gathering.is_whole(version, self.gathering.arrived()):
            self._place_gathered(version)

    def _place_gathered(self, version: Version) -> None:
        name = self.gathering.name(version.version_id)
        if version.kind is FileKind.FILE:
            return self._place(version, functools.partial(self._partial, version, name))
        with self.target.open_partial(name) as partial:
            self._place(
                version, functools.partial(self._content, version, functools.partial(copy_file, partial))
            )
        self.flush()
        self.drop(name)

    def _pieces(self, job: Job) -> Iterator[tuple[Version, list[Extent]]]:
        """The waiting items whose bytes *job* brings, each with the extents that are not here yet."""
        assert job.archive_key is not None
        arrived = self.gathering.arrived()
        for version, extents in self.catalog.retrieval_pieces(self.retrieval.retrieval_id, job.archive_key):
            brought = [each for each in extents if each.length and brings(job, stored_range(each))]
            if brought and (version.version_id, job.archive_key) not in arrived:
                yield version, brought

    def _content(self, version: Version, write: Write) -> Placed | Kept | None:
        """Place a file, together with others, or another name of one, at once."""
        if version.kind is FileKind.HARDLINK and version.target is not None:
            label = version.path.partition(b"/")[0]
            return self.target.place_hardlink(
                version.path,
                names.join(label, version.target),
                write,
                expected=expected_of(version),
                mtime_ns=version.mtime_ns,
                mode=version.mode,
                overwrite=self.retrieval.overwrite,
            )
        return self.target.place_soon(
            version.path,
            write,
            expected=expected_of(version),
            mtime_ns=version.mtime_ns,
            mode=version.mode,
            overwrite=self.retrieval.overwrite,
            then=functools.partial(self._place, version),
        )

    def _partial(self, version: Version, name: str, found: Hashes | None = None) -> Placed | Kept:
        return self.target.place_partial(
            name,
            version.path,
            expected=expected_of(version),
            mtime_ns=version.mtime_ns,
            mode=version.mode,
            overwrite=self.retrieval.overwrite,
            found=found,
        )

    def _symlink(self, version: Version) -> Placed | Kept:
        return self.target.place_symlink(
            version.path, version.target or b"", mtime_ns=version.mtime_ns, overwrite=self.retrieval.overwrite
        )

    def _place(self, version: Version, place: Callable[[], Placed | Kept | None]) -> None:
        try:
            result = place()
        except (BytesMismatch, SegmentDamaged) as error:
            self._mismatch(version.path, error)
            self._settle(version, ItemState.FAILED, str(error))
        except CannotPlace as error:
            self._failed(version, error.code, str(error), error.hint)
        else:
            if result is not None:
                self._placed(version, result)

    def _placed(self, version: Version, result: Placed | Kept) -> None:
        if isinstance(result, Placed):
            self.size += version.size
            self._settle(version, ItemState.PLACED, "")
            self.tell(FilePlaced(version.path, version.size))
            return
        same = result.same
        self.different += not same
        self._settle(version, ItemState.SKIPPED, "" if same else "something different is there")
        if version.kind is not FileKind.FOLDER or not same:
            self.tell(FileKept(version.path, same))

    def _mismatch(self, path: bytes, error: BytesMismatch | SegmentDamaged) -> None:
        self.codes.append(Exit.MISMATCH)
        self.tell(Trouble(path, error.code, str(error), error.hint))

    def _failed(self, version: Version, code: str, reason: str, hint: str | None = None) -> None:
        self.codes.append(Exit.PARTLY)
        self._settle(version, ItemState.FAILED, reason)
        self.tell(Trouble(version.path, code, reason, hint))

    def _settle(self, version: Version, state: ItemState, reason: str) -> None:
        self._settled.append((version.version_id, state, reason))
        if len(self._settled) >= _BATCH:
            self.flush()

    def _finish_folders(self) -> None:
        """Modes that shut out their owner come last, the deepest first."""
        shut: list[Version] = []
        for version in self._own_folders():
            self._folders.add(version.path)
            if version.mode & _ALL_OF_OWNER == _ALL_OF_OWNER:
                self._finish_folder(version)
            else:
                shut.append(version)
        for version in sorted(shut, key=lambda each: each.path, reverse=True):
            self._finish_folder(version)
        for path in self.target.created_folders():
            if path not in self._folders:
                self.target.finish_folder(path, mtime_ns=None, mode=_usual_folder_mode())

    def _make_folders(self) -> None:
        for version in self._own_folders():
            with self._failing(version):
                self.target.place_folder(version.path)

    def _own_folders(self) -> Iterator[Version]:
        for _, version in self.catalog.retrieval_items(self.retrieval.retrieval_id, ItemState.PLACED):
            if version.kind is FileKind.FOLDER:
                yield version

    def _finish_folder(self, version: Version) -> None:
        with self._failing(version):
            self.target.finish_folder(version.path, mtime_ns=version.mtime_ns, mode=version.mode)

    @contextlib.contextmanager
    def _failing(self, version: Version) -> Iterator[None]:
        """What cannot be done to *version* is told and written down; the others go on."""
        try:
            yield
        except CannotPlace as error:
            self._failed(version, error.code, str(error), error.hint)


def _usual_folder_mode() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o777 & ~mask
