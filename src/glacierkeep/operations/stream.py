"""A stream that is longer than a volume: each portion staged, made a volume, sent, and dropped. All or nothing."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from glacierkeep.bundle.entries import entry_of
from glacierkeep.domain.files import Entry
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.records import VolumeSet
from glacierkeep.errors import Exit, GlacierkeepError
from glacierkeep.events import UploadPlanned
from glacierkeep.operations.choosing_form import is_to_be_compressed
from glacierkeep.operations.incoming import Incoming, Received
from glacierkeep.operations.run import Run
from glacierkeep.operations.upload import UploadOutcome
from glacierkeep.operations.volumes import Portions, Volumes, Whole, end_set
from glacierkeep.transfer.source import StagedSource

_PIECE = 1 << 20


def send_stream(run: Run, first: Received, incoming: Incoming) -> UploadOutcome:
    """Send *first* and all that is still *incoming* as the file that the run's scope names.

    Whatever goes wrong, nothing of it stays: stored volumes are deleted, by the next run at the latest.
    Raises what the store raises, DiskTrouble, Stopped.
    """
    entry = entry_of(os.fsencode(first.path))._replace(path=run.scope.start)
    volumes = _volumes(run, entry, first)
    run.tell(UploadPlanned(1, first.size))
    found = volumes.begin(entry, None)
    try:
        size = _send_all(volumes, found, entry, first, incoming)
    except BaseException:
        with suppress(GlacierkeepError):  # what cannot be deleted now, gk poll deletes
            end_set(found, catalog=run.catalog, shipping=run.shipping)
        raise
    with run.catalog.write() as records:
        records.runs.finish(run.run_id, complete=True)
    return _outcome(run, size)


def _send_all(volumes: Volumes, found: VolumeSet, entry: Entry, first: Received, incoming: Incoming) -> int:
    """Send portion after portion; the bytes of all."""
    whole = Whole()
    _send(volumes, found, entry, first, ByteRange(0, first.size), whole, 1)
    at, index, last = first.size, 2, first.last
    while not last:
        with incoming.receive() as received:
            part = ByteRange(at, at + received.size)
            _send(volumes, found, entry, received, part, whole, index)
        at, index, last = part.stop, index + 1, received.last
    return at


def _send(
    volumes: Volumes,
    found: VolumeSet,
    entry: Entry,
    received: Received,
    part: ByteRange,
    whole: Whole,
    index: int,
) -> None:
    portions = Portions(found.token, index, part.start, whole, _no_check if received.last else None)
    volumes.send_one(found, entry, _read(received.path, whole), part, portions)
    received.path.unlink(missing_ok=True)


def _read(path: Path, whole: Whole) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while piece := file.read(_PIECE):
            whole.update(piece)
            yield piece


def _no_check() -> None:
    """A portion in staging does not change."""


def _volumes(run: Run, entry: Entry, first: Received) -> Volumes:
    with StagedSource(first.path) as source:
        compressed = run.coding.seal is None and is_to_be_compressed(entry, source, run.coding)
    return Volumes(
        run.root,
        run.run_id,
        run.vault,
        run.sizes.volume,
        run.coding,
        compressed,
        run.intents,
        run.shipping,
        run.catalog,
        run.staging,
    )


def _outcome(run: Run, size: int) -> UploadOutcome:
    shipped = run.shipping.shipped
    return UploadOutcome(
        root=run.root.label,
        path=run.root.path,
        vault=run.vault.address,
        dry_run=False,
        new=1,
        changed=0,
        unchanged=0,
        same_content=0,
        gone=0,
        files=1,
        size=size,
        archives=shipped.archives,
        finished=shipped.finished,
        sent=shipped.sent,
        requests=shipped.requests,
        skipped=0,
        problems=0,
        looks_empty=False,
        exit=Exit.DONE,
    )
