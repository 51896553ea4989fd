"""What transfers share: threads, room in memory, and turns."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacierkeep.domain.hashes import hash_content
from glacierkeep.domain.limits import BLOCK
from glacierkeep.errors import ServiceError, Stopped
from glacierkeep.transfer.crew import Crew
from glacierkeep.transfer.room import Room
from glacierkeep.transfer.send import send_parts
from transfer.ordered import MIB, Bytes, Shelf, pattern


@settings(max_examples=20)
@given(st.integers(1, 4), st.integers(1, 40))
def test_room_is_never_given_twice(most, askers):
    """However many ask at once, nobody has a buffer that another one has, and there are never more than *most*."""
    room, lock, out, seen = Room(most), threading.Lock(), set(), set()

    def ask(_):
        buffer = room.take()
        with lock:
            assert id(buffer) not in out
            out.add(id(buffer))
            seen.add(id(buffer))
        with lock:
            out.discard(id(buffer))
        room.give_back(buffer)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(ask, range(askers)))
    assert len(seen) <= most


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
    jobs, arrived = 3, []
    small_is_read = threading.Event()

    def huge_part(start):
        if start < 2 * part_size:
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

    class Watched(Room):
        def take(self):
            buffer = super().take()
            with lock:
                taken[0] += 1
                most[0] = max(most[0], taken[0])
            return buffer

        def give_back(self, buffer):
            with lock:
                taken[0] -= 1
            super().give_back(buffer)

    with Crew(jobs) as crew, ThreadPoolExecutor(3) as archives:
        crew.room = Watched(crew.room.most)
        sources = [Bytes(pattern(5 * BLOCK, seed)) for seed in range(3)]
        shelves = [Shelf() for _ in sources]
        sent = [
            archives.submit(send_parts, source, part_size, shelf, crew=crew)
            for source, shelf in zip(sources, shelves, strict=True)
        ]
        for each, source, shelf in zip(sent, sources, shelves, strict=True):
            assert each.result() == hash_content(source.content)
            assert shelf.content == source.content
    assert 0 < most[0] <= jobs + 1
    assert taken == [0]


def test_one_failing_archive_leaves_the_others_alone():
    """An archive that is refused ends alone; what it held is free again."""

    def refuse(start):
        raise ServiceError("refused")

    with Crew(2) as crew:
        with pytest.raises(ServiceError, match="refused"):
            send_parts(Bytes(pattern(40 * MIB)), MIB, Shelf(refuse), crew=crew)
        assert send_parts(Bytes(pattern(9 * MIB)), MIB, Shelf(), crew=crew) == hash_content(pattern(9 * MIB))
        assert all(crew.room.take() for _ in range(crew.room.most))


def test_nobody_waits_for_what_is_broken_off():
    """Once somebody will not wait, parts under way end in the middle of their bytes."""
    with Crew(1) as crew:

        class Reading(Shelf):
            def send(self, start, body):
                crew.break_off()
                self.read(body)

        with pytest.raises(Stopped):
            send_parts(Bytes(pattern(3 * MIB)), MIB, Reading(), crew=crew)
