"""One archive on its way into the vault: intent, parts, completion, record. Safe to be killed between any two lines.

The upload's row says how far it came; `operations.unfinished` goes on from whatever it says.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from glacierkeep.catalog import Catalog, Records
from glacierkeep.domain.hashes import Hashes, hash_content
from glacierkeep.domain.limits import SINGLE_REQUEST_LIMIT
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.patience import may_have_been_done
from glacierkeep.domain.records import ArchiveState, NewArchive, Upload, UploadState
from glacierkeep.domain.segments import Segment
from glacierkeep.errors import (
    NotFound,
    ServiceError,
    SourceChanged,
    Stopped,
    UploadUncertain,
    VaultMissing,
)
from glacierkeep.events import ArchiveStored, BytesLeaving, BytesSent, Listener, Noted
from glacierkeep.stores.store import Body, Store
from glacierkeep.transfer.crew import Crew
from glacierkeep.transfer.pace import Take, freely
from glacierkeep.transfer.parts import PartBody, part_body
from glacierkeep.transfer.send import send_parts
from glacierkeep.transfer.source import FileSource

Record = Callable[[Records, int], None]
"""Writes down what an archive holds, given its key, in the transaction that writes down the archive."""

_MOST_OPENINGS = 5
"""How often an upload is begun whose answers are lost, and which the service then does not list."""

Segments: TypeAlias = Sequence[Segment] | None
"""How the archive is cut; None: it is one plain segment."""


@dataclass(slots=True)
class Shipped:
    """What was sent so far in a run, in all; by several threads. *leaving*: bytes that are not acknowledged yet.
    *touched*: the vault may have been changed."""

    archives: int = 0
    finished: int = 0
    sent: int = 0
    requests: int = 0
    leaving: int = 0
    touched: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(self, *, archives: int = 0, sent: int = 0, requests: int = 0) -> int:
        """So many more; the bytes sent in all."""
        with self._lock:
            self.archives += archives
            self.sent += sent
            self.requests += requests
            return self.sent

    def leave(self, more: int) -> int:
        """*more* bytes are on their way now, or so many fewer; how many in all."""
        with self._lock:
            self.leaving += more
            return self.leaving


@dataclass(frozen=True, slots=True)
class Shipping:
    """What it takes to send archives into one vault, several at once. *take* lets bytes go."""

    catalog: Catalog
    store: Store
    tell: Listener
    stop: Callable[[], bool]
    crew: Crew
    shipped: Shipped
    take: Take = freely

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

        Raises SourceChanged (the upload is then ended), UploadUncertain, Stopped, and what the store raises.
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
        self.shipped.add(archives=1)
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
        self._forget(upload)

    def complete(self, upload: Upload, hashes: Hashes) -> str:
        """Make the upload whose parts are all there an archive; its archive id.

        Raises UploadUncertain if the service does not know the upload: it may have been completed before, by a request
        whose answer was lost.
        """
        assert upload.upload_id is not None
        self._mark(upload, UploadState.COMPLETING)
        try:
            return self.store.complete_upload(upload.upload_id, hashes.size, hashes.tree_hash)
        except VaultMissing:
            raise
        except NotFound as error:
            self.doubt(upload)
            raise UploadUncertain(error) from error

    def doubt(self, upload: Upload) -> None:
        """Whether it became an archive cannot be known now: keep its token for the next inventory."""
        self._mark(upload, UploadState.UNCERTAIN)

    def send_missing(
        self, upload: Upload, source: FileSource, already: Mapping[int, bytes], name: bytes
    ) -> Hashes:
        """Send the parts that are not among *already* (tree hashes by start); the hashes of the whole."""
        opened: Future[Upload] = Future()
        opened.set_result(upload)
        return self._send_to(opened, upload, source, already, name)

    def _send_to(
        self,
        opened: "Future[Upload]",
        upload: Upload,
        source: FileSource,
        already: Mapping[int, bytes],
        name: bytes,
    ) -> Hashes:
        acknowledged = left = 0

        def report(sent: int) -> None:
            nonlocal acknowledged
            total = self.shipped.add(sent=sent - acknowledged)
            acknowledged = sent
            self.tell(BytesSent(name, sent, upload.size, total))

        def report_leaving(leaving: int) -> None:
            nonlocal left
            total = self.shipped.leave(leaving - left)
            left = leaving
            self.tell(BytesLeaving(name, leaving, total))

        return send_parts(
            source,
            upload.part_size,
            _Sink(upload.upload_key, opened, self),
            crew=self.crew,
            already=already,
            progress=report,
            leaving=report_leaving,
            stop=self.stop,
            take=self.take,
        )

    def _send_at_once(self, upload: Upload, source: FileSource) -> tuple[str, Hashes]:
        content = source.read_part(ByteRange(0, upload.size))
        source.check()
        body = part_body(content)
        self.take(upload.size)
        self._mark(upload, UploadState.SENDING)
        self.shipped.add(requests=1)
        try:
            archive_id = self.store.upload_archive(_body(body), upload.description)
        except ServiceError as error:
            if may_have_been_done(error):
                self.shipped.touched = True
                self.doubt(upload)
                raise UploadUncertain(error) from error
            self._forget(upload)
            raise
        except Stopped:  # in a pause between two requests, none of which was carried out
            self._forget(upload)
            raise
        self.shipped.touched = True
        self.shipped.add(sent=upload.size)
        return archive_id, hash_content(content)

    def _forget(self, upload: Upload) -> None:
        """Nothing came of it, and nothing will."""
        with self.catalog.write() as records:
            records.uploads.forget(upload.upload_key)

    def _send_parts(self, upload: Upload, source: FileSource, name: bytes) -> tuple[str, Hashes]:
        try:
            opened, hashes = self._open_and_send(upload, source, name)
        except VaultMissing:
            raise
        except NotFound:
            opened, hashes = self._open_and_send(self.begin_again(upload), source, name)
        return self.complete(opened, hashes), hashes

    def _open_and_send(self, upload: Upload, source: FileSource, name: bytes) -> tuple[Upload, Hashes]:
        """Begin the upload while its first parts are hashed, and send all of them."""
        opened = self.crew.begin(lambda: self.open(upload))
        try:
            hashes = self._send_to(opened, upload, source, {}, name)
        finally:
            wait([opened])  # whatever else went wrong: what was begun is written down
        return opened.result(), hashes

    def open(self, upload: Upload) -> Upload:
        """Ask the service for an upload id, and write it down before it is used.

        If the answer is lost, the service is asked whether it has the upload before another one is begun.
        """
        self.shipped.add(requests=2)
        for last in (False,) * (_MOST_OPENINGS - 1) + (True,):
            try:
                upload_id = self.store.initiate_upload(upload.part_size, upload.description)
            except ServiceError as error:
                if not may_have_been_done(error):
                    raise
                self.shipped.touched = True
                found = self.find(upload)
                if found is not None:
                    return found
                if last:
                    raise
            else:
                break
        self.shipped.touched = True
        return self._mark(upload, UploadState.OPEN, upload_id)

    def find(self, upload: Upload) -> Upload | None:
        """The service's upload with our token, if it got as far as that; written down as OPEN."""
        for opened in self.store.list_uploads():
            if opened.description == upload.description and opened.part_size == upload.part_size:
                return self._mark(upload, UploadState.OPEN, opened.upload_id)
        return None

    def begin_again(self, upload: Upload) -> Upload:
        """The service forgot the upload (idle for a day). Complete was never asked, so nothing can have come of it."""
        with self.catalog.write() as records:
            records.uploads.update(upload.upload_key, state=UploadState.INTENDED)
            records.uploads.drop_parts(upload.upload_key)
        self.tell(Noted("upload-expired", "the service has forgotten an unfinished upload; it begins anew"))
        return replace(upload, state=UploadState.INTENDED, upload_id=None)

    def _mark(self, upload: Upload, state: UploadState, upload_id: str | None = None) -> Upload:
        with self.catalog.write() as records:
            records.uploads.update(upload.upload_key, state=state, upload_id=upload_id)
            now = records.uploads.by_token(upload.vault_id, upload.token)
        assert now is not None
        return now


class _Sink:
    """Where parts go: to the store, and once it has them, into the catalog. Parts that are acknowledged while others
    are being written down are written down together: each writing waits for the disk."""

    def __init__(self, upload_key: int, opened: "Future[Upload]", shipping: Shipping) -> None:
        self._upload_key, self._opened, self._shipping = upload_key, opened, shipping
        self._acknowledged: deque[tuple[int, int, bytes]] = deque()
        self._writing = threading.Lock()

    def send(self, start: int, body: PartBody) -> None:
        upload_id = self._opened.result().upload_id
        assert upload_id is not None
        self._shipping.store.upload_part(upload_id, start, _body(body))
        self._shipping.shipped.touched = True

    def sent(self, start: int, length: int, tree_hash: bytes) -> None:
        self._acknowledged.append((start, length, tree_hash))
        with self._writing:
            some = [self._acknowledged.popleft() for _ in range(len(self._acknowledged))]
            if some:
                self._write(some)

    def _write(self, some: list[tuple[int, int, bytes]]) -> None:
        self._shipping.shipped.add(requests=len(some))
        with self._shipping.catalog.write() as records:
            for start, length, tree_hash in some:
                records.uploads.part_sent(self._upload_key, start, length, tree_hash)


def _body(part: PartBody) -> Body:
    return Body(part.content, part.length, part.sha256, part.tree_hash)
