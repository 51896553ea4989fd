"""gk upload -: standard input becomes an archive.

It cannot be read twice. What fits into one volume is staged whole before anything is sent: a pipe that breaks leaves
nothing behind, and an upload that is broken off later can go on. More than that goes volume by volume, and is all or
nothing.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from glacierkeep.bundle.storing import Coding
from glacierkeep.catalog import Catalog
from glacierkeep.clock import Clock
from glacierkeep.domain import names
from glacierkeep.domain.forms import Sizes
from glacierkeep.domain.records import Root, Vault
from glacierkeep.errors import UsageError
from glacierkeep.events import Listener, nobody
from glacierkeep.operations.incoming import FOLDER, Incoming
from glacierkeep.operations.roots import (
    STANDARD_INPUT_LABEL,
    STANDARD_INPUT_PATH,
    Scope,
    check_label,
    settle_root,
)
from glacierkeep.operations.scan import Looking
from glacierkeep.operations.stream import send_stream
from glacierkeep.operations.upload import UploadOutcome, upload_scope
from glacierkeep.stores.store import Store
from glacierkeep.transfer.pace import Take, freely

_FOLDER = "stdin"


def upload_standard_input(
    stream: BinaryIO,
    name: bytes,
    vault: Vault,
    *,
    catalog: Catalog,
    store: Store,
    staging: Path,
    clock: Clock,
    host: str,
    looking: Looking,
    sizes: Sizes,
    coding: Coding,
    label: str | None = None,
    jobs: int = 4,
    take: Take = freely,
    lock_wait: float = 0,
    tell: Listener = nobody,
    stop: Callable[[], bool] = lambda: False,
) -> UploadOutcome:
    """Archive all of *stream* as *name* below the label *stdin* (or *label*).

    Raises UsageError for a bad name, DiskTrouble if staging cannot hold it, Stopped, and what `upload` raises.
    """
    root = _root(label or STANDARD_INPUT_LABEL, host, catalog)
    trouble = names.trouble_with(name)
    if trouble:
        raise UsageError(f"{names.printable(name)!r} cannot be a name in the catalog: {trouble}")
    folder = os.fsencode(staging / _FOLDER / root.label)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    place = os.path.join(folder, name)
    incoming = Incoming(stream, staging / FOLDER, sizes.volume, stop)
    with incoming.receive() as first:
        whole = first.last
        return upload_scope(
            Scope(root, root.label, folder, name, single=True),
            root,
            vault,
            catalog=catalog,
            store=store,
            staging=staging,
            clock=clock,
            host=host,
            looking=looking,
            sizes=sizes,
            coding=coding,
            jobs=jobs,
            take=take,
            lock_wait=lock_wait,
            tell=tell,
            stop=stop,
            within=lambda: (
                _staged(first.path, place, folder, root, catalog) if whole else contextlib.nullcontext()
            ),
            instead=None if whole else lambda run: send_stream(run, first, incoming),
        )


def _root(label: str, host: str, catalog: Catalog) -> Root:
    check_label(label)
    path = STANDARD_INPUT_PATH + label.encode()
    with catalog.read() as records:
        root = records.roots.at(host, path)
    return settle_root(Scope(root, label, path, b"", single=False), host=host, catalog=catalog)


@contextlib.contextmanager
def _staged(incoming: Path, place: bytes, folder: bytes, root: Root, catalog: Catalog) -> Iterator[None]:
    """*incoming* lies at *place* below *folder*, and stays there for the next run if its upload is broken off."""
    with catalog.read() as records:
        needed = {
            os.path.join(folder, left.source) for left in records.uploads.outstanding(root_id=root.root_id)
        }
    for walked, _, files in os.walk(folder):
        for path in {os.path.join(walked, file) for file in files} - needed:
            os.unlink(path)
    os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
    os.replace(incoming, place)
    yield
    with contextlib.suppress(FileNotFoundError):
        os.unlink(place)
    _clear_empty(os.path.dirname(place), folder)


def _clear_empty(path: bytes, top: bytes) -> None:
    """Remove the empty folder *path* and its parents up to *top*, which stays."""
    with contextlib.suppress(OSError):
        while path != top:
            os.rmdir(path)
            path = os.path.dirname(path)
