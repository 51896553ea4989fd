"""Uploads that an earlier run began and did not end: found, and finished or given up.

What the row says       what is done
STAGING                 the archive was never finished in staging: nothing was sent; it is made anew
INTENDED                if the service has an upload with our token, go on with it; else begin it now
OPEN                    what the service has is kept where its tree hashes agree; the rest is sent
COMPLETING              Complete is asked again: the service answers the same for a while
SENDING                 the answer of a single request was lost: an inventory will tell

If the source changed meanwhile the upload is ended and the files go with this run's changes. An upload that was
completed perhaps is not ended: it may be an archive. Volumes of a stream are given up: it cannot be read again.
"""

import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from glacierkeep.bundle.folder import open_source
from glacierkeep.bundle.listing import listing_of, open_listing
from glacierkeep.bundle.read import read_manifest
from glacierkeep.catalog import Catalog
from glacierkeep.domain.description import ArchiveKind
from glacierkeep.domain.files import Entry, FileKind
from glacierkeep.domain.manifest import BadManifest, Member
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.records import NewVersion, Root, Upload, UploadState
from glacierkeep.domain.segments import Segment
from glacierkeep.errors import BytesMismatch, NotFound, ServiceError, SourceChanged, UploadUncertain
from glacierkeep.events import Listener, Noted, UploadResumed
from glacierkeep.operations.content import hash_source
from glacierkeep.operations.contents import hashes_at, hashes_of, member_version, record_file, record_members
from glacierkeep.operations.ending import end_upload
from glacierkeep.operations.failures import Failures
from glacierkeep.operations.shipping import Record, Shipping
from glacierkeep.operations.uploads import set_token
from glacierkeep.operations.volumes import drop_staged, record_volume
from glacierkeep.transfer.source import FileSource, StagedSource

_STAGED = re.compile(r"([0-9a-z]{26})\.(archive|archive\.(new|lines)|jsonl)")


@dataclass(frozen=True, slots=True)
class _Holds:
    """How many files an archive holds, how they are recorded, and how it is cut."""

    files: int
    record: Record
    segments: list[Segment] | None = None


class Unfinished:
    """What an earlier run on *root* left, being settled within the run *run_id*."""

    def __init__(
        self,
        root: Root,
        run_id: int,
        *,
        shipping: Shipping,
        catalog: Catalog,
        staging: Path,
        root_fd: int | None,
        failures: Failures,
        tell: Listener,
    ) -> None:
        self.root, self.run_id, self.shipping, self.catalog = root, run_id, shipping, catalog
        self.staging, self.root_fd, self.failures, self.tell = staging, root_fd, failures, tell

    def settle(self, uploads: list[Upload], stop: Callable[[], bool]) -> None:
        """Finish or give up every one of *uploads*. Raises what the store raises, unless others may go on."""
        for upload in uploads:
            if stop():
                return
            try:
                self._settle(upload)
            except (ServiceError, BytesMismatch) as error:
                self.failures.note(self._name(upload), error)
            else:
                self.failures.none()

    def _name(self, upload: Upload) -> bytes:
        return b"(bundle)" if _is_staged(upload) else upload.source

    def _settle(self, upload: Upload) -> None:
        if upload.state is UploadState.STAGING:
            self._drop(upload)
        elif upload.state is UploadState.SENDING:
            self._doubt(upload)
        elif self._is_of_stream(upload):
            self._give_up(upload)
        else:
            self._go_on(upload)

    def _is_of_stream(self, upload: Upload) -> bool:
        token = set_token(upload)
        if token is None:
            return False
        with self.catalog.read() as records:
            found = records.volume_sets.by_token(upload.vault_id, token)
        return found is None or found.size is None

    def _go_on(self, upload: Upload) -> None:
        try:
            with self._source(upload) as source:
                self._finish(upload, source)
        except (SourceChanged, BadManifest) as error:
            self.tell(
                Noted("upload-ended", f"an upload that was broken off cannot go on ({error}); it begins anew")
            )
            self._give_up(upload)

    def _give_up(self, upload: Upload) -> None:
        """End the upload at the service, whose answer to its beginning or its end may have been lost."""
        opened = () if upload.state is UploadState.OPEN else self.shipping.store.list_uploads()
        if not end_upload(upload, opened, shipping=self.shipping, staging=self.staging):
            self._tell_doubt()

    def _finish(self, upload: Upload, source: FileSource) -> None:
        holds = self._contents(upload, source)
        name = self._name(upload)
        if upload.state is UploadState.INTENDED:
            found = self.shipping.find(upload)
            if found is None:
                self.shipping.ship(
                    upload, source, holds.record, files=holds.files, name=name, segments=holds.segments
                )
                return self._drop_staged(upload)
            upload = found
        hashes = None
        if upload.state is UploadState.COMPLETING:
            hashes = hash_source(source, self.shipping.stop)
        else:
            already = self._already(upload)
            if already is None:
                return self._finish(self.shipping.begin_again(upload), source)
            self.tell(UploadResumed(name, sum(length for length, _ in already.values()), upload.size))
            hashes = self.shipping.send_missing(
                upload, source, {start: tree_hash for start, (_, tree_hash) in already.items()}, name
            )
        try:
            archive_id = self.shipping.complete(upload, hashes)
        except UploadUncertain:
            self._drop_staged(upload)
            return self._tell_doubt()
        self.shipping.acknowledge(
            upload, archive_id, hashes, holds.record, files=holds.files, segments=holds.segments
        )
        self._drop_staged(upload)

    def _already(self, upload: Upload) -> dict[int, tuple[int, bytes]] | None:
        """Length and tree hash of the parts the service has, by start; None if it no longer knows the upload."""
        assert upload.upload_id is not None
        try:
            return {
                part.range.start: (part.range.length, part.tree_hash)
                for part in self.shipping.store.list_parts(upload.upload_id)
            }
        except NotFound:
            return None

    def _doubt(self, upload: Upload) -> None:
        self.shipping.doubt(upload)
        self._drop_staged(upload)
        self._tell_doubt()

    def _tell_doubt(self) -> None:
        self.tell(
            Noted(
                "upload-uncertain",
                "the answer to an earlier upload was lost; its files are sent again, and the next inventory will tell",
            )
        )

    def _drop(self, upload: Upload) -> None:
        self._drop_staged(upload)
        with self.catalog.write() as records:
            records.uploads.forget(upload.upload_key)

    def _drop_staged(self, upload: Upload) -> None:
        if _is_staged(upload):
            drop_staged(self.staging / upload.source.decode())

    def _source(self, upload: Upload) -> FileSource:
        if _is_staged(upload):
            return StagedSource(self.staging / upload.source.decode())
        root_fd = self.root_fd
        if root_fd is None:
            raise SourceChanged("standard input cannot be read twice")
        return FileSource(
            lambda: open_source(root_fd, upload.source),
            size=upload.size,
            mtime_ns=upload.mtime_ns,
            inode=upload.inode,
            name=upload.source.decode("utf-8", "replace"),
        )

    def _contents(self, upload: Upload, source: FileSource) -> _Holds:
        if not _is_staged(upload):
            return _Holds(1, record_file(self.run_id, self.root.root_id, upload.vault_id, _entry(upload)))
        if source.size != upload.size:
            raise SourceChanged(f"{source.name} has not the size it had")
        staged = self.staging / upload.source.decode()
        if not listing_of(staged).exists():
            read_at = functools.partial(_read, source)
            whole = [Segment(0, source.size, source.size)]
            return self._holds(whole, read_manifest(read_at, source.size))
        with open_listing(staged) as (segments, members):
            return self._holds(segments, members)

    def _holds(self, segments: list[Segment], members: Iterable[Member]) -> _Holds:
        versions: list[NewVersion] = []
        for member in members:
            if member.portion is not None:
                return _Holds(1, record_volume(self.run_id, self.root, member), segments)
            versions.append(self._version(member, versions))
        record = record_members(self.run_id, self.root.root_id, versions, segments)
        return _Holds(len(versions), record, segments)

    def _version(self, member: Member, before: list[NewVersion]) -> NewVersion:
        """The version of *member*; *before* are those of the members in front of it."""
        path, target, hashes = member.path.partition(b"/")[2], member.target, hashes_of(member)
        if member.kind is FileKind.HARDLINK and target is not None:
            target = target.partition(b"/")[2]
            hashes = hashes_at(self.root, target, before, catalog=self.catalog)
        return member_version(member, path, target, 0, hashes)


def clear_staging(staging: Path, *, catalog: Catalog) -> None:
    """Remove staged archives of uploads that are settled: what a kill left between the record and the removal."""
    staged = [(path, found) for path in staging.iterdir() if (found := _STAGED.fullmatch(path.name))]
    # In this order: an upload is written down before its archive is begun, by whatever process.
    with catalog.read() as records:
        needed = {upload.token for upload in records.uploads.outstanding()}
    for path, found in staged:
        if found.group(1) not in needed:
            path.unlink(missing_ok=True)


def _is_staged(upload: Upload) -> bool:
    return upload.kind != ArchiveKind.FILE


def _read(source: FileSource, at: int, size: int) -> bytes:
    return source.read_part(ByteRange(at, at + size))


def _entry(upload: Upload) -> Entry:
    return Entry(
        upload.source,
        FileKind.FILE,
        upload.size,
        upload.mtime_ns,
        upload.mode,
        upload.inode,
        device=0,
        links=1,
        uid=0,
        gid=0,
    )
