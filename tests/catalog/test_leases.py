"""Leases: two never do the same work at once, and the dead hold nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from catalog.keeping import HandClock
from glacierkeep.catalog import Catalog
from glacierkeep.errors import Locked

TAKE = """
import os, sys
from pathlib import Path
from glacierkeep.catalog import Catalog
from glacierkeep.clock import SystemClock
catalog = Catalog.open(Path(sys.argv[1]), clock=SystemClock(), machine="here")
with catalog.write() as records:
    records.leases.take("root photos", host="host", pid=os.getpid())
print("taken", flush=True)
sys.stdin.readline()
"""


def take(catalog: Catalog, activity: str = "root photos", pid: int | None = None) -> str:
    with catalog.write() as records:
        return records.leases.take(activity, host="host", pid=pid or os.getpid())


def test_one_holder(catalog: Catalog, clock: HandClock) -> None:
    """A second taker is told who holds it; another activity is free; released, it is free too."""
    nonce = take(catalog)
    with pytest.raises(Locked, match=f"process {os.getpid()} on host, since 2026-01-01T12:00:00Z") as caught:
        take(catalog)
    assert caught.value.exit == 11
    take(catalog, "root music")
    with catalog.write() as records:
        assert [lease.activity for lease in records.leases.all()] == ["root music", "root photos"]
        records.leases.release("root photos", nonce)
    take(catalog)


def test_a_holder_stays_alive_however_long_it_is_silent(catalog: Catalog, clock: HandClock) -> None:
    """On this machine a living process keeps its lease: it may have slept with the laptop."""
    take(catalog)
    clock.turn(days=3)
    with pytest.raises(Locked):
        take(catalog)


def test_renewing(catalog: Catalog, clock: HandClock) -> None:
    """The heartbeat moves on; a lease that is not ours cannot be renewed, nor released."""
    nonce = take(catalog)
    later = clock.turn(minutes=5)
    with catalog.write() as records:
        records.leases.renew("root photos", nonce)
        (lease,) = records.leases.all()
        assert lease.heartbeat_at == later
        with pytest.raises(Locked):
            records.leases.renew("root photos", "another")
        records.leases.release("root photos", "another")
        assert records.leases.all() == [lease]
        records.leases.release("root photos", nonce)
        with pytest.raises(Locked):
            records.leases.renew("root photos", nonce)


def test_a_dead_process_holds_nothing(catalog: Catalog, path: Path) -> None:
    """While the holder lives its lease holds; after kill -9 it is free at once."""
    process = subprocess.Popen(
        [sys.executable, "-c", TAKE, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "taken\n"
    with pytest.raises(Locked, match=str(process.pid)):
        take(catalog)
    process.kill()
    process.communicate(timeout=30)
    take(catalog)


def test_what_the_dead_held_goes(catalog: Catalog) -> None:
    """Whoever takes a lease clears away those of dead processes: status does not tell of work that nobody does."""
    take(catalog, "retrieval 1", pid=2**22 + 5)
    take(catalog)
    with catalog.read() as records:
        assert [lease.activity for lease in records.leases.all()] == ["root photos"]


def test_a_predecessor_with_our_own_number_is_dead(catalog: Catalog) -> None:
    """In a container every gk has the same process number: a lease of it that we did not take is void."""
    take(catalog)
    with catalog.write() as records:
        records.leases._connection.exec_driver_sql("UPDATE leases SET nonce = 'of an earlier process'")
    take(catalog)


def test_another_machine_holds_until_it_is_silent(catalog: Catalog, path: Path, clock: HandClock) -> None:
    """Of another machine's processes nothing is known but the heartbeat: ten minutes without one, and it is void."""
    there = Catalog.open(path, clock=clock, machine="there")
    nonce = take(there, pid=2**22 + 5)
    clock.turn(minutes=9)
    with pytest.raises(Locked):
        take(catalog)
    with there.write() as records:
        records.leases.renew("root photos", nonce)
    clock.turn(minutes=10)
    with pytest.raises(Locked):
        take(catalog)
    clock.turn(seconds=1)
    take(catalog)
    with there.write() as records, pytest.raises(Locked):
        records.leases.renew("root photos", nonce)
    there.close()


def test_nonces_come_from_the_random_bytes_given(path: Path, clock: HandClock) -> None:
    """Chance is injected here too."""
    catalog = Catalog.open(path, clock=clock, machine="here", random=lambda count: b"\0" * count)
    assert take(catalog).startswith("0" * 26 + ".")
    catalog.close()
