"""What transfers share: threads, room in memory, and turns."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacierkeep.domain.hashes import hash_content
from glacierkeep.domain.limits import BLOCK
from glacierkeep.errors import ServiceError
from glacierkeep.transfer.crew import Crew
from glacierkeep.transfer.room import Room
from glacierkeep.transfer.send import send_parts
from glacierkeep.transfer.stopped import Stopped
from transfer.ordered import MIB, Bytes, Shelf, pattern


@settings(max_examples=30)
@given(st.lists(st.integers(1, 10), min_size=1, max_size=40))
def test_room_is_never_given_twice(sizes):
    """However many ask at once, what they have together is never more than there is, and each gets its turn."""
    room, lock, out, most = Room(10), threading.Lock(), [0], [0]

    def ask(size):
        room.take(size)
        with lock:
            out[0] += size
            most[0] = max(most[0], out[0])
        with lock:
            out[0] -= size
        room.give_back(size)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(ask, sizes))
    assert most[0] <= 10
    room.take(10)


def test_who_needs_much_room_is_not_passed_by():
    """Someone who asks for all the room gets it before those who asked for a little of it later."""
    room, order = Room(4), []
    room.take(4)
    started = [threading.Event(), threading.Event()]

    def ask(index, size):
        started[index].set()
        room.take(size)
        order.append(size)
        room.give_back(size)

    big = threading.Thread(target=ask, args=(0, 4))
    big.start()
    started[0].wait(10)
    while not room._line:
        pass
    small = threading.Thread(target=ask, args=(1, 1))
    small.start()
    while len(room._line) < 2:
        pass
    room.give_back(4)
    big.join(10)
    small.join(10)
    assert order == [4, 1]


def test_room_that_is_not_there():
    """Nobody waits for ever for more room than there is."""
    with pytest.raises(ValueError, match="room for 4 bytes"):
        Room(4).take(5)


def test_a_strand_keeps_its_order():
    """Tasks of a strand are done one after the other, as they were given, whoever else hashes meanwhile."""
    done, at_once, lock = [], [0], threading.Lock()
    with Crew(1) as crew:
        strand = crew.strand()

        def task(number):
            assert lock.acquire(blocking=False)
            done.append(number)
            lock.release()

        for number in range(500):
            strand.hash(lambda number=number: task(number))
            crew.hash(lambda: at_once.__setitem__(0, at_once[0] + 1))
    assert done == list(range(500))


@pytest.mark.parametrize("part_size", [MIB, 8 * MIB])
def test_a_small_archive_overtakes_a_huge_one(part_size):
    """Of two archives on their way at once the small one arrives long before the huge one ends."""
    jobs, arrived = 2, []
    small_is_read = threading.Event()

    def huge_part(start):
        if start < jobs * part_size:
            assert small_is_read.wait(30)
        arrived.append("huge")

    with Crew(jobs) as crew, ThreadPoolExecutor(1) as archives:
        huge = Bytes(pattern(16 * part_size))
        first = archives.submit(send_parts, huge, part_size, Shelf(huge_part), crew=crew)
        small = Bytes(pattern(MIB), before=lambda wanted: small_is_read.set())
        send_parts(small, MIB, Shelf(lambda start: arrived.append("small")), crew=crew)
        assert first.result().size == huge.size
    assert arrived.count("huge") == 16
    assert arrived.index("small") < 12


@pytest.mark.parametrize("part_size", [BLOCK, 2 * BLOCK])
def test_all_archives_share_the_room(part_size):
    """However many archives are on their way, together they hold no more than jobs + 1 blocks."""
    jobs, lock, taken, most = 2, threading.Lock(), [0], [0]

    class Watched(Crew):
        def __init__(self):
            super().__init__(jobs)
            take, give_back = self.room.take, self.room.give_back

            def watched_take(size):
                take(size)
                with lock:
                    taken[0] += size
                    most[0] = max(most[0], taken[0])

            def watched_give_back(size):
                with lock:
                    taken[0] -= size
                give_back(size)

            self.room.take, self.room.give_back = watched_take, watched_give_back

    with Watched() as crew, ThreadPoolExecutor(3) as archives:
        sources = [Bytes(pattern(5 * BLOCK, seed)) for seed in range(3)]
        shelves = [Shelf() for _ in sources]
        sent = [
            archives.submit(send_parts, source, part_size, shelf, crew=crew)
            for source, shelf in zip(sources, shelves, strict=True)
        ]
        for each, source, shelf in zip(sent, sources, shelves, strict=True):
            assert each.result() == hash_content(source.content)
            assert shelf.content == source.content
    assert 0 < most[0] <= (jobs + 1) * BLOCK
    assert taken == [0]


def test_one_failing_archive_leaves_the_others_alone():
    """An archive that is refused ends alone; what it held is free again."""

    def refuse(start):
        raise ServiceError("refused")

    with Crew(2) as crew:
        with pytest.raises(ServiceError, match="refused"):
            send_parts(Bytes(pattern(40 * MIB)), MIB, Shelf(refuse), crew=crew)
        assert send_parts(Bytes(pattern(9 * MIB)), MIB, Shelf(), crew=crew) == hash_content(pattern(9 * MIB))
        crew.room.take(crew.room.size)


def test_nobody_waits_for_what_is_broken_off():
    """Once somebody will not wait, parts under way end in the middle of their bytes."""
    with Crew(1) as crew:

        class Reading(Shelf):
            def send(self, start, body):
                crew.break_off()
                self.read(body)

        with pytest.raises(Stopped):
            send_parts(Bytes(pattern(3 * MIB)), MIB, Reading(), crew=crew)
