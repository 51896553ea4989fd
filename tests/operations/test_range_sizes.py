"""One photo out of a bundle of the usual size: little more than the photo is asked back."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from glacierkeep.domain.filling import DEFAULT_BUNDLE_SIZE, DEFAULT_BUNDLE_THRESHOLD
from glacierkeep.domain.forms import Sizes
from glacierkeep.domain.limits import MIB
from glacierkeep.errors import Exit
from glacierkeep.events import ArchiveStored, JobRequested
from support.sealing import FORMS, unseal
from support.world import a_world

PHOTO = 3_000_000
MORE = {"plain": 2 * MIB, "compressed": 8 * MIB, "sealed-and-compressed": 18 * MIB}
"""Bytes that may be brought beside the photo."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A bundle's worth of photos of one size, the middle one called photo."""
    chance, folder = random.Random(8), tmp_path_factory.mktemp("photos")
    count = DEFAULT_BUNDLE_SIZE // (PHOTO + 4096)
    for number in range(count):
        name = f"{number:03}" if number != count // 2 else f"{number:03}-photo"
        (folder / name).write_bytes(chance.randbytes(PHOTO))
    yield folder
    for each in folder.iterdir():
        each.unlink()


@pytest.mark.parametrize("form", MORE)
def test_one_photo_of_a_bundle(photos: Path, quick_disk: Path, form: str) -> None:
    """What is asked for is the photo and not much more, and the photo comes back from it alone."""
    [photo] = photos.glob("*-photo")
    with a_world(quick_disk / "world") as world:
        sizes = Sizes(bundle=DEFAULT_BUNDLE_SIZE, threshold=DEFAULT_BUNDLE_THRESHOLD)
        world.upload(photos, sizes=sizes, coding=FORMS[form])
        [stored] = [event.size for event in world.told if isinstance(event, ArchiveStored)]
        assert stored > 0.98 * DEFAULT_BUNDLE_SIZE

        back = quick_disk / "back"
        outcome = world.retrieve(f"{photos.name}/{photo.name}", to=back, unseal=unseal, wait=True)

        assert outcome.exit is Exit.DONE
        [asked] = [event.size for event in world.told if isinstance(event, JobRequested)]
        assert asked <= PHOTO + MORE[form]
        assert (back / photos.name / photo.name).read_bytes() == photo.read_bytes()
