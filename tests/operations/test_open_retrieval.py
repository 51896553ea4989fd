"""A retrieval that is under way: taken up again, or given up."""

from pathlib import Path

import pytest

from glacierkeep.errors import DiskTrouble, Exit, NothingToDo
from glacierkeep.events import JobRequested
from glacierkeep.operations.retrieve import cancel
from support.world import World


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a picture in it."""
    root = tmp_path / "photos"
    root.mkdir()
    (root / "a.jpg").write_bytes(b"a picture")
    return root


def test_the_same_wish_again_goes_on(slow_world: World, root: Path, tmp_path: Path) -> None:
    """The same names into the same folder are one retrieval, asked for once, and finished as one."""
    slow_world.upload(root)
    first = slow_world.retrieve("photos", to=tmp_path / "back")
    slow_world.clock.turn(hours=5)

    second = slow_world.retrieve("photos", to=tmp_path / "back")

    assert (first.retrieval_id, first.exit) == (second.retrieval_id, Exit.WAITING)
    assert (second.waiting, second.exit) == (0, Exit.DONE)
    assert len([event for event in slow_world.told if isinstance(event, JobRequested)]) == 1
    assert (tmp_path / "back" / "photos").stat().st_mode == root.stat().st_mode


def test_another_wish_is_another_retrieval(slow_world: World, root: Path, tmp_path: Path) -> None:
    """Other names, or another folder, are not taken for the same."""
    slow_world.upload(root)

    wishes = [
        slow_world.retrieve("photos", to=tmp_path / "back"),
        slow_world.retrieve("photos", to=tmp_path / "elsewhere"),
        slow_world.retrieve("photos/a.jpg", to=tmp_path / "back"),
    ]

    assert len({wish.retrieval_id for wish in wishes}) == 3


def test_what_is_given_up_is_not_collected(slow_world: World, root: Path, tmp_path: Path) -> None:
    """A cancelled retrieval is moved on by nobody, and cannot be cancelled twice."""
    slow_world.upload(root)
    wish = slow_world.retrieve("photos/a.jpg", to=tmp_path / "back")

    cancel(wish.retrieval_id, catalog=slow_world.catalog)
    slow_world.clock.turn(hours=5)

    assert slow_world.poll().retrievals_finished == 0
    assert not (tmp_path / "back" / "photos" / "a.jpg").exists()
    with pytest.raises(NothingToDo):
        cancel(wish.retrieval_id, catalog=slow_world.catalog)


def test_a_target_that_cannot_be_used_is_no_wish(world: World, root: Path) -> None:
    """A file where the folder should be is said at once, and leaves nothing for gk poll to trip over."""
    world.upload(root)

    with pytest.raises(DiskTrouble):
        world.retrieve("photos", to=root / "a.jpg")

    assert world.poll().exit is Exit.DONE
