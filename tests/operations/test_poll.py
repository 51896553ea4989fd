"""gk poll, in the service's hours: what takes days survives days."""

from pathlib import Path

import pytest

from glacierkeep.domain.records import ArchiveState, JobProgress
from glacierkeep.domain.service import Tier
from glacierkeep.errors import ChangedThenFailed, Exit
from glacierkeep.events import FilePlaced, JobRequested, Noted, Trouble
from glacierkeep.operations.activity import lease
from glacierkeep.operations.poll import PollOutcome
from support.unreliable import once
from support.world import HOST, World, a_world


def progress(world: World) -> list[JobProgress]:
    with world.catalog.read() as records:
        return [job.progress for job in reversed(records.jobs.all())]


def test_a_retrieval_takes_its_hours(slow_world: World, folder: Path, back: Path) -> None:
    """Asked for: exit 4, nothing placed. Poll waits in silence, and after five hours places the file, once."""
    world = slow_world
    world.upload(folder)

    asked = world.retrieve("photos/small.txt", to=back)
    early = world.poll()
    placed_early = list(back.rglob("small.txt"))
    world.clock.turn(hours=5)
    late = world.poll()
    after = world.poll()

    assert (asked.waiting, asked.exit) == (1, Exit.WAITING)
    assert (early.retrievals_waiting, early.exit, placed_early) == (1, Exit.DONE, [])
    assert (late.retrievals_finished, late.placed, late.exit) == (1, 1, Exit.DONE)
    assert (back / "photos/small.txt").read_bytes() == b"small"
    assert (back / "photos/small.txt").stat().st_mtime_ns == (folder / "small.txt").stat().st_mtime_ns
    assert after == PollOutcome()
    assert world.service.done["InitiateJob"] == 1


@pytest.mark.parametrize(("tier", "minutes"), [(Tier.EXPEDITED, 5), (Tier.STANDARD, 300), (Tier.BULK, 720)])
def test_each_tier_has_its_time(
    slow_world: World, folder: Path, back: Path, tier: Tier, minutes: int
) -> None:
    """The tier that was asked for is the service's and the job's; it is ready by the end of its usual time."""
    world = slow_world
    world.upload(folder)
    world.retrieve("photos/bigger.raw", to=back, tier=tier)
    (status,) = world.store.list_jobs()
    assert status.tier is tier
    world.clock.turn(minutes=minutes)
    assert world.poll().placed == 1


def test_output_that_expired_is_asked_for_again(slow_world: World, folder: Path, back: Path) -> None:
    """Nobody polled for days: the output is gone, poll asks anew, says so, and the next one places the file."""
    world = slow_world
    world.upload(folder)
    world.retrieve("photos/small.txt", to=back)
    world.clock.turn(days=3)

    late = world.poll()
    world.clock.turn(hours=5)
    done = world.poll()

    assert (late.retrievals_waiting, late.exit) == (1, Exit.DONE)
    assert [each.code for each in world.told if isinstance(each, Noted)] == ["asked-again"]
    assert (done.placed, done.exit) == (1, Exit.DONE)
    assert progress(world) == [JobProgress.EXPIRED, JobProgress.COLLECTED]


def test_after_the_third_expiry_it_is_given_up(slow_world: World, folder: Path, back: Path) -> None:
    """Jobs cost money: the same bytes are not asked for for ever. It ends as a failure that names the file."""
    world = slow_world
    world.upload(folder)
    world.retrieve("photos/small.txt", to=back)
    for _ in range(3):
        world.clock.turn(days=3)
        last = world.poll()

    assert (last.retrievals_finished, last.exit) == (1, Exit.PARTLY)
    assert sum(isinstance(each, JobRequested) for each in world.told) == 3
    (trouble,) = [each for each in world.told if isinstance(each, Trouble)]
    assert trouble.path == b"photos/small.txt"
    assert world.poll() == PollOutcome()


def test_a_reboot_in_between(tmp_path: Path, folder: Path, back: Path) -> None:
    """The wish is in the catalog: another process, hours later, brings the files."""
    with a_world(tmp_path / "w", realistic=True) as world:
        world.upload(folder)
        world.retrieve("photos", to=back)
        clock = world.clock
    clock.turn(hours=5)
    with a_world(tmp_path / "w", realistic=True, clock=clock) as world:
        done = world.poll()
    assert (done.retrievals_finished, done.exit) == (1, Exit.DONE)
    assert (back / "photos/2019/big.raw").read_bytes() == (folder / "2019/big.raw").read_bytes()
    assert (back / "photos/hollow").is_dir()


def test_the_wish_is_written_down_before_the_service_is_asked(
    slow_world: World, folder: Path, back: Path
) -> None:
    """The answer to the request was lost: it is exit 8, the job is found again by its token, and paid once."""
    world = slow_world
    world.upload(folder)
    world.service.after = once("InitiateJob")

    with pytest.raises(ChangedThenFailed, match="asked for jobs"):
        world.retrieve("photos/small.txt", to=back)
    world.clock.turn(hours=5)
    done = world.poll()

    assert (done.placed, done.exit) == (1, Exit.DONE)
    assert world.service.done["InitiateJob"] == 1


def test_two_wishes_for_the_same_bytes_share_a_job(slow_world: World, folder: Path, tmp_path: Path) -> None:
    """What is under way already is not asked for, and paid, a second time; both wishes come true."""
    world = slow_world
    world.upload(folder)
    world.retrieve("photos/small.txt", to=tmp_path / "one")
    world.retrieve("photos/2019/tiny.txt", to=tmp_path / "two")
    world.clock.turn(hours=5)

    done = world.poll()

    assert (done.retrievals_finished, done.placed) == (2, 2)
    assert world.service.done["InitiateJob"] == 1
    assert (tmp_path / "two/photos/2019/tiny.txt").read_bytes() == b"t"


def test_one_that_fails_does_not_stop_the_others(slow_world: World, folder: Path, tmp_path: Path) -> None:
    """A target that cannot be written is told of; the other retrieval is finished in the same pass."""
    world = slow_world
    world.upload(folder)
    world.retrieve("photos/small.txt", to=tmp_path / "gone")
    world.retrieve("photos/bigger.raw", to=tmp_path / "good")
    tmp_path.joinpath("gone").rename(tmp_path / "moved")
    tmp_path.joinpath("gone").write_text("a file where the folder was")
    world.clock.turn(hours=5)

    done = world.poll()

    assert (done.failed, done.retrievals_finished) == (1, 1)
    assert done.exit is Exit.FAILED
    assert (tmp_path / "good/photos/bigger.raw").stat().st_size == 3 << 20


def test_another_gk_at_work_is_left_alone(slow_world: World, folder: Path, back: Path) -> None:
    """A retrieval that another process is at is skipped in silence: exit 0."""
    world = slow_world
    world.upload(folder)
    world.retrieve("photos/small.txt", to=back)
    world.clock.turn(hours=5)
    with world.catalog.read() as records:
        (retrieval,) = records.retrievals.open()
    activity = f"retrieval {retrieval.retrieval_id}"

    with lease(activity, catalog=world.catalog, clock=world.clock, host="elsewhere"):
        skipped = world.poll()

    assert (skipped.exit, skipped.placed) == (Exit.DONE, 0)
    assert world.poll().placed == 1


def test_poll_runs_beside_an_upload(world: World, folder: Path, back: Path) -> None:
    """While a root is being uploaded, what is ready is collected all the same."""
    world.upload(folder)
    with lease("root photos", catalog=world.catalog, clock=world.clock, host=HOST):
        assert world.retrieve("photos/small.txt", to=back).placed == 1
        assert world.poll().exit is Exit.DONE


def test_only_the_named_vault(slow_world: World, folder: Path, tmp_path: Path) -> None:
    """-V limits a pass to one vault; the other one's jobs wait."""
    world = slow_world
    other = world.another_vault("local:other")
    world.upload(folder)
    world.upload(folder, vault=other, store=world.store_of(other))
    world.retrieve("photos/small.txt", to=tmp_path / "one")
    world.retrieve("photos/small.txt", to=tmp_path / "two", vault=other, store=world.store_of(other))
    world.clock.turn(hours=5)

    assert world.poll(vault=other).placed == 1
    assert not (tmp_path / "one/photos/small.txt").exists()
    assert world.poll().placed == 1


def test_deletions_are_finished(world: World, folder: Path) -> None:
    """A deletion that was begun and not done is gone on with: each archive is deleted, each written down."""
    world.upload(folder)
    with world.catalog.write() as records:
        root = records.roots.by_label("photos")
        assert root is not None
        versions = [each.version_id for each in world.catalog.versions_below(root, b"")]
    with world.catalog.write() as records:
        keys = records.archives.holding(versions)
        records.versions.retire(versions, world.clock.now())
        assert len(records.archives.begin_deletion(sorted(keys))) == 3

    done = world.poll()

    states = {each.state for each in world.catalog.archive_rows(world.vault.vault_id)}
    assert (done.deletions, done.exit) == (3, Exit.DONE)
    assert states == {ArchiveState.DELETED}
    assert world.service.done["DeleteArchive"] == 3
    assert world.poll() == PollOutcome()


def test_what_was_placed_is_told_as_it_is_placed(slow_world: World, folder: Path, back: Path) -> None:
    """Each file is one event, under its name as archived."""
    world = slow_world
    world.upload(folder)
    world.retrieve("photos", to=back)
    world.clock.turn(hours=5)
    world.poll()
    placed = [each.path for each in world.told if isinstance(each, FilePlaced)]
    assert len(placed) == len(set(placed))
    assert {b"photos/small.txt", b"photos/2019/big.raw", b"photos/link", b"photos/empty"} <= set(placed)
