"""What is told of unfinished uploads: how far they are, since when they are idle, and what goes on with them."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from glacierkeep.domain.limits import MIB
from glacierkeep.domain.records import UploadState
from glacierkeep.errors import Exit, GlacierkeepError
from glacierkeep.operations.activity import lease
from support.sealing import FORMS, SMALL_VOLUMES
from support.unreliable import from_on
from support.world import HOST, World


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with one file of three parts."""
    root = tmp_path / "photos"
    root.mkdir()
    (root / "big.bin").write_bytes(os.urandom(2 * MIB + 7))
    return root


def test_how_far_it_is(world: World, root: Path) -> None:
    """Bytes of acknowledged parts are counted, and the time of the last one is told."""
    begun = world.clock.now()

    def fault(operation: str) -> Exception | None:
        world.clock.turn(minutes=operation == "UploadMultipartPart")
        return third(operation)

    third = from_on("UploadMultipartPart", nth=3)
    world.service.before = fault
    with pytest.raises(GlacierkeepError):
        world.upload(root / "big.bin", jobs=1)

    [told] = world.uploads()

    assert (told.path, told.source, told.label) == (b"photos/big.bin", bytes(root), "photos")
    assert (told.size, told.acknowledged, told.state) == (2 * MIB + 7, 2 * MIB, UploadState.OPEN)
    assert (told.begun_at, told.idle_since - begun) == (begun, timedelta(minutes=2))
    assert (told.resumable, told.uncertain, told.at_work, told.may_have_expired) == (
        True,
        False,
        False,
        False,
    )


def test_a_day_of_idleness(world: World, root: Path) -> None:
    """After 24 hours without a part the service may have forgotten it; before, it has not."""
    assert (
        world.broken_off(lambda: world.upload(root / "big.bin", jobs=1), "UploadMultipartPart", nth=2)
        is Exit.CHANGED
    )
    idle = world.clock.now() - world.uploads()[0].idle_since
    world.clock.turn(hours=24, microseconds=-1, seconds=-idle.total_seconds())
    assert not world.uploads()[0].may_have_expired
    world.clock.turn(microseconds=1)
    assert world.uploads()[0].may_have_expired


def test_a_lost_answer_is_told_apart(world: World, tmp_path: Path) -> None:
    """An archive of unknown outcome cannot be resumed: it is in doubt."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "small").write_bytes(b"small")
    assert (
        world.broken_off(lambda: world.upload(tmp_path / "photos"), "UploadArchive", arrived=True)
        is Exit.CHANGED
    )
    [told] = world.uploads()
    assert (told.uncertain, told.resumable, told.path, told.label) == (True, False, None, "photos")


def test_what_is_being_sent(world: World, root: Path) -> None:
    """While the root's lease is held, the upload is told to be at work."""
    assert (
        world.broken_off(lambda: world.upload(root / "big.bin", jobs=1), "UploadMultipartPart", nth=2)
        is Exit.CHANGED
    )
    with lease("root photos", catalog=world.catalog, clock=world.clock, host=HOST):
        assert world.uploads()[0].at_work
    assert not world.uploads()[0].at_work


def test_volumes_are_one(world: World, tmp_path: Path) -> None:
    """A file in volumes is told once: what is stored of it, and what was sent of the volume under way."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "big.bin").write_bytes(os.urandom(9 * MIB))
    assert (
        world.broken_off(
            lambda: world.upload(tmp_path / "photos", sizes=SMALL_VOLUMES, coding=FORMS["sealed"], jobs=1),
            "UploadMultipartPart",
            nth=5,
        )
        is Exit.CHANGED
    )
    [told] = world.uploads()
    assert (told.kind, told.path, told.size) == ("volumes", b"photos/big.bin", 9 * MIB)
    assert (told.acknowledged, told.resumable) == (2 * MIB + MIB, True)


def test_standard_input_and_copies_have_no_folder(world: World, root: Path) -> None:
    """Standard input is told by its name, a copy of the records by its kind; neither names a folder."""
    world.upload(root)
    assert (
        world.broken_off(lambda: world.pipe(os.urandom(2 * MIB), b"dump"), "UploadMultipartPart")
        is Exit.CHANGED
    )
    world.broken_off(world.copy_catalog, "UploadArchive", arrived=True)
    piped, copy = world.uploads()
    assert (piped.path, piped.source, piped.resumable) == (b"stdin/dump", None, True)
    assert (copy.kind, copy.source, copy.label, copy.resumable) == ("catalog", None, None, False)
