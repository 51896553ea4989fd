"""Between a broken run and the next one the world goes on: files change, time passes, staging is damaged."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from crashes.lives import disagreements, lost, unsettled
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.records import Root, Upload
from glacierkeep.errors import ChangedThenFailed, Exit, GlacierkeepError, Stopped
from glacierkeep.events import BytesReceived
from glacierkeep.stores.store import Body
from glacierkeep.transfer.parts import part_body
from support.unreliable import once
from support.world import World


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of two files that go as one bundle of two parts."""
    root = tmp_path / "photos"
    root.mkdir()
    (root / "a.txt").write_bytes(b"a" * 700_000)
    (root / "b.txt").write_bytes(b"b" * 900_000)
    return root


def outstanding(world: World) -> list[Upload]:
    with world.catalog.read() as records:
        return records.uploads.outstanding(uncertain=True)


def break_off(world: World, root: Path, operation: str = "UploadMultipartPart", nth: int = 2) -> Upload:
    """An upload that ends before its *nth* request for *operation*, and what it left."""
    world.service.cut(operation, nth=nth)
    with pytest.raises(ChangedThenFailed):
        world.upload(root, jobs=1)
    world.service.mend()
    [upload] = outstanding(world)
    return upload


def assert_all_well(world: World) -> None:
    assert [*unsettled(world), *disagreements(world), *lost(world)] == []


def test_an_upload_that_the_service_forgot(world: World, root: Path) -> None:
    """After a day without a part the upload is gone: it begins anew, whole, from the same staged bundle."""
    before = break_off(world, root)
    staged = (world.staging / before.source.decode()).read_bytes()
    world.clock.turn(hours=25)

    outcome = world.upload(root)

    assert (outcome.exit, outcome.archives) == (Exit.DONE, 1)
    [archive] = world.catalog.archive_rows(world.vault.vault_id)
    assert (archive.token, archive.size) == (before.token, len(staged))
    assert world.service.done["InitiateMultipartUpload"] == 2
    assert world.service.done["UploadMultipartPart"] == 1 + 2
    assert_all_well(world)


def test_a_second_beginning_that_gets_no_answer(world: World, root: Path) -> None:
    """An upload begun anew whose beginning is lost as well is found by its token: no upload stays open."""
    break_off(world, root)
    world.clock.turn(hours=25)
    world.service.after = once("InitiateMultipartUpload")

    assert world.upload(root).exit is Exit.DONE

    assert world.service.done["InitiateMultipartUpload"] == 2
    assert_all_well(world)


def test_a_member_that_changed(world: World, root: Path) -> None:
    """A staged bundle goes on as it is; what changed since is sent after it, and both versions are kept."""
    break_off(world, root)
    (root / "a.txt").write_bytes(b"new")

    outcome = world.upload(root)

    assert (outcome.exit, outcome.archives, outcome.same_content) == (Exit.DONE, 2, 0)
    stored = list(world.catalog.versions_below(_root(world), b"a.txt", history=True))
    assert [version.size for version in stored] == [700_000, 3]
    assert_all_well(world)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: os.truncate(path, path.stat().st_size - 512),
        lambda path: os.truncate(path, 0),
        lambda path: path.write_bytes(path.read_bytes() + bytes(512)),
        lambda path: path.write_bytes(bytes(path.stat().st_size)),
    ],
    ids=["missing", "truncated", "empty", "longer", "overwritten"],
)
def test_a_damaged_bundle(world: World, root: Path, damage: Callable[[Path], None]) -> None:
    """A staged bundle that is not what it was is never sent: its upload is aborted, and a new one made."""
    before = break_off(world, root)
    damage(world.staging / before.source.decode())

    outcome = world.upload(root)

    assert (outcome.exit, outcome.archives) == (Exit.DONE, 1)
    assert world.service.done["AbortMultipartUpload"] == 1
    [archive] = world.catalog.archive_rows(world.vault.vault_id)
    assert archive.token != before.token
    assert_all_well(world)


def test_a_part_that_was_damaged_on_the_way(world: World, root: Path) -> None:
    """What the service has is believed only where its tree hash agrees: another part is sent again."""
    before = break_off(world, root)
    wrong = part_body(bytes(MIB))
    assert before.upload_id is not None
    world.store.upload_part(
        before.upload_id, 0, Body(wrong.content, wrong.length, wrong.sha256, wrong.tree_hash)
    )

    assert world.upload(root).exit is Exit.DONE
    assert_all_well(world)


def test_staging_keeps_what_is_needed(world: World, root: Path, tmp_path: Path) -> None:
    """An upload of another root clears staging of what nothing needs, and of nothing else."""
    before = break_off(world, root)
    litter = world.staging / ("0" * 26 + ".archive")
    litter.touch()
    strange = world.staging / "notes.txt"
    strange.touch()
    other = tmp_path / "music"
    other.mkdir()

    world.upload(other)

    left = {path.name for path in world.staging.iterdir()}
    assert left == {before.source.decode(), "notes.txt"}


def test_a_wish_made_twice_is_paid_once(world: World, root: Path, tmp_path: Path) -> None:
    """The same retrieval, said again after a kill, takes the first one up, and leaves nothing to do or to pay."""
    world.upload(root)
    world.service.after = once("InitiateJob")
    with pytest.raises(GlacierkeepError):
        world.retrieve("photos", to=tmp_path / "back")
    world.retrieve("photos", to=tmp_path / "back")
    world.clock.turn(days=2)

    outcome = world.poll()

    assert (outcome.exit, outcome.retrievals_finished) == (Exit.DONE, 0)
    assert world.service.done["InitiateJob"] == 1


def test_a_placed_file_belongs_to_its_owner(world: World, root: Path, tmp_path: Path) -> None:
    """Killed right after a file got its name, the next pass does not write into what the owner made of it."""
    (root / "big.bin").write_bytes(b"big" * MIB)
    world.upload(root)
    back = tmp_path / "back"
    _stop_after(world, back, 3 * MIB, "photos/big.bin")
    [partial] = (back / ".glacierkeep-partial").glob("part-*")
    final = back / "photos" / "big.bin"
    final.parent.mkdir(exist_ok=True)
    os.link(partial, final)
    with final.open("ab") as file:
        file.write(b"a line of the owner's")
    owned = final.read_bytes()

    outcome = world.poll()

    assert final.read_bytes() == owned
    assert outcome.retrievals_finished == 1
    assert list(back.iterdir()) == [back / "photos"]


def test_a_download_goes_on_after_its_output_expired(world: World, root: Path, tmp_path: Path) -> None:
    """What was fetched of an output that expired is kept: the rest comes from the job that is asked for then."""
    (root / "big.bin").write_bytes(os.urandom(6 * MIB))
    world.upload(root)
    back = tmp_path / "back"
    _stop_after(world, back, 4 * MIB, "photos/big.bin")
    world.clock.turn(hours=25)
    world.told.clear()

    assert world.poll().retrievals_finished == 1

    first = next(event for event in world.told if isinstance(event, BytesReceived))
    assert first.received >= 4 * MIB
    assert (back / "photos/big.bin").read_bytes() == (root / "big.bin").read_bytes()
    assert list(back.iterdir()) == [back / "photos"]
    assert world.service.done["InitiateJob"] == 2


def test_standard_input_leaves_no_copy(world: World) -> None:
    """What a broken upload of standard input left in staging goes with the next one, whatever its name."""
    world.service.before = once("UploadArchive")
    assert world.pipe(bytes(100), b"first").exit is Exit.CHANGED
    assert list(unsettled(world)) != []
    world.service.cut("UploadMultipartPart")
    with pytest.raises(GlacierkeepError):
        world.pipe(bytes(2 * MIB), b"second")
    world.service.mend()
    assert list(unsettled(world)) != []

    assert world.pipe(b"third", b"third").exit is Exit.DONE

    assert list(unsettled(world)) == []


def _root(world: World) -> Root:
    with world.catalog.read() as records:
        root = records.roots.by_label("photos")
    assert root is not None
    return root


def _stop_after(world: World, back: Path, size: int, name: str) -> None:
    """Retrieve the file *name*, and stop when *size* bytes have come."""

    def stop() -> bool:
        return any(isinstance(event, BytesReceived) and event.received >= size for event in world.told)

    with contextlib.suppress(Stopped):
        world.retrieve(name, to=back, stop=stop)
