"""Leases: who is at work on what, so that two do not do it at once."""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from glacierkeep.catalog.schema_work import leases
from glacierkeep.clock import Clock
from glacierkeep.domain.records import Lease
from glacierkeep.domain.times import write_stamp
from glacierkeep.domain.token import crockford
from glacierkeep.errors import Locked

SILENCE = timedelta(minutes=10)
"""After so long without a heartbeat, the holder on another machine is taken for dead."""

_taken_here: set[str] = set()


class Leases:
    """One lease per activity: a root, a retrieval, a vault's emptying."""

    def __init__(
        self, connection: Connection, clock: Clock, machine: str, random: Callable[[int], bytes]
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._machine = machine
        self._random = random

    def take(self, activity: str, *, host: str, pid: int) -> str:
        """Hold *activity* from now on; the nonce to renew and release it with. Raises Locked.

        A lease is void when its process on this machine is dead, or when its machine is another one and
        was silent for ten minutes. Void ones go, whatever their activity.
        """
        for row in self._connection.execute(select(leases)).all():
            if self._is_void(row):
                self._connection.execute(leases.delete().where(leases.c.activity == row.activity))
            elif row.activity == activity:
                raise Locked(activity, _holder(row))
        nonce, now = f"{crockford(self._random(16))}.{_began(os.getpid())}", self._clock.now()
        held = {
            "activity": activity, "host": host, "machine": self._machine, "pid": pid, "started_at": now,
            "heartbeat_at": now, "nonce": nonce,
        }  # fmt: skip
        self._connection.execute(leases.insert(), held)
        _taken_here.add(nonce)
        return nonce

    def renew(self, activity: str, nonce: str) -> None:
        """The holder is still at work. Raises Locked if the lease is someone else's by now, or gone."""
        beat = leases.update().where(leases.c.activity == activity, leases.c.nonce == nonce)
        if not self._connection.execute(beat.values(heartbeat_at=self._clock.now())).rowcount:
            row = self._connection.execute(select(leases).where(leases.c.activity == activity)).first()
            raise Locked(activity, _holder(row) if row else "the lease was taken over and let go")

    def release(self, activity: str, nonce: str) -> None:
        """The work is done, or given up; nothing happens if the lease is someone else's by now."""
        self._connection.execute(
            leases.delete().where(leases.c.activity == activity, leases.c.nonce == nonce)
        )
        _taken_here.discard(nonce)

    def all(self, *, void: bool = True) -> list[Lease]:
        """Every lease, by activity; without *void*, only those whose holders are at work."""
        rows = [
            row
            for row in self._connection.execute(select(leases).order_by(leases.c.activity)).all()
            if void or not self._is_void(row)
        ]
        return [Lease(row.activity, row.host, row.pid, row.started_at, row.heartbeat_at) for row in rows]

    def _is_void(self, row: Row[Any]) -> bool:
        if row.machine != self._machine:
            return bool(self._clock.now() - row.heartbeat_at > SILENCE)
        if row.pid == os.getpid():
            # In a container every gk is process 1: only what this very process took is alive.
            return row.nonce not in _taken_here
        # After a reboot some other program may have the number.
        return not _is_alive(row.pid) or not row.nonce.endswith(f".{_began(row.pid)}")


def _began(pid: int) -> str:
    """What tells a process from a later one of the same number: on Linux when it began, elsewhere nothing."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):
        return ""


def _is_alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _holder(row: Row[Any]) -> str:
    return f"process {row.pid} on {row.host}, since {write_stamp(row.started_at)}"
