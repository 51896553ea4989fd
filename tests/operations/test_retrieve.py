"""gk retrieve, as an operation."""

from datetime import timedelta
from pathlib import Path

import pytest

from glacierkeep.domain.limits import MIB
from glacierkeep.domain.records import Vault
from glacierkeep.errors import Exit, NoSuchName, NothingToDo, Stopped
from glacierkeep.events import BytesReceived, FileKept, JobRequested
from glacierkeep.operations.selection import Moment
from support.compare import differences
from support.world import World


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Twelve members of 100 kB, and a big file."""
    root = tmp_path / "root"
    root.mkdir()
    for number in range(12):
        (root / f"m{number:02}").write_bytes(b"%05d" % number * 20_000)
    (root / "big").write_bytes(bytes(range(256)) * (3 * MIB // 256) + b"end")
    return root


def _jobs(world: World) -> list[int]:
    return [event.size for event in world.told if isinstance(event, JobRequested)]


def test_what_differs_is_left_alone_unless_told(world: World, root: Path, tmp_path: Path) -> None:
    """A file of the same name and another content is kept, named, and exit 3; with overwrite it is replaced."""
    world.upload(root)
    there = tmp_path / "back" / "root" / "m03"
    there.parent.mkdir(parents=True)
    there.write_bytes(b"mine")

    kept = world.retrieve("root", to=tmp_path / "back")
    after = there.read_bytes()
    replaced = world.retrieve("root/m03", to=tmp_path / "back", overwrite=True)

    assert (kept.exit, kept.different, after) == (Exit.PARTLY, 1, b"mine")
    assert FileKept(b"root/m03", same=False) in world.told
    assert (replaced.exit, replaced.placed) == (Exit.DONE, 1)
    assert there.read_bytes() == (root / "m03").read_bytes()


def test_what_is_there_already_is_not_asked_for(world: World, root: Path, tmp_path: Path) -> None:
    """A second retrieval into the same folder finds everything in place, asks for nothing and spends nothing."""
    world.upload(root)
    world.retrieve("root", to=tmp_path / "back")
    world.told.clear()

    again = world.retrieve("root", to=tmp_path / "back")

    assert (again.exit, again.placed, again.failed) == (Exit.DONE, 0, 0)
    assert _jobs(world) == []


def test_one_member_is_a_range(world: World, root: Path, tmp_path: Path) -> None:
    """For one member of a bundle a MiB-aligned range is asked for, not the bundle."""
    world.upload(root)

    outcome = world.retrieve("root/m11", to=tmp_path / "back")

    assert (outcome.exit, outcome.placed) == (Exit.DONE, 1)
    [size] = _jobs(world)
    assert size < MIB
    assert (tmp_path / "back/root/m11").read_bytes() == (root / "m11").read_bytes()


def test_an_older_version_by_its_day(world: World, root: Path, tmp_path: Path) -> None:
    """With a moment, each file comes as it was then; what came later does not come."""
    world.upload(root)
    before, day = (root / "m00").read_bytes(), world.clock.now()
    world.clock.turn(days=2)
    (root / "m00").write_bytes(b"changed")
    (root / "new").write_bytes(b"new")
    world.upload(root)

    then = world.retrieve("root", to=tmp_path / "then", moment=Moment(at=day + timedelta(days=1)))
    now = world.retrieve("root", to=tmp_path / "now")

    assert (then.exit, now.exit) == (Exit.DONE, Exit.DONE)
    assert (tmp_path / "then/root/m00").read_bytes() == before
    assert not (tmp_path / "then/root/new").exists()
    assert differences(root, tmp_path / "now/root") == []


def test_what_is_gone_comes_back_if_asked(world: World, root: Path, tmp_path: Path) -> None:
    """A folder comes as it last was; with *deleted* the files that are gone from disk come too."""
    world.upload(root)
    (root / "m05").unlink()
    assert world.upload(root).gone == 1

    without = world.retrieve("root", to=tmp_path / "without")
    deleted = world.retrieve("root", to=tmp_path / "deleted", moment=Moment(deleted=True))

    assert (without.exit, deleted.exit) == (Exit.DONE, Exit.DONE)
    assert differences(root, tmp_path / "without/root") == []
    assert (tmp_path / "deleted/root/m05").read_bytes() == b"00005" * 20_000


def test_hours_later_poll_brings_it(slow_world: World, root: Path, tmp_path: Path) -> None:
    """A job takes hours: nothing is waited for, nothing half-placed, and poll brings all once it is ready."""
    slow_world.upload(root)

    asked = slow_world.retrieve("root", to=tmp_path / "back")
    too_early = slow_world.poll()
    slow_world.clock.turn(hours=6)
    ready = slow_world.poll()

    assert (asked.exit, asked.waiting > 0, too_early.exit) == (Exit.WAITING, True, Exit.DONE)
    assert ready.exit is Exit.DONE
    assert differences(root, tmp_path / "back/root") == []


def test_with_wait_it_is_waited_for(slow_world: World, root: Path, tmp_path: Path) -> None:
    """Told to wait, the retrieval comes back hours later by the clock, with everything in its place."""
    slow_world.upload(root)
    before = slow_world.clock.now()

    outcome = slow_world.retrieve("root", to=tmp_path / "back", wait=True)

    assert (outcome.exit, outcome.waiting) == (Exit.DONE, 0)
    assert slow_world.clock.now() - before > timedelta(hours=2)
    assert differences(root, tmp_path / "back/root") == []


def test_output_that_expired_is_asked_for_again(slow_world: World, root: Path, tmp_path: Path) -> None:
    """If nobody collects what was ready for days, it is asked for once more and comes."""
    slow_world.upload(root)
    slow_world.retrieve("root", to=tmp_path / "back")
    slow_world.clock.turn(days=3)
    slow_world.poll()
    slow_world.clock.turn(hours=6)

    outcome = slow_world.poll()

    assert outcome.exit is Exit.DONE
    assert differences(root, tmp_path / "back/root") == []


def test_a_download_broken_off_goes_on_where_it_was(world: World, root: Path, tmp_path: Path) -> None:
    """Stopped in the middle of a download, the next pass takes what is there and finishes."""
    (root / "big").write_bytes(b"0123456789abcdef" * (24 * MIB // 16))
    world.upload(root)
    told = world.told

    def stop() -> bool:
        return any(isinstance(event, BytesReceived) and event.received > MIB for event in told)

    with pytest.raises(Stopped):
        world.retrieve("root/big", to=tmp_path / "back", stop=stop)
    assert not (tmp_path / "back/root/big").exists()
    told.clear()

    assert world.poll().exit is Exit.DONE

    first = next(event for event in told if isinstance(event, BytesReceived))
    assert first.received > MIB
    assert (tmp_path / "back/root/big").read_bytes() == (root / "big").read_bytes()


def test_a_name_that_is_not_there(world: World, root: Path, tmp_path: Path) -> None:
    """An unknown name is refused before anything is asked for or created."""
    world.upload(root)

    with pytest.raises(NoSuchName):
        world.retrieve("root/m00", "root/nothing", to=tmp_path / "back")

    assert _jobs(world) == []
    assert not (tmp_path / "back").exists()


def test_a_vault_that_does_not_hold_it(world: World, root: Path, tmp_path: Path) -> None:
    """Files that lie in another vault are refused with the hint where to look."""
    world.upload(root)
    other: Vault = world.another_vault("local:other")

    with pytest.raises(NothingToDo) as refused:
        world.retrieve("root/big", to=tmp_path / "back", vault=other, store=world.store_of(other))

    assert "gk show" in str(refused.value.hint)
