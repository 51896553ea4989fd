"""gk upload -: standard input becomes an archive.

It cannot be read twice, so all of it is staged before anything is sent: a pipe that breaks leaves nothing behind,
and an upload that is broken off later can go on.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from glacierkeep.catalog import Catalog
from glacierkeep.clock import Clock
from glacierkeep.domain import names
from glacierkeep.domain.records import Root, Vault
from glacierkeep.errors import DiskTrouble, UsageError
from glacierkeep.events import Listener, nobody
from glacierkeep.operations.asking import new_token
from glacierkeep.operations.roots import (
    STANDARD_INPUT_LABEL,
    STANDARD_INPUT_PATH,
    Scope,
    check_label,
    settle_root,
)
from glacierkeep.operations.scan import Looking
from glacierkeep.operations.sending import Sizes
from glacierkeep.operations.upload import UploadOutcome, upload_scope
from glacierkeep.stores.store import Store
from glacierkeep.transfer.stopped import Stopped

_PIECE = 1 << 20
_FOLDER = "stdin"
_INCOMING = "incoming"


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
    label: str | None = None,
    jobs: int = 4,
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
    incoming = _receive(stream, staging / _INCOMING, stop)
    try:
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
            jobs=jobs,
            lock_wait=lock_wait,
            tell=tell,
            stop=stop,
            within=lambda: _staged(incoming, place, folder, root, catalog),
        )
    finally:
        incoming.unlink(missing_ok=True)


def _root(label: str, host: str, catalog: Catalog) -> Root:
    check_label(label)
    path = STANDARD_INPUT_PATH + label.encode()
    with catalog.read() as records:
        root = records.roots.at(host, path)
    return settle_root(Scope(root, label, path, b"", single=False), host=host, catalog=catalog)


def _receive(stream: BinaryIO, folder: Path, stop: Callable[[], bool]) -> Path:
    """All of *stream* in a file of its own, durable."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _clear(folder)
    path = folder / f"{os.getpid()}-{new_token()}"
    try:
        with open(path, "xb", opener=_private) as file:
            while piece := stream.read(_PIECE):
                if stop():
                    raise Stopped
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise DiskTrouble(
            f"standard input cannot be staged in {folder}: {error.strerror}",
            hint="free some space, or put GK_HOME on a larger disk",
        ) from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _clear(folder: Path) -> None:
    """Remove what killed runs left."""
    for left in folder.iterdir():
        pid = left.name.partition("-")[0]
        if pid.isdigit() and not _is_alive(int(pid)):
            left.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


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


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
