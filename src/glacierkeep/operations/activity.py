"""Leases held while an activity lasts, so that two runs of one thing never meet."""

import contextlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from glacierkeep.catalog import Catalog
from glacierkeep.clock import Clock
from glacierkeep.domain.records import Root, Vault
from glacierkeep.errors import GlacierkeepError, Locked

_ROOT, _COPY = "root", "catalog copy"
HEARTBEAT_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 0.5


def root_activity(root: Root) -> str:
    """What the lease is called under which *root* is uploaded."""
    return f"{_ROOT} {root.label}"


def copy_activity(vault: Vault) -> str:
    """What the lease is called under which a copy of the records is sent to *vault*."""
    return f"{_COPY} {vault.address}"


def is_sending(activity: str) -> bool:
    """Whether whoever holds the lease on *activity* sends archives."""
    return activity.startswith((f"{_ROOT} ", f"{_COPY} "))


@contextmanager
def lease(
    activity: str, *, catalog: Catalog, clock: Clock, host: str, wait_seconds: float = 0
) -> Iterator[None]:
    """Hold the lease on *activity*; its heartbeat goes on in a thread. Raises Locked after *wait_seconds*."""
    nonce = _take(activity, catalog=catalog, clock=clock, host=host, wait_seconds=wait_seconds)
    done = threading.Event()
    beat = threading.Thread(target=_beat, args=(catalog, activity, nonce, done), daemon=True)
    beat.start()
    try:
        yield
    finally:
        done.set()
        beat.join()
        # On a full disk it stays, and is void with its process; what was done, or went wrong before, counts for more.
        with contextlib.suppress(GlacierkeepError), catalog.write() as records:
            records.leases.release(activity, nonce)


def _take(activity: str, *, catalog: Catalog, clock: Clock, host: str, wait_seconds: float) -> str:
    give_up = clock.now() + timedelta(seconds=wait_seconds)
    while True:
        try:
            with catalog.write() as records:
                return records.leases.take(activity, host=host, pid=os.getpid())
        except Locked:
            if clock.now() >= give_up:
                raise
        clock.sleep(_LOOK_AGAIN_SECONDS)


def _beat(catalog: Catalog, activity: str, nonce: str, done: threading.Event) -> None:
    while not done.wait(HEARTBEAT_SECONDS):
        # A beat that is lost to a busy catalog matters to nobody: the next one comes long before the lease is stale.
        with contextlib.suppress(GlacierkeepError), catalog.write() as records:
            records.leases.renew(activity, nonce)
