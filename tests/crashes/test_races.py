"""Two at work on the same things, each step of one between any two steps of the other: neither harms the other."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from crashes.lives import disagreements, unsettled
from glacierkeep.domain.limits import MIB
from glacierkeep.errors import ChangedThenFailed, Exit, NoSuchName
from glacierkeep.events import Event
from glacierkeep.operations.delete import delete
from support.compare import differences
from support.unreliable import no_fault, once
from support.world import HOST, World, a_world


class Interruption:
    """Does something else, once, when what it watches comes to its step number *at*: it asks whether to stop, tells of
    something, or a request goes out or comes back."""

    def __init__(self, world: World, at: int, act: Callable[[], object]) -> None:
        self.world, self.left, self.act = world, at, act
        world.service.before = world.service.after = self._request

    @property
    def came(self) -> bool:
        return self.left <= 0

    def stop(self) -> bool:
        self._step()
        return False

    def tell(self, event: Event) -> None:
        self.world.told.append(event)
        self._step()

    def _request(self, operation: str) -> None:
        self._step()

    def _step(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.act()


def everywhere(
    folder: Path,
    prepare: Callable[[World], object],
    watched: Callable[[World, Interruption], object],
    act: Callable[[World], object],
) -> Iterator[World]:
    """Worlds in which *act* was done in the middle of *watched*: after one step of it, after two, and so on."""
    before, life = folder / "before", folder / "life"
    with a_world(before) as world:
        prepare(world)
    for at in count(1):
        shutil.copytree(before, life)
        with a_world(life) as world:
            interruption = Interruption(world, at, partial(act, world))
            watched(world, interruption)
            if not interruption.came:
                return
            world.service.before = world.service.after = no_fault
            yield world
        shutil.rmtree(life)


def test_a_reference_and_a_deletion(quick_disk: Path) -> None:
    """A file is renamed, and its old name deleted while the new one is recorded: its content never gets lost."""
    root = quick_disk / "photos"
    root.mkdir()
    sent = []

    def prepare(world: World) -> None:
        (root / "a.bin").write_bytes(b"abc" * MIB)
        world.upload(root)
        (root / "a.bin").rename(root / "b.bin")

    def watched(world: World, interruption: Interruption) -> None:
        outcome = world.upload(
            root, jobs=1, accept_losses=True, stop=interruption.stop, tell=interruption.tell
        )
        assert outcome.exit is Exit.DONE
        sent.append(outcome.archives)

    for number, world in enumerate(everywhere(quick_disk, prepare, watched, _delete("photos/a.bin"))):
        outcome = world.retrieve("photos/b.bin", to=quick_disk / "back" / str(number))
        assert (outcome.exit, outcome.placed) == (Exit.DONE, 1)
        assert (quick_disk / "back" / str(number) / "photos/b.bin").read_bytes() == b"abc" * MIB
        assert [*unsettled(world), *disagreements(world)] == []
    assert set(sent) == {0, 1}, "it was referred to, and it was sent again"


def test_a_retrieval_and_a_deletion(quick_disk: Path) -> None:
    """What is deleted while it is being retrieved either comes or fails, is told, and leaves nothing open."""
    root = quick_disk / "photos"
    root.mkdir()
    (root / "a.bin").write_bytes(b"abc" * MIB)
    (root / "b.txt").write_bytes(b"b")

    def watched(world: World, interruption: Interruption) -> None:
        target = quick_disk / "back" / str(interruption.left)
        outcome = world.retrieve("photos", to=target, tell=interruption.tell)
        assert outcome.waiting == 0
        assert outcome.exit in (Exit.DONE, Exit.PARTLY)
        wrong = differences(root, target / "photos")
        assert (outcome.exit is Exit.DONE) == (wrong == []), wrong

    for world in everywhere(quick_disk, lambda world: world.upload(root), watched, _delete("photos/a.bin")):
        with world.catalog.read() as records:
            assert records.retrievals.open() == []
            assert records.jobs.open() == []
        assert list(unsettled(world)) == []


def test_two_polls_of_one_wish_and_its_twin(quick_disk: Path) -> None:
    """Two wishes for the same file in the same folder share a job: two polls bring both to their end, and pay once."""
    root = quick_disk / "photos"
    root.mkdir()
    (root / "a.bin").write_bytes(b"abc" * MIB)
    target = quick_disk / "back"

    def prepare(world: World) -> None:
        world.upload(root)
        for overwrite in (False, True):
            world.service.before = once("InitiateJob")
            with pytest.raises(ChangedThenFailed):
                world.retrieve("photos/a.bin", to=target, overwrite=overwrite)
        shutil.rmtree(target)

    def watched(world: World, interruption: Interruption) -> None:
        outcome = world.poll(tell=interruption.tell)
        assert (outcome.exit, outcome.failed) == (Exit.DONE, 0)

    for world in everywhere(quick_disk, prepare, watched, lambda world: world.poll()):
        world.poll()
        assert (target / "photos/a.bin").read_bytes() == b"abc" * MIB
        assert list(target.iterdir()) == [target / "photos"]
        assert world.service.done["InitiateJob"] == 1
        with world.catalog.read() as records:
            assert records.retrievals.open() == []
            assert [wish.failed for wish in records.retrievals.all()] == [0, 0]
        shutil.rmtree(target)


def _delete(name: str) -> Callable[[World], object]:
    def act(world: World) -> None:
        with contextlib.suppress(NoSuchName):
            delete([name], catalog=world.catalog, store_of=world.store_of, clock=world.clock, host=HOST)

    return act
