"""Archives in every form: plain, compressed, sealed; bundles and volumes. What was sent comes back as it was."""

import random
from pathlib import Path

import pytest

from glacierkeep.bundle.storing import Coding
from glacierkeep.catalog import Catalog
from glacierkeep.domain.forms import Sizes
from glacierkeep.domain.limits import MIB
from glacierkeep.errors import Exit, GlacierkeepError
from glacierkeep.events import ArchiveStored
from support.compare import differences
from support.oddities import make_odd_files, make_odd_names
from support.sealing import FORMS, SMALL_VOLUMES, unseal
from support.unreliable import Fault, no_fault
from support.world import World


@pytest.fixture(params=FORMS)
def coding(request: pytest.FixtureRequest) -> Coding:
    """Each form in turn."""
    return FORMS[request.param]


def make_files(root: Path) -> None:
    """Small and big ones, of bytes that compress and of bytes that do not."""
    chance = random.Random(4)
    (root / "folder").mkdir(parents=True)
    for number in range(30):
        content = chance.randbytes(40_000) if number % 2 else b"the same line again\n" * 4000
        (root / "folder" / f"{number:02}").write_bytes(content)
    (root / "big.text").write_bytes(b"a line of a big file\n" * 300_000)
    (root / "big.noise").write_bytes(chance.randbytes(5 * MIB + 17))
    (root / "even").write_bytes(chance.randbytes(4 * MIB))
    (root / "empty").touch()
    make_odd_names(root / "odd names")
    make_odd_files(root / "odd files")


def only_one(operation: str) -> Fault:
    """The first request for *operation* is answered; the line is down for all others."""
    seen = 0

    def fault(asked: str) -> Exception | None:
        nonlocal seen
        seen += asked == operation
        return ConnectionResetError("the line is down") if asked == operation and seen > 1 else None

    return fault


def forget(world: World) -> World:
    """The same machine and vault after its catalog was deleted."""
    world.catalog.close()
    world.folder.joinpath("catalog.db").unlink()
    catalog = Catalog.open(world.folder / "catalog.db", clock=world.clock, machine="machine")
    with catalog.write() as records:
        vault = records.vaults.remember("local:photos")
    return World(world.folder, catalog, world.service, world.clock, vault, world.store)


def test_what_was_sent_comes_back(world: World, tmp_path: Path, coding: Coding) -> None:
    """In every form a folder comes back as it was, and a second pass finds nothing to send."""
    root = tmp_path / "root"
    make_files(root)
    first = world.upload(root, sizes=SMALL_VOLUMES, coding=coding)
    assert first.exit is Exit.DONE
    again = world.upload(root, sizes=SMALL_VOLUMES, coding=coding)
    assert (again.files, again.archives) == (0, 0)
    back = world.retrieve("root", to=tmp_path / "back", unseal=unseal, wait=True)
    assert back.exit is Exit.DONE
    assert differences(root, tmp_path / "back" / "root") == []
    assert list(world.staging.iterdir()) == []


def test_a_bundle_of_which_only_the_id_is_known_gives_its_members(
    world: World, tmp_path: Path, coding: Coding
) -> None:
    """After the catalog is lost and the inventory reconciled, an adopted bundle comes back as the files in it."""
    root = tmp_path / "root"
    make_files(root)
    for big in ("big.text", "big.noise", "even"):
        (root / big).unlink()
    (root / "odd files" / "sparse").unlink()
    world.upload(root, sizes=Sizes(bundle=64 * MIB, threshold=2 * MIB), coding=coding)
    again = forget(world)
    again.sync()

    back = again.retrieve("found", to=tmp_path / "back", unseal=unseal, wait=True)

    assert (back.exit, back.failed) == (Exit.DONE, 0)
    assert differences(root, tmp_path / "back" / "root") == []
    again.catalog.close()


def test_volumes_are_sent_once_however_often_the_run_is_broken_off(
    world: World, tmp_path: Path, coding: Coding
) -> None:
    """A big file broken off after each volume goes on with the next one, and comes back as it was."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "big.noise").write_bytes(random.Random(7).randbytes(9 * MIB + 5))
    volumes = 1 if coding is FORMS["plain"] or coding is FORMS["auto"] else 5
    for _ in range(volumes - 1):
        world.service.before = only_one("CompleteMultipartUpload")
        with pytest.raises(GlacierkeepError):
            world.upload(root, sizes=SMALL_VOLUMES, coding=coding)
    world.service.before = no_fault
    world.upload(root, sizes=SMALL_VOLUMES, coding=coding)
    stored = [event for event in world.told if isinstance(event, ArchiveStored)]
    assert len(stored) == volumes + 1  # the root folder itself lies in a small bundle
    assert world.service.done["CompleteMultipartUpload"] == volumes
    back = world.retrieve("root", to=tmp_path / "back", unseal=unseal, wait=True)
    assert back.exit is Exit.DONE
    assert differences(root, tmp_path / "back" / "root") == []
