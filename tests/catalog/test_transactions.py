"""All or nothing, from threads and processes, also when one is killed."""

import resource
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from catalog.keeping import Kept, a_file
from glacierkeep.catalog import ArchiveGone, Catalog
from glacierkeep.clock import SystemClock
from glacierkeep.errors import CatalogUnusable, DiskTrouble

WRITE_AND_WAIT = """
import sys
from pathlib import Path
from glacierkeep.catalog import Catalog
from glacierkeep.clock import SystemClock
catalog = Catalog.open(Path(sys.argv[1]), clock=SystemClock(), machine="here")
with catalog.write() as records:
    records.events.add("kept")
with catalog.write() as records:
    for at in range(3000):
        records.events.add("lost" + "x" * 2000)
    print("in the middle", flush=True)
    sys.stdin.readline()
"""


def test_an_exception_undoes_the_write(kept: Kept) -> None:
    """What was written before an exception left the write is not there."""

    def fail() -> None:
        with kept.catalog.write() as records:
            records.events.add("x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with kept.catalog.read() as records:
        assert records.events.latest() == []


def test_a_disk_that_fills_while_versions_are_recorded(kept: Kept) -> None:
    """A write that finds no room in the middle of a recording says so, and nothing of it is there."""
    archive, (soft, hard) = kept.archive(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(DiskTrouble):
            kept.record(a_file(b"a"), archive=archive)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert kept.record(a_file(b"a"), archive=archive)


def test_a_read_cannot_write(kept: Kept) -> None:
    """A record written in a read is refused, not silently dropped."""
    with pytest.raises(CatalogUnusable), kept.catalog.read() as records:
        records.events.add("x")
    with kept.catalog.write() as records:
        records.events.add("y")


def test_a_read_is_consistent_beside_a_write(kept: Kept) -> None:
    """A read takes no lock that a write under way would mind, and does not see half of it."""
    with kept.catalog.write() as writing:
        writing.events.add("x")
        with kept.catalog.read() as records:
            assert records.events.latest() == []
    with kept.catalog.read() as records:
        assert len(records.events.latest()) == 1


def test_iterating_holds_no_read_open(kept: Kept) -> None:
    """Between the rows of a long list others may write, and so may whoever iterates."""
    kept.record(*(a_file(b"%04d" % at) for at in range(2500)))
    for at, _ in enumerate(kept.catalog.versions_below(kept.root, b"")):
        if at % 500 == 0:
            with kept.catalog.write() as records:
                records.events.add("seen")
    with kept.catalog.read() as records:
        assert len(records.events.latest()) == 5


def test_threads_write_one_after_the_other(kept: Kept) -> None:
    """Nothing is lost when several threads count up the same number."""

    def count(_: int) -> None:
        for _ in range(10):
            with kept.catalog.write() as records:
                records.identity.next_generation()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(count, range(6)))
    with kept.catalog.read() as records:
        assert records.identity.generation == 60


def test_a_writer_killed_in_the_middle(catalog: Catalog, path: Path) -> None:
    """After kill -9 in a write the catalog is consistent, holds what was committed and nothing of the rest."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE_AND_WAIT, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "in the middle\n"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    with catalog.write() as records:
        records.events.add("after")
        assert [event.kind for event in records.events.latest()] == ["after", "kept"]
    with sqlite3.connect(path) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
    raw.close()


@pytest.mark.parametrize("attempt", range(8))
def test_a_deletion_and_a_new_reference_never_both_succeed(kept: Kept, path: Path, attempt: int) -> None:
    """Of begin_deletion and record on one archive, at the same instant, exactly one comes through."""
    archive = kept.archive()
    (old,) = kept.record(a_file(b"a"), archive=archive)
    with kept.catalog.write() as records:
        records.versions.retire([old], kept.clock.now())
    another = Catalog.open(path, clock=SystemClock(), machine="here")
    start = Barrier(2)

    def delete() -> bool:
        start.wait()
        with another.write() as records:
            return bool(records.archives.begin_deletion([archive]))

    def refer() -> bool:
        start.wait()
        new = a_file(b"b", pieces=(), same_as=old)
        try:
            with kept.catalog.write() as records:
                records.versions.record(kept.run, kept.root.root_id, kept.vault.vault_id, None, [new])
        except ArchiveGone:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        work = (delete, refer) if attempt % 2 else (refer, delete)
        results = [future.result() for future in [pool.submit(one) for one in work]]
    another.close()
    assert sorted(results) == [False, True]
