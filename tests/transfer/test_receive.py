"""Receiving into a partial file: continued, checked, and never more than what came."""

import os
import resource
import signal
import stat

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glacierkeep.domain.hashes import hash_content
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.patience import Patience
from glacierkeep.errors import (
    BytesMismatch,
    DiskTrouble,
    NotFound,
    ServiceBusy,
    ServiceError,
    ServiceUnreachable,
    Stopped,
)
from glacierkeep.transfer.receive import receive
from transfer.ordered import MIB, TurnedClock, Vault, pattern, sizes

CONTENT = pattern(5 * MIB + 123)
LOST = ServiceUnreachable("lost")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "partial"


def fetch(vault, path, clock, **more):
    return receive(vault, len(vault.content), path, clock=clock, **{"request_size": 2 * MIB, **more})


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=sizes(4),
    there=sizes(5),
    request_size=st.sampled_from([MIB, 2 * MIB, 64 * MIB]),
    ranges=st.booleans(),
    tells_stop=st.booleans(),
    faults=st.dictionaries(st.integers(1, 5), st.just(LOST) | st.tuples(sizes(3), st.just(LOST)), max_size=3),
)
def test_whatever_happens_on_the_way(path, size, there, request_size, ranges, tells_stop, faults):
    """Any size, any beginning that is there, any breaks: the file is the output, and its hashes are right."""
    content = pattern(size)
    path.write_bytes(content[:there])
    vault = Vault(content, ranges=ranges, tells_stop=tells_stop or not ranges, faults=faults)
    found = fetch(vault, path, TurnedClock(), request_size=request_size)
    assert found == hash_content(content)
    assert path.read_bytes() == content
    refused = [number for number, fault in faults.items() if fault is LOST and number <= len(vault.asked)]
    assert vault.closed == len(vault.asked) - len(refused)


def test_ranges_are_aligned(path, clock):
    """Requests begin and end at multiples of their size, whatever is there, so that they have tree hashes."""
    path.write_bytes(CONTENT[: MIB + 5])
    vault, so_far = Vault(CONTENT), []
    fetch(vault, path, clock, progress=so_far.append)
    assert vault.asked == [
        ByteRange(MIB, 2 * MIB),
        ByteRange(2 * MIB, 4 * MIB),
        ByteRange(4 * MIB, len(CONTENT)),
    ]
    assert so_far[0] == MIB
    assert so_far[-1] == len(CONTENT)
    assert so_far == sorted(so_far)


def test_a_whole_file_asks_for_nothing(path, clock):
    """What is complete is hashed, without a request: the job may have expired."""
    path.write_bytes(CONTENT)
    vault = Vault(CONTENT)
    assert fetch(vault, path, clock) == hash_content(CONTENT)
    assert vault.asked == []


def test_bytes_that_are_there_are_hashed(path, clock):
    """A beginning that is damaged shows in the hashes; it is never believed."""
    path.write_bytes(b"?" + CONTENT[1 : 2 * MIB])
    assert fetch(Vault(CONTENT), path, clock).tree_hash != hash_content(CONTENT).tree_hash


def test_a_broken_answer_is_continued(path, clock):
    """What came before the break is not asked for again, up to the MiB."""
    vault = Vault(CONTENT, faults={1: (MIB + 700, LOST)})
    assert fetch(vault, path, clock) == hash_content(CONTENT)
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


def test_progress_gives_new_patience(path, clock):
    """Many breaks are borne as long as bytes come between them."""
    vault = Vault(CONTENT, faults=dict.fromkeys(range(1, 6), (MIB, LOST)))
    found = fetch(vault, path, clock, patience=Patience(retry_for=2.0), request_size=8 * MIB)
    assert found == hash_content(CONTENT)
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
    """Asked to stop, it keeps what came; the next call goes on there."""
    so_far = []
    with pytest.raises(Stopped) as caught:
        fetch(Vault(CONTENT), path, clock, progress=so_far.append, stop=lambda: so_far[-1] >= 3 * MIB)
    assert caught.value.done == 3 * MIB == path.stat().st_size
    vault = Vault(CONTENT)
    assert fetch(vault, path, clock) == hash_content(CONTENT)
    assert vault.asked[0].start == 3 * MIB


def test_wrong_bytes_are_removed_again(path, clock):
    """A range that has not the service's tree hash is cut off, so that a later call gets it anew."""
    vault = Vault(CONTENT, wrong={2: b"?" * 2 * MIB})
    with pytest.raises(BytesMismatch, match="2097152 to 4194304"):
        fetch(vault, path, clock)
    assert path.read_bytes() == CONTENT[: 2 * MIB]
    assert fetch(Vault(CONTENT), path, clock) == hash_content(CONTENT)


def test_a_hash_that_is_not_told_is_not_missed(path, clock):
    """Without tree hashes on the way, the caller's comparison of the whole is what is left."""
    vault = Vault(CONTENT, hashes=False, wrong={1: b"?" * 2 * MIB})
    assert fetch(vault, path, clock).tree_hash != hash_content(CONTENT).tree_hash


def test_a_service_that_ignores_ranges(path, clock):
    """It is read once to its end, past what is there already."""
    path.write_bytes(CONTENT[: 2 * MIB])
    vault = Vault(CONTENT, ranges=False)
    assert fetch(vault, path, clock) == hash_content(CONTENT)
    assert len(vault.asked) == 1


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


def test_a_longer_file_is_cut(path, clock):
    """What does not belong to the output does not stay behind it."""
    path.write_bytes(CONTENT[: 2 * MIB] + bytes(9 * MIB))
    fetch(Vault(CONTENT), path, clock)
    assert path.stat().st_size == len(CONTENT)


def test_the_file_is_private(path, clock):
    """A new partial file is readable by its owner alone."""
    fetch(Vault(CONTENT), path, clock)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_symlink_is_not_written_through(tmp_path, path, clock):
    """Somebody's link in the partial file's place is not followed."""
    (tmp_path / "precious").write_bytes(b"mine")
    path.symlink_to(tmp_path / "precious")
    with pytest.raises(DiskTrouble):
        fetch(Vault(CONTENT), path, clock)
    assert (tmp_path / "precious").read_bytes() == b"mine"


def test_an_open_descriptor_stays_open(path, clock):
    """A caller's own descriptor is written by position and left to the caller."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        assert fetch(Vault(CONTENT), fd, clock) == hash_content(CONTENT)
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
    assert fetch(vault, path, clock) == hash_content(CONTENT)
    assert vault.asked[0].start == 3 * MIB


@pytest.mark.parametrize("size", [0, -MIB, MIB + 1])
def test_request_sizes_without_tree_hashes(path, clock, size):
    """A request is a whole number of MiB."""
    with pytest.raises(ValueError, match="1 MiB"):
        fetch(Vault(CONTENT), path, clock, request_size=size)
