"""Receiving into a partial file: several ranges at once, continued, checked, and never more than what came."""

import itertools
import os
import resource
import signal
import stat
import threading
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glacierkeep.domain.hashes import Hashes
from glacierkeep.domain.parts import ByteRange, is_tree_hash_aligned, split
from glacierkeep.domain.patience import Patience
from glacierkeep.domain.treehash import tree_hash
from glacierkeep.errors import (
    BytesMismatch,
    DiskTrouble,
    NotFound,
    ServiceBusy,
    ServiceError,
    ServiceUnreachable,
    Stopped,
)
from glacierkeep.transfer.crew import Crew
from glacierkeep.transfer.receive import receive, request_size_of
from transfer.ordered import MIB, TurnedClock, Vault, pattern, sizes

CONTENT = pattern(5 * MIB + 123)
LOST = ServiceUnreachable("lost")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "partial"


def fetch(vault, path, clock, *, jobs=1, **more):
    with Crew(jobs) as crew:
        said = {"request_size": 2 * MIB, "journal": journal_of(path), **more}
        return receive(vault, len(vault.content), path, crew=crew, clock=clock, **said)


def journal_of(path):
    return path.with_name("partial-ranges")


def of(content):
    return Hashes(len(content), None, tree_hash(content))


def fresh(path):
    """Nothing of the example before is there: Hypothesis uses one folder for all."""
    path.unlink(missing_ok=True)
    journal_of(path).unlink(missing_ok=True)


faults = st.dictionaries(
    st.integers(1, 9), st.just(LOST) | st.tuples(sizes(3), st.just(LOST) | st.just(None)), max_size=4
)
"""For the n-th request: it fails, it breaks off after some bytes, or it ends there without a word."""


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=sizes(6).filter(bool),
    request_size=st.sampled_from([MIB, 2 * MIB, 64 * MIB]),
    jobs=st.integers(1, 4),
    ranges=st.booleans(),
    tells_stop=st.booleans(),
    hashes=st.booleans(),
    faults=faults,
)
def test_whatever_happens_on_the_way(path, size, request_size, jobs, ranges, tells_stop, hashes, faults):
    """Any size, any number of threads, any breaks: the file is the output, its hash is right, answers are closed."""
    fresh(path)
    content = pattern(size)
    vault = Vault(content, ranges=ranges, tells_stop=tells_stop, hashes=hashes, faults=faults)
    found = fetch(
        vault, path, TurnedClock(), request_size=request_size, jobs=jobs, patience=Patience(retry_for=9e9)
    )
    assert found == of(content)
    assert path.read_bytes() == content
    refused = [number for number, fault in faults.items() if fault is LOST and number <= len(vault.asked)]
    assert vault.closed == len(vault.asked) - len(refused)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=sizes(6).filter(bool),
    jobs=st.integers(1, 3),
    ranges=st.booleans(),
    ends=st.lists(st.integers(0, 40), max_size=3),
    harm=st.lists(
        st.tuples(st.floats(0, 1), st.sampled_from(["flip", "cut", "longer", "lines", "line"])), max_size=3
    ),
)
def test_whatever_happened_before(path, size, jobs, ranges, ends, harm):
    """However often it was stopped, and whatever was done to the files in between: the file is the output."""
    fresh(path)
    content = pattern(size)
    for end, (at, what) in zip([*ends, 0], [*harm, (0.0, "none")] * 4, strict=False):
        looks = iter(range(end))
        with suppress(Stopped):
            fetch(
                Vault(content, ranges=ranges),
                path,
                TurnedClock(),
                jobs=jobs,
                stop=lambda looks=looks: next(looks, None) is None,
            )
        spoil(path, at, what)
    assert fetch(Vault(content, ranges=ranges), path, TurnedClock(), jobs=jobs) == of(content)
    assert path.read_bytes() == content


def spoil(path, at, what):
    """Harm the partial file or its journal at that fraction of it."""
    victim = journal_of(path) if what.startswith("line") else path
    content = bytearray(victim.read_bytes() if victim.exists() else b"")
    place = min(int(at * len(content)), len(content) - 1)
    if what == "longer":
        content += bytes(MIB)
    elif what in ("cut", "lines"):
        del content[place + 1 :]
    elif content and what in ("flip", "line"):
        content[place] ^= 1
    victim.write_bytes(content)


def test_ranges_are_aligned(path, clock):
    """Requests begin and end at multiples of their size, whatever is there, so that they have tree hashes."""
    with pytest.raises(NotFound):
        fetch(Vault(CONTENT, faults={2: NotFound("gone")}), path, clock)
    vault, so_far = Vault(CONTENT), []
    fetch(vault, path, clock, progress=so_far.append)
    assert vault.asked == [ByteRange(2 * MIB, 4 * MIB), ByteRange(4 * MIB, len(CONTENT))]
    assert so_far[0] == 2 * MIB
    assert so_far[-1] == len(CONTENT)
    assert so_far == sorted(so_far)


@pytest.mark.parametrize("leaves", [1, 2, 3, 5, 8, 13, 21])
def test_alignment_within_the_job_is_alignment_within_the_archive(leaves):
    """Of a job for a subtree of an archive's tree hash, every range that is asked for is a subtree too."""
    size = leaves * MIB - 5
    for first in range(leaves):
        for last in range(first + 1, leaves + 1):
            job = ByteRange(first * MIB, min(last * MIB, size))
            if not is_tree_hash_aligned(job, size):
                continue
            for step in (1, 2, 4, 32):
                for asked in split(job.length, step * MIB):
                    assert is_tree_hash_aligned(
                        ByteRange(job.start + asked.start, job.start + asked.stop), size
                    )


def test_sizes_of_requests():
    """There are at most 10,000 ranges, whatever the size; small outputs come in ranges of 32 MiB."""
    assert request_size_of(1) == 32 * MIB
    assert request_size_of(10_000 * 32 * MIB) == 32 * MIB
    assert request_size_of(10_000 * 32 * MIB + 1) == 64 * MIB
    assert request_size_of(10_000 * 4096 * MIB) == 4096 * MIB


def test_several_at_once(path, clock):
    """As many ranges as there are threads are under way at the same time."""
    together = threading.Barrier(3, timeout=60)

    class Slow(Vault):
        def __call__(self, wanted):
            together.wait()
            return super().__call__(wanted)

    vault = Slow(CONTENT)
    assert fetch(vault, path, clock, jobs=3) == of(CONTENT)
    assert len(vault.asked) == 3


def test_a_small_one_does_not_wait_for_a_huge_one(tmp_path, clock):
    """Two downloads share two threads: the small one is there before the huge one has had its third range."""
    huge, small, done = Vault(pattern(12 * MIB)), Vault(b"small"), threading.Event()

    class Waiting(Vault):
        def __call__(self, wanted):
            if len(self.asked) >= 3:
                assert done.wait(60)
            return super().__call__(wanted)

    huge = Waiting(pattern(12 * MIB))
    with Crew(2) as crew:
        begun = threading.Event()

        def bring_huge():
            receive(
                huge, 12 * MIB, tmp_path / "huge", crew=crew, clock=clock, request_size=MIB,
                progress=lambda there: begun.set(),
            )  # fmt: skip

        other = threading.Thread(target=bring_huge)
        other.start()
        assert begun.wait(60)
        receive(small, 5, tmp_path / "small", crew=crew, clock=clock)
        done.set()
        other.join()
    assert (tmp_path / "small").read_bytes() == b"small"
    assert (tmp_path / "huge").read_bytes() == huge.content


def test_a_whole_file_asks_for_nothing(path, clock):
    """What is complete is hashed, without a request: the job may have expired."""
    fetch(Vault(CONTENT), path, clock)
    vault = Vault(CONTENT)
    assert fetch(vault, path, clock) == of(CONTENT)
    assert vault.asked == []


def test_bytes_that_are_there_are_hashed(path, clock):
    """A range that is damaged on this disk is seen, and asked for again; the others are not."""
    fetch(Vault(CONTENT), path, clock)
    path.write_bytes(CONTENT[: 3 * MIB] + b"?" + CONTENT[3 * MIB + 1 :])
    vault = Vault(CONTENT)
    assert fetch(vault, path, clock) == of(CONTENT)
    assert vault.asked == [ByteRange(2 * MIB, 4 * MIB)]
    assert path.read_bytes() == CONTENT


def test_a_file_without_a_journal_is_not_believed(path, clock):
    """What nobody wrote down is brought anew, be it as long as it should be."""
    path.write_bytes(bytes(len(CONTENT)))
    assert fetch(Vault(CONTENT), path, clock) == of(CONTENT)
    assert path.read_bytes() == CONTENT


def test_what_is_written_down_is_on_the_disk(path, clock, monkeypatch):
    """A line about a range is written after a sync of the range's bytes, and synced itself before anything else."""
    order = []
    for name in ("pwrite", "fdatasync", "write"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *said, name=name, real=real: order.append(name) or real(*said))
    fetch(Vault(CONTENT), path, clock)
    assert [name for name, _ in itertools.groupby(order)] == ["pwrite", "fdatasync", "write", "fdatasync"] * 3


def test_a_broken_answer_is_continued(path, clock):
    """What came before the break is not asked for again, up to the MiB."""
    vault = Vault(CONTENT, faults={1: (MIB + 700, LOST)})
    assert fetch(vault, path, clock) == of(CONTENT)
    assert vault.asked[1] == ByteRange(MIB, 2 * MIB)
    assert len(clock.slept) == 1


def test_patience_ends(path, clock):
    """A service that fails again and again is given up, with what came kept and pauses in between."""
    vault = Vault(CONTENT, faults={1: (MIB, LOST)} | dict.fromkeys(range(2, 9), ServiceBusy("later")))
    with pytest.raises(ServiceBusy):
        fetch(vault, path, clock, patience=Patience(retry_for=1.5, first=0.5), random=lambda: 1.0)
    assert path.read_bytes() == CONTENT[:MIB]
    assert clock.slept == [0.5, 1.0]
    assert len(vault.asked) == 3
    vault = Vault(CONTENT)
    fetch(vault, path, clock)
    assert vault.asked[0].start == MIB


def test_progress_gives_new_patience(path, clock):
    """Many breaks are borne as long as bytes come between them."""
    vault = Vault(CONTENT, faults=dict.fromkeys(range(1, 6), (MIB, LOST)))
    found = fetch(vault, path, clock, patience=Patience(retry_for=2.0), request_size=8 * MIB)
    assert found == of(CONTENT)
    assert len(vault.asked) == 6


def test_long_pauses_can_be_stopped(path, clock):
    """While it waits for another try it still listens for the wish to stop."""
    vault = Vault(CONTENT, faults=dict.fromkeys(range(1, 9), LOST))
    with pytest.raises(Stopped):
        fetch(vault, path, clock, patience=Patience(first=50.0), stop=lambda: len(clock.slept) >= 3)
    assert clock.slept == [1.0, 1.0, 1.0]


def test_a_refusal_is_final(path, clock):
    """A job that is gone is not asked for again."""
    vault = Vault(CONTENT, faults={2: NotFound("gone")})
    with pytest.raises(NotFound):
        fetch(vault, path, clock)
    assert (len(vault.asked), clock.slept) == (2, [])
    assert path.read_bytes() == CONTENT[: 2 * MIB]


def test_stopping(path, clock):
    """Asked to stop, it keeps what came, also the beginning of a range; the next call goes on there."""
    so_far = [0]
    with pytest.raises(Stopped) as caught:
        fetch(Vault(CONTENT), path, clock, progress=so_far.append, stop=lambda: so_far[-1] >= 3 * MIB)
    assert caught.value.done == 3 * MIB == path.stat().st_size
    vault = Vault(CONTENT)
    assert fetch(vault, path, clock) == of(CONTENT)
    assert vault.asked == [ByteRange(3 * MIB, 4 * MIB), ByteRange(4 * MIB, len(CONTENT))]


def test_what_is_broken_off_ends_soon(path, clock):
    """A crew that is broken off reads no further, and what came is kept."""
    with Crew(2) as crew:

        def progress(there):
            if there >= 2 * MIB:
                crew.break_off()

        with pytest.raises(Stopped):
            receive(
                Vault(CONTENT), len(CONTENT), path, crew=crew, clock=clock, journal=journal_of(path),
                progress=progress,
            )  # fmt: skip
    assert journal_of(path).read_bytes()


def test_wrong_bytes_are_asked_for_once_more(path, clock):
    """A range that has not the service's tree hash is forgotten and comes again; if it is right then, all is well."""
    vault = Vault(CONTENT, wrong={2: b"?" * 2 * MIB})
    assert fetch(vault, path, clock) == of(CONTENT)
    assert vault.asked.count(ByteRange(2 * MIB, 4 * MIB)) == 2
    assert path.read_bytes() == CONTENT


def test_wrong_bytes_twice(path, clock):
    """Wrong again, it is told, and not kept: a later call gets it anew."""
    vault = Vault(CONTENT, wrong={2: b"?" * 2 * MIB, 3: b"!" * 2 * MIB})
    with pytest.raises(BytesMismatch, match="2097152 to 4194304"):
        fetch(vault, path, clock)
    again = Vault(CONTENT)
    assert fetch(again, path, clock) == of(CONTENT)
    assert again.asked[0] == ByteRange(2 * MIB, 4 * MIB)


def test_wrong_bytes_after_a_break(path, clock):
    """What the service said of a whole range counts too if the range came in two answers."""
    vault = Vault(CONTENT, faults={1: (MIB, LOST)}, wrong={1: b"?" * 2 * MIB})
    assert fetch(vault, path, clock) == of(CONTENT)
    assert path.read_bytes() == CONTENT


def test_a_hash_that_is_not_told_is_not_missed(path, clock):
    """Without tree hashes on the way, the caller's comparison of the whole is what is left."""
    vault = Vault(CONTENT, hashes=False, wrong={1: b"?" * 2 * MIB})
    assert fetch(vault, path, clock).tree_hash != tree_hash(CONTENT)


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_service_that_ignores_ranges(path, clock, jobs):
    """It is read once to its end, past what is there already, however many threads there are."""
    with pytest.raises(NotFound):
        fetch(Vault(CONTENT, faults={2: NotFound("gone")}), path, clock)
    ended = threading.Semaphore(0)

    class Patient(Vault):
        def __call__(self, wanted):
            # The other threads have asked too before the first answer is seen: the worst case.
            if jobs > 1 and len(self.asked) < 2:
                ended.release()
            return super().__call__(wanted)

    vault = Patient(CONTENT, ranges=False)
    assert fetch(vault, path, clock, jobs=jobs) == of(CONTENT)
    assert len(vault.asked) <= jobs
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("given", [(MIB, 3 * MIB), (0, 0), (-1, 2 * MIB), (0, 5)])
def test_an_answer_from_another_place(path, clock, given):
    """Bytes from beyond what was asked for, or too few to go on with, are refused, not awaited for ever."""

    class Elsewhere(Vault):
        def __call__(self, wanted):
            opened = super().__call__(wanted)
            answer = opened.__enter__()
            answer.start, answer.stop = given
            return _Entered(opened, answer)

    class _Entered:
        def __init__(self, opened, answer):
            self.opened, self.answer = opened, answer

        def __enter__(self):
            return self.answer

        def __exit__(self, *error):
            return self.opened.__exit__(*error)

    with pytest.raises(ServiceError, match="asked for bytes"):
        fetch(Elsewhere(CONTENT), path, clock)


def test_bytes_are_taken(path, clock):
    """Whoever keeps the pace is asked for every byte, and for nothing that is there already."""
    taken = []
    fetch(Vault(CONTENT), path, clock, take=taken.append, jobs=2)
    assert sum(taken) == len(CONTENT)
    assert max(taken) <= MIB
    taken.clear()
    fetch(Vault(CONTENT), path, clock, take=taken.append)
    assert taken == []


def test_a_longer_file_is_cut(path, clock):
    """What does not belong to the output does not stay behind it."""
    path.write_bytes(CONTENT[: 2 * MIB] + bytes(9 * MIB))
    fetch(Vault(CONTENT), path, clock)
    assert path.stat().st_size == len(CONTENT)


def test_the_file_is_private(path, clock):
    """A new partial file, and its journal, are readable by their owner alone."""
    fetch(Vault(CONTENT), path, clock)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal_of(path).stat().st_mode) == 0o600


@pytest.mark.parametrize("place", [Path, journal_of])
def test_a_symlink_is_not_written_through(tmp_path, path, clock, place):
    """Somebody's link in the partial file's place, or in its journal's, is not followed."""
    (tmp_path / "precious").write_bytes(b"mine")
    place(path).symlink_to(tmp_path / "precious")
    with pytest.raises(DiskTrouble):
        fetch(Vault(CONTENT), path, clock)
    assert (tmp_path / "precious").read_bytes() == b"mine"


def test_an_open_descriptor_stays_open(path, clock):
    """A caller's own descriptor is written by position and left to the caller."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        with Crew(2) as crew:
            assert receive(Vault(CONTENT), len(CONTENT), fd, crew=crew, clock=clock) == of(CONTENT)
        assert os.fstat(fd).st_size == len(CONTENT)
    finally:
        os.close(fd)


def test_a_disk_that_takes_no_more(path, clock):
    """A write that fails is trouble with the disk; what was written stays for another call."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3 * MIB, limits[1]))
        with pytest.raises(DiskTrouble):
            fetch(Vault(CONTENT), path, clock)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert path.read_bytes() == CONTENT[: 3 * MIB]
    vault = Vault(CONTENT)
    assert fetch(vault, path, clock) == of(CONTENT)
    assert vault.asked[0].start == 3 * MIB


@pytest.mark.parametrize("size", [-MIB, MIB + 1, 3 * MIB])
def test_request_sizes_without_tree_hashes(path, clock, size):
    """A request is a power of two MiB."""
    with pytest.raises(ValueError, match="1 MiB"):
        fetch(Vault(CONTENT), path, clock, request_size=size)


def test_memory_does_not_grow_with_the_size(path, clock):
    """What is held is some blocks for each thread, however large the output and the range."""
    content = pattern(96 * MIB)
    vault = Vault(content)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        fetch(Lean(content), path, clock, jobs=4, request_size=32 * MIB)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert vault.content == path.read_bytes()
    assert peak < 8 * MIB


class Lean(Vault):
    """Gives views of its content, so that what is held is held by whoever receives."""

    def __call__(self, wanted):
        return _Viewed(self.content, wanted)


class _Viewed:
    def __init__(self, content, wanted):
        self.start, self.stop, self.tree_hash = wanted.start, wanted.stop, None
        self.content, self.at = content, wanted.start

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def read(self, size):
        piece = self.content[self.at : min(self.at + size, self.stop)]
        self.at += len(piece)
        return piece
