"""Several outputs at once: shared threads, one that places, and what one failure means for the others."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from glacierkeep.domain.limits import MIB
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.records import JobProgress
from glacierkeep.errors import CredentialsTrouble, Exit, ServiceBusy, ServiceError, ServiceUnreachable
from glacierkeep.events import BytesReceived, Event, FilePlaced, Trouble
from glacierkeep.operations.arrivals import Fetching
from glacierkeep.stores.store import Output, Store
from support.compare import differences
from support.world import World

Before = Callable[[str, ByteRange | None], None]


@dataclass
class Ordered:
    """The *store*, which does what a test orders before it opens an output: waits, or raises."""

    store: Store
    before: Before
    asked: list[str] = field(default_factory=list)
    under_way: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    @contextmanager
    def open_output(self, job_id: str, wanted: ByteRange | None = None) -> Iterator[Output]:
        with self.lock:
            self.asked.append(job_id)
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        try:
            self.before(job_id, wanted)
            with self.store.open_output(job_id, wanted) as output:
                yield output
        finally:
            with self.lock:
                self.under_way -= 1


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Four files, each an archive of its own."""
    root = tmp_path / "photos"
    root.mkdir()
    for number in range(4):
        (root / f"{number}.raw").write_bytes(bytes([number]) * (MIB + number))
    return root


def ready(world: World, root: Path, back: Path) -> World:
    """All of *root* is in the vault, and asked for, and ready to be brought."""
    world.upload(root)
    assert world.retrieve("photos", to=back).exit is Exit.WAITING
    world.clock.turn(hours=6)
    return world


def archive_of(world: World, job_id: str) -> int:
    """The size of the archive that a job brings, which tells the files apart."""
    with world.catalog.read() as records:
        (job,) = [each for each in records.jobs.all() if each.job_id == job_id]
        assert job.archive_key is not None
        return records.archives.get(job.archive_key).size


def test_as_many_at_once_as_there_are_jobs(world: World, root: Path, back: Path) -> None:
    """Four outputs are read at the same time, each by a thread, and every file comes right."""
    world.upload(root)
    together = threading.Barrier(4, timeout=60)
    store = Ordered(world.store, lambda job_id, wanted: together.wait() and None)

    outcome = world.retrieve("photos", to=back, store=store)

    assert (outcome.exit, outcome.failed) == (Exit.DONE, 0)
    assert differences(root, back / "photos") == []


def test_one_at_a_time(world: World, root: Path, back: Path) -> None:
    """With one job, no request is made while another is under way."""
    world.upload(root)
    store = Ordered(world.store, lambda job_id, wanted: None)

    outcome = world.retrieve("photos", to=back, store=store, fetching=Fetching(jobs=1))

    assert (outcome.exit, store.most) == (Exit.DONE, 1)
    assert differences(root, back / "photos") == []


def test_bytes_are_told_for_each_and_for_all(world: World, root: Path, back: Path) -> None:
    """What is told of one output grows to its size, and the total to that of all."""
    world.upload(root)
    world.retrieve("photos", to=back)
    told = [event for event in world.told if isinstance(event, BytesReceived)]
    sizes = {path.stat().st_size for path in root.iterdir()}
    assert {event.received for event in told if event.received == event.size} == sizes
    assert max(event.total for event in told) == sum(sizes)
    assert [event.total for event in told] == sorted(event.total for event in told)


def test_one_failure_does_not_stop_the_others(slow_world: World, root: Path, back: Path) -> None:
    """An output that cannot be read is raised in the end; all others are placed, and the next pass brings it."""
    world = ready(slow_world, root, back)

    def before(job_id: str, wanted: ByteRange | None) -> None:
        if archive_of(world, job_id) == MIB + 1:
            raise ServiceError("this one not")

    with pytest.raises(ServiceError, match="this one not"):
        world.retrieve("photos", to=back, store=Ordered(world.store, before), fetching=Fetching(jobs=1))
    assert {path.name for path in (back / "photos").iterdir()} == {"0.raw", "2.raw", "3.raw"}

    assert world.poll().exit is Exit.DONE
    assert differences(root, back / "photos") == []


def test_of_two_failures_the_second_is_told(slow_world: World, root: Path, back: Path) -> None:
    """The first failure is raised; each further one is told with the archive it is about."""
    world = ready(slow_world, root, back)

    def before(job_id: str, wanted: ByteRange | None) -> None:
        if archive_of(world, job_id) <= MIB + 1:
            raise ServiceError("not this one")

    with pytest.raises(ServiceError):
        world.retrieve("photos", to=back, store=Ordered(world.store, before))
    (trouble,) = [event for event in world.told if isinstance(event, Trouble)]
    assert trouble.path.startswith(b"archive:")


def test_what_is_busy_for_ever_does_not_stop_what_comes(slow_world: World, root: Path, back: Path) -> None:
    """One output is refused again and again until patience ends; the others came meanwhile."""
    world = ready(slow_world, root, back)

    def before(job_id: str, wanted: ByteRange | None) -> None:
        if archive_of(world, job_id) == MIB + 3:
            raise ServiceBusy("later", status=500)

    with pytest.raises(ServiceBusy):
        world.retrieve("photos", to=back, store=Ordered(world.store, before), fetching=Fetching(jobs=1))
    assert len(list((back / "photos").iterdir())) == 3


@pytest.mark.parametrize("error", [CredentialsTrouble("no"), ServiceUnreachable("gone")])
def test_what_stops_all(slow_world: World, root: Path, back: Path, error: ServiceError) -> None:
    """Without credentials, or without a network for good, no other output is tried; nothing is lost by it."""
    world = ready(slow_world, root, back)

    def before(job_id: str, wanted: ByteRange | None) -> None:
        raise error

    store = Ordered(world.store, before)
    with pytest.raises(type(error)):
        world.retrieve("photos", to=back, store=store, fetching=Fetching(jobs=1))
    assert len(set(store.asked)) == 1
    assert threading.active_count() == 1

    assert world.poll().exit is Exit.DONE
    assert differences(root, back / "photos") == []


def test_small_ones_come_beside_big_ones(world: World, root: Path, back: Path) -> None:
    """Two big outputs, whose ends wait for the last of the small ones, do not keep the small ones from coming."""
    for name in ("a-big", "b-big"):
        (root / name).write_bytes(bytes(33 * MIB) + name.encode())
    world.upload(root)
    placed, small = [], threading.Event()

    def before(job_id: str, wanted: ByteRange | None) -> None:
        if wanted is not None and wanted.start > 0:
            assert small.wait(60)

    def tell(event: Event) -> None:
        placed.extend([event.path] if isinstance(event, FilePlaced) and event.path.endswith(b".raw") else [])
        if len(placed) == 4:
            small.set()

    store = Ordered(world.store, before)
    outcome = world.retrieve("photos", to=back, store=store, tell=tell, fetching=Fetching(jobs=2))

    assert outcome.exit is Exit.DONE
    assert differences(root, back / "photos") == []


def test_many_jobs_are_looked_for_in_one_list(slow_world: World, root: Path, back: Path) -> None:
    """How four jobs are is asked in one request, and all of them are brought."""
    world = slow_world
    world.upload(root)
    world.retrieve("photos", to=back)
    world.clock.turn(hours=6)
    world.service.done.clear()

    assert world.poll().exit is Exit.DONE

    assert (world.service.done["ListJobs"], world.service.done["DescribeJob"]) == (1, 0)
    assert differences(root, back / "photos") == []


def test_a_job_that_the_list_lacks_is_asked_for(slow_world: World, root: Path, back: Path) -> None:
    """A job that is not told of in the list is not taken for expired: the service is asked for it alone."""
    world = slow_world
    world.upload(root)
    world.retrieve("photos", to=back)
    world.clock.turn(hours=6)

    class Short(Ordered):
        def list_jobs(self) -> Any:
            return list(self.store.list_jobs())[1:]

    world.retrieve("photos", to=back, store=Short(world.store, lambda job_id, wanted: None))

    assert world.service.done["DescribeJob"] == 1 + 4  # the first pass asked for each of the new ones
    assert differences(root, back / "photos") == []
    with world.catalog.read() as records:
        assert {job.progress for job in records.jobs.all()} == {JobProgress.COLLECTED}


def test_what_came_is_not_asked_for_again_after_a_failure(slow_world: World, root: Path, back: Path) -> None:
    """A big output of which a range failed goes on with that range alone."""
    (root / "big").write_bytes(bytes(70 * MIB) + b"end")
    world = ready(slow_world, root, back)
    failing = ByteRange(32 * MIB, 64 * MIB)

    def before(job_id: str, wanted: ByteRange | None) -> None:
        if wanted == failing:
            raise ServiceError("not yet")

    with pytest.raises(ServiceError):
        world.retrieve("photos", to=back, store=Ordered(world.store, before), fetching=Fetching(jobs=1))
    asked: list[ByteRange | None] = []
    store = Ordered(world.store, lambda job_id, wanted: asked.append(wanted))
    world.retrieve("photos", to=back, store=store, fetching=Fetching(jobs=1))

    assert asked == [failing, ByteRange(64 * MIB, 70 * MIB + 3)]
    assert (back / "photos/big").read_bytes() == (root / "big").read_bytes()
