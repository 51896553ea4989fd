"""One archive on its way into the vault: intent, parts, completion, record. Safe to be killed between any two lines.

The upload's row says how far it came; `operations.unfinished` goes on from whatever it says.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from glacierkeep.catalog import Catalog, Records
from glacierkeep.domain.hashes import Hashes, hash_content
from glacierkeep.domain.limits import SINGLE_REQUEST_LIMIT
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.patience import may_have_been_done
from glacierkeep.domain.records import ArchiveState, NewArchive, Upload, UploadState
from glacierkeep.domain.segments import Segment
from glacierkeep.errors import ServiceError, SourceChanged
from glacierkeep.events import ArchiveStored, BytesSent, Listener
from glacierkeep.stores.store import Body, Store
from glacierkeep.transfer.parts import PartBody, part_body
from glacierkeep.transfer.send import send_parts
from glacierkeep.transfer.source import FileSource

Record = Callable[[Records, int], None]
"""Writes down what an archive holds, given its key, in the transaction that writes down the archive."""

Segments: TypeAlias = Sequence[Segment] | None
"""How the archive is cut; None: it is one plain segment."""


@dataclass(slots=True)
class Shipped:
    """What was sent so far in a run, in all. *touched*: the vault may have been changed."""

    archives: int = 0
    finished: int = 0
    sent: int = 0
    requests: int = 0
    touched: bool = False


@dataclass(frozen=True, slots=True)
class Shipping:
    """What it takes to send archives into one vault."""

    catalog: Catalog
    store: Store
    tell: Listener
    stop: Callable[[], bool]
    jobs: int
    shipped: Shipped

    def ship(
        self,
        upload: Upload,
        source: FileSource,
        record: Record,
        *,
        files: int,
        name: bytes,
        segments: Segments = None,
    ) -> int:
        """Send *source* as the archive of *upload* and record it with its *segments*; the archive's key.

        Raises SourceChanged (the upload is then ended), Stopped, and what the store raises.
        """
        try:
            if upload.size <= SINGLE_REQUEST_LIMIT:
                archive_id, hashes = self._send_at_once(upload, source)
            else:
                archive_id, hashes = self._send_parts(upload, source, name)
        except SourceChanged:
            self.end(upload)
            raise
        return self.acknowledge(upload, archive_id, hashes, record, files=files, segments=segments)

    def acknowledge(
        self,
        upload: Upload,
        archive_id: str,
        hashes: Hashes,
        record: Record,
        *,
        files: int,
        segments: Segments = None,
    ) -> int:
        """The service has the archive: write it down with all it holds, and close the upload's row."""
        new = NewArchive(
            upload.vault_id,
            archive_id,
            upload.kind,
            hashes.size,
            hashes.md5,
            hashes.tree_hash,
            upload.description,
            upload.token,
            upload.part_size,
            self.store.now(),
        )
        with self.catalog.write() as records:
            key = records.archives.acknowledge(new, segments)
            # Ids are never used again by the service, but by imitations that derive them from the content.
            if records.archives.get(key).state in (ArchiveState.DELETED, ArchiveState.LOST):
                records.archives.mark([key], ArchiveState.PRESENT)
            record(records, key)
            records.uploads.forget(upload.upload_key)
        self.shipped.archives += 1
        self.tell(
            ArchiveStored(
                str(self.store.address), archive_id, upload.kind, hashes.size, files, upload.description
            )
        )
        return key

    def end(self, upload: Upload) -> None:
        """Give an unfinished upload up: at the service, then in the catalog."""
        with self.catalog.read() as records:
            now = records.uploads.by_token(upload.vault_id, upload.token)
        if now is not None and now.upload_id is not None:
            self.store.abort_upload(now.upload_id)
        with self.catalog.write() as records:
            records.uploads.forget(upload.upload_key)

    def complete(self, upload: Upload, hashes: Hashes) -> str:
        """Make the upload whose parts are all there an archive; its archive id."""
        assert upload.upload_id is not None
        self._mark(upload, UploadState.COMPLETING)
        return self.store.complete_upload(upload.upload_id, hashes.size, hashes.tree_hash)

    def send_missing(
        self, upload: Upload, source: FileSource, already: Mapping[int, bytes], name: bytes
    ) -> Hashes:
        """Send the parts that are not among *already* (tree hashes by start); the hashes of the whole."""
        before = self.shipped.sent

        def report(sent: int) -> None:
            self.shipped.sent = before + sent
            self.tell(BytesSent(name, sent, upload.size, self.shipped.sent))

        assert upload.upload_id is not None
        sink = _Sink(upload.upload_key, upload.upload_id, self)
        return send_parts(
            source, upload.part_size, sink, jobs=self.jobs, already=already, progress=report, stop=self.stop
        )

    def _send_at_once(self, upload: Upload, source: FileSource) -> tuple[str, Hashes]:
        content = source.read_part(ByteRange(0, upload.size))
        source.check()
        body = part_body(content)
        self._mark(upload, UploadState.SENDING)
        self.shipped.requests += 1
        try:
            archive_id = self.store.upload_archive(_body(body), upload.description)
        except ServiceError as error:
            self._leave(upload, in_doubt=may_have_been_done(error))
            raise
        self.shipped.touched = True
        self.shipped.sent += upload.size
        return archive_id, hash_content(content)

    def _leave(self, upload: Upload, *, in_doubt: bool) -> None:
        """What becomes of a single request that failed: forgotten, or, *in_doubt*, kept for the next inventory."""
        if in_doubt:
            self.shipped.touched = True
            self._mark(upload, UploadState.UNCERTAIN)
            return
        with self.catalog.write() as records:
            records.uploads.forget(upload.upload_key)

    def _send_parts(self, upload: Upload, source: FileSource, name: bytes) -> tuple[str, Hashes]:
        opened = self.open(upload)
        hashes = self.send_missing(opened, source, {}, name)
        return self.complete(opened, hashes), hashes

    def open(self, upload: Upload) -> Upload:
        """Ask the service for an upload id, and write it down before it is used."""
        self.shipped.requests += 2
        try:
            upload_id = self.store.initiate_upload(upload.part_size, upload.description)
        except ServiceError as error:
            self.shipped.touched |= may_have_been_done(error)
            raise
        self.shipped.touched = True
        return self._mark(upload, UploadState.OPEN, upload_id)

    def _mark(self, upload: Upload, state: UploadState, upload_id: str | None = None) -> Upload:
        with self.catalog.write() as records:
            records.uploads.update(upload.upload_key, state=state, upload_id=upload_id)
            now = records.uploads.by_token(upload.vault_id, upload.token)
        assert now is not None
        return now


@dataclass(frozen=True, slots=True)
class _Sink:
    """Where parts go: to the store, and once it has them, into the catalog."""

    upload_key: int
    upload_id: str
    shipping: Shipping

    def send(self, start: int, body: PartBody) -> None:
        self.shipping.store.upload_part(self.upload_id, start, _body(body))
        self.shipping.shipped.touched = True

    def sent(self, start: int, length: int, tree_hash: bytes) -> None:
        self.shipping.shipped.requests += 1
        with self.shipping.catalog.write() as records:
            records.uploads.part_sent(self.upload_key, start, length, tree_hash)


def _body(part: PartBody) -> Body:
    return Body(part.content, part.length, part.sha256, part.tree_hash)
