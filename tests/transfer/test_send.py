"""Sending in parts: every byte once, hashed right, bounded, and broken off cleanly."""

import hashlib
import os
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacierkeep.domain.hashes import hash_content
from glacierkeep.domain.limits import BLOCK
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.treehash import tree_hash
from glacierkeep.errors import Exit, ServiceBusy, ServiceError, SourceChanged, Stopped
from glacierkeep.transfer import send
from glacierkeep.transfer.crew import Crew
from glacierkeep.transfer.parts import part_body
from glacierkeep.transfer.source import StagedSource
from transfer.ordered import MIB, Bytes, Shelf, pattern, sizes


def send_parts(source, part_size, sink, *, jobs=4, held=4 * MIB, hashers=None, **more):
    """Send with a crew of its own."""
    with Crew(jobs, held=held, hashers=hashers) as crew:
        return send.send_parts(source, part_size, sink, crew=crew, **more)


@settings(max_examples=40)
@given(
    sizes(5),
    st.sampled_from([MIB, 2 * MIB, 4 * MIB, 8 * MIB]),
    st.integers(1, 5),
    st.booleans(),
    st.integers(1, 4),
)
def test_what_arrives_is_what_was_there(size, part_size, jobs, is_held, hashers):
    """For any size, part size and number of threads the parts are the source, and all hashes are right."""
    content, shelf, so_far = pattern(size), Shelf(), []
    held = part_size if is_held and part_size <= BLOCK else part_size // 2
    hashes = send_parts(
        Bytes(content), part_size, shelf, jobs=jobs, progress=so_far.append, held=held, hashers=hashers
    )
    assert hashes == hash_content(content)
    assert shelf.content == content
    for start, part in shelf.parts.items():
        assert shelf.bodies[start].sha256 == hashlib.sha256(part).digest()
        assert shelf.bodies[start].tree_hash == tree_hash(part)
        assert shelf.bodies[start].length == len(part)
    assert sorted(shelf.told) == [
        (at, len(part), tree_hash(part)) for at, part in sorted(shelf.parts.items())
    ]
    assert so_far == sorted(so_far)
    assert not so_far or so_far[-1] == size


def test_each_byte_is_read_once_and_in_order():
    """Parts that are held are read in one pass."""
    source = Bytes(pattern(5 * MIB + 1))
    send_parts(source, MIB, Shelf(), jobs=3)
    assert source.reads == [ByteRange(at, min(at + MIB, source.size)) for at in range(0, source.size, MIB)]


def test_from_a_file(on_disk):
    """A real file arrives, in held parts and in streamed ones."""
    content = pattern(6 * MIB + 5)
    for held in (2 * MIB, MIB):
        shelf = Shelf()
        with on_disk(content) as source:
            assert send_parts(source, 2 * MIB, shelf, held=held) == hash_content(content)
        assert shelf.content == content


def test_few_parts_are_held():
    """Never more than jobs + 1 parts are in memory, however slow the sink is."""
    jobs, lock = 2, threading.Lock()
    held, most, gate = set(), [], threading.Event()

    def before(wanted):
        with lock:
            held.add(wanted.start)
            most.append(len(held))
            if len(held) == jobs + 1:
                gate.set()

    class Slow(Shelf):
        def sent(self, start, length, tree_hash):
            with lock:
                held.discard(start)

    # Nothing is acknowledged before as much as possible was read.
    sink = Slow(order=lambda start: gate.wait(10))
    send_parts(Bytes(pattern(12 * MIB), before), MIB, sink, jobs=jobs)
    assert max(most) <= jobs + 1
    assert len(sink.parts) == 12


def test_parts_go_side_by_side():
    """As many parts as there are jobs are with the sink at the same time."""
    meeting = threading.Barrier(3, timeout=10)
    shelf = Shelf(order=lambda start: meeting.wait())
    send_parts(Bytes(pattern(6 * MIB)), MIB, shelf, jobs=3)
    assert len(shelf.parts) == 6


def test_what_is_there_is_not_sent_again():
    """A part the service has with the same hash is passed over, one with another hash is not."""
    content = pattern(4 * MIB)
    known = {0: tree_hash(content[:MIB]), MIB: bytes(32), 2 * MIB: tree_hash(content[2 * MIB : 3 * MIB])}
    shelf, so_far = Shelf(), []
    hashes = send_parts(Bytes(content), MIB, shelf, already=known, progress=so_far.append)
    assert hashes == hash_content(content)
    assert sorted(shelf.parts) == [MIB, 3 * MIB]
    assert sorted(start for start, _, _ in shelf.told) == [MIB, 3 * MIB]
    assert so_far[-1] == 4 * MIB


@pytest.mark.parametrize("held", [MIB, MIB // 2])
def test_the_first_failure_ends_it(held):
    """The rest is not read, what is under way is finished, and the first error is raised."""
    first = ServiceBusy("the third part")

    def order(start):
        if start == 2 * MIB:
            raise first

    source, shelf = Bytes(pattern(40 * MIB)), Shelf(order)
    before = threading.active_count()
    with pytest.raises(ServiceBusy) as caught:
        send_parts(source, MIB, shelf, jobs=2, held=held)
    assert caught.value is first
    assert 2 * MIB not in shelf.parts
    assert sorted(shelf.parts) == sorted(start for start, _, _ in shelf.told)
    assert source.reads[-1].stop < source.size
    assert threading.active_count() == before


def test_a_failure_to_record_is_a_failure():
    """If it cannot be written down that a part was sent, the sending ends."""

    class Forgetful(Shelf):
        def sent(self, start, length, tree_hash):
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        send_parts(Bytes(pattern(3 * MIB)), MIB, Forgetful())


def test_stopping():
    """Asked to stop, it finishes what is under way and tells how far it came; going on sends the rest."""
    content, shelf = pattern(8 * MIB), Shelf()
    source = Bytes(content)
    with pytest.raises(Stopped) as caught:
        send_parts(source, MIB, shelf, stop=lambda: len(source.reads) == 3)
    assert caught.value.done == 3 * MIB
    assert caught.value.exit is Exit.INTERRUPTED
    assert sorted(shelf.parts) == [0, MIB, 2 * MIB]
    known = {start: digest for start, _, digest in shelf.told}
    assert send_parts(source, MIB, shelf, already=known) == hash_content(content)
    assert (shelf.content, len(shelf.told)) == (content, 8)


def test_an_error_beats_a_stop():
    """If a part fails while the others are finished, that is what is raised."""

    def order(start):
        raise ServiceError("refused")

    source = Bytes(pattern(8 * MIB))
    with pytest.raises(ServiceError, match="refused"):
        send_parts(source, MIB, Shelf(order), stop=lambda: len(source.reads) == 2)


def test_an_interruption_ends_the_threads():
    """Ctrl-C in the reading thread comes out, and no thread is left."""

    def interrupt(wanted):
        if wanted.start:
            raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        send_parts(Bytes(pattern(3 * MIB), interrupt), MIB, Shelf())
    assert threading.active_count() == before


@pytest.mark.parametrize("held", [MIB, MIB // 2])
def test_a_file_that_shrinks_while_it_is_read(on_disk, tmp_path, held):
    """It is never sent as something shorter."""
    shelf = Shelf(order=lambda start: os.truncate(tmp_path / "source", MIB))
    with on_disk(pattern(40 * MIB)) as source, pytest.raises(SourceChanged):
        send_parts(source, MIB, shelf, jobs=1, held=held)


def test_a_file_that_grows_while_it_is_read(on_disk, tmp_path):
    """What was sent would be only a part of it."""
    grown = []

    def grow(start):
        if not grown:
            grown.append((tmp_path / "source").open("ab").close())
            with (tmp_path / "source").open("ab") as file:
                file.write(b"more")

    with on_disk(pattern(20 * MIB)) as source, pytest.raises(SourceChanged, match="size"):
        send_parts(source, MIB, Shelf(grow), jobs=1)


def test_a_part_that_changes_between_two_readings():
    """When the sink refuses a streamed part because its bytes are others by now, the file has changed."""
    content = bytearray(pattern(2 * MIB))

    class Changing(Bytes):
        def read_part(self, wanted):
            return bytes(content[wanted.start : wanted.stop])

    def order(start):
        content[start] ^= 1
        raise ServiceError("the service received other bytes")

    with pytest.raises(SourceChanged, match="between hashing and sending") as caught:
        send_parts(Changing(bytes(content)), 2 * MIB, Shelf(order), held=MIB)
    assert isinstance(caught.value.__cause__, ServiceError)


def test_a_change_after_the_last_hash(tmp_path):
    """A streamed part is read again when it is sent: the file is looked at once more after that."""
    checked = threading.Event()

    class Watched(StagedSource):
        def check(self):
            super().check()
            if self.opened:
                checked.set()

        opened = False

    def touch(start):
        assert checked.wait(10)
        os.utime(tmp_path / "file", ns=(1, 1))

    (tmp_path / "file").write_bytes(pattern(2 * MIB))
    with Watched(tmp_path / "file") as source:
        source.opened = True
        with pytest.raises(SourceChanged):
            send_parts(source, 2 * MIB, Shelf(touch), held=MIB)


def test_a_refusal_of_unchanged_bytes_stays_one():
    """When the bytes are what they were, the refusal has another reason."""

    def order(start):
        raise ServiceError("refused")

    with pytest.raises(ServiceError, match="refused"):
        send_parts(Bytes(pattern(2 * MIB)), 2 * MIB, Shelf(order), held=MIB)


@pytest.mark.parametrize("size", [0, MIB - 1, 3 * MIB, 8 * 1024 * MIB])
def test_sizes_no_part_can_have(size):
    """Only the service's part sizes make a tree hash of parts the tree hash of the whole."""
    with pytest.raises(ValueError, match="part size"):
        send_parts(Bytes(b"x"), size, Shelf())


def test_a_small_part_is_hashed_once():
    """Up to 1 MiB the tree hash is the SHA-256, one object for both."""
    body = part_body(pattern(MIB))
    assert body.sha256 is body.tree_hash or body.sha256 == body.tree_hash
    assert part_body(pattern(MIB + 1)).sha256 != part_body(pattern(MIB + 1)).tree_hash
