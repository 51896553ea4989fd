"""Unfinished uploads are ended: at the service, in the catalog and in staging, and nothing else is."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from crashes.lives import disagreements, lost, unsettled
from glacierkeep.catalog import Catalog
from glacierkeep.domain.description import ArchiveKind, Description, write
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.records import Upload, UploadState
from glacierkeep.errors import ChangedThenFailed, Exit, GlacierkeepError, Locked, NothingToDo
from glacierkeep.events import Noted, Trouble
from glacierkeep.operations.activity import lease
from support.sealing import FORMS, SMALL_VOLUMES
from support.unreliable import once
from support.world import HOST, World

TOKEN = "0123456789abcdefghjkmnpqrs"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of a file of three parts, a smaller one, and two that go as a bundle of two parts."""
    root = tmp_path / "photos"
    (root / "sub").mkdir(parents=True)
    (root / "big.bin").write_bytes(os.urandom(3 * MIB))
    (root / "sub" / "other.bin").write_bytes(os.urandom(2 * MIB))
    (root / "a.txt").write_bytes(b"a" * 700_000)
    (root / "b.txt").write_bytes(b"b" * 900_000)
    return root


def break_off(
    world: World, act: Callable[[], object], operation: str, nth: int = 1, *, arrived: bool = False
) -> list[Upload]:
    """*act* is broken off at its *nth* request for *operation*; what it left."""
    assert world.broken_off(act, operation, nth=nth, arrived=arrived) is not Exit.DONE
    return outstanding(world)


def outstanding(world: World) -> list[Upload]:
    with world.catalog.read() as records:
        return records.uploads.outstanding(uncertain=True)


def opened(world: World) -> list[str]:
    return [each.description for each in world.store.list_uploads()]


def parts_of_a_file(world: World, root: Path) -> list[Upload]:
    return break_off(world, lambda: world.upload(root, jobs=1), "UploadMultipartPart", 2)


def test_an_open_upload(world: World, root: Path) -> None:
    """An upload that has parts is gone from the service and the records, and the next one sends all from the start."""
    parts_of_a_file(world, root)
    assert len(opened(world)) == 1

    outcome = world.abandon()

    assert (outcome.exit, outcome.uploads, outcome.acknowledged) == (Exit.DONE, 1, MIB)
    assert list(unsettled(world)) == []
    assert world.service.done["AbortMultipartUpload"] == 1
    assert world.upload(root).exit is Exit.DONE
    assert [*unsettled(world), *disagreements(world), *lost(world)] == []


def test_it_is_told_first(world: World, root: Path) -> None:
    """A dry run tells of the upload and what was sent of it, and ends nothing."""
    parts_of_a_file(world, root)

    outcome = world.abandon(dry_run=True)

    assert (outcome.dry_run, outcome.uploads, outcome.acknowledged) == (True, 1, MIB)
    [found] = outcome.found
    assert found.acknowledged == MIB
    assert len(opened(world)) == len(outstanding(world)) == 1


def test_again(world: World, root: Path) -> None:
    """With nothing left to end nothing is done, and it is well."""
    parts_of_a_file(world, root)
    world.abandon()
    outcome = world.abandon()
    assert (outcome.exit, outcome.uploads, outcome.archives) == (Exit.DONE, 0, 0)
    assert world.service.done["AbortMultipartUpload"] == 1


@pytest.mark.parametrize("arrived", [True, False])
def test_a_beginning_that_got_no_answer(world: World, root: Path, arrived: bool) -> None:
    """Whether or not the service began it, nothing of it stays."""
    (left,) = break_off(
        world, lambda: world.upload(root / "big.bin"), "InitiateMultipartUpload", arrived=arrived
    )
    assert left.state is UploadState.INTENDED
    assert len(opened(world)) == arrived

    assert world.abandon().uploads == 1

    assert list(unsettled(world)) == []


def test_a_single_request_that_got_no_answer(world: World, tmp_path: Path) -> None:
    """What may be an archive by now is kept in doubt and said; its staged bytes go, and an inventory settles it."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "small.txt").write_bytes(b"small")
    left = break_off(world, lambda: world.upload(tmp_path / "photos"), "UploadArchive", arrived=True)
    with world.catalog.write() as records:
        records.uploads.update(left[0].upload_key, state=UploadState.SENDING)

    assert world.abandon(dry_run=True).in_doubt == 1
    outcome = world.abandon()

    assert (outcome.exit, outcome.uploads, outcome.in_doubt) == (Exit.DONE, 0, 1)
    assert any(isinstance(event, Noted) and event.code == "upload-uncertain" for event in world.told)
    assert [each.state for each in outstanding(world)] == [UploadState.UNCERTAIN]
    assert list(unsettled(world)) == []
    assert world.sync().findings == {"adopted": 1}
    assert outstanding(world) == []


@pytest.mark.parametrize("arrived", [True, False])
def test_a_completion_that_got_no_answer(world: World, root: Path, arrived: bool) -> None:
    """A completion that came about is in doubt until the inventory; one that did not is ended with its upload."""
    break_off(world, lambda: world.upload(root, jobs=1), "CompleteMultipartUpload", arrived=arrived)

    outcome = world.abandon()

    assert (outcome.uploads, outcome.in_doubt) == (0, 1) if arrived else (1, 0)
    assert opened(world) == []
    assert [each.state for each in outstanding(world)] == [UploadState.UNCERTAIN] * arrived
    assert world.upload(root).exit is Exit.DONE
    assert [*unsettled(world), *disagreements(world), *lost(world)] == []


def test_a_bundle(world: World, root: Path) -> None:
    """With the upload of a bundle its staged archive goes, whatever path of the root is named."""
    for name in ("big.bin", "sub/other.bin"):
        (root / name).unlink()
    break_off(world, lambda: world.upload(root, jobs=1), "UploadMultipartPart", 2)
    assert any(world.staging.iterdir())

    assert world.abandon(root / "sub").uploads == 1

    assert list(unsettled(world)) == []


def test_only_what_is_named(world: World, root: Path, tmp_path: Path) -> None:
    """Uploads elsewhere in the root, of other roots and in other vaults stay as they are."""
    left = parts_of_a_file(world, root)
    other = tmp_path / "music"
    other.mkdir()
    (other / "song").write_bytes(os.urandom(2 * MIB))
    break_off(world, lambda: world.upload(other / "song"), "UploadMultipartPart")
    elsewhere = world.another_vault("local:elsewhere")

    named = root / left[0].source.decode()
    aside = root / ("sub" if named.parent == root else "big.bin")
    assert world.abandon(aside).uploads == 0
    assert world.abandon(vault=elsewhere, store=world.store_of(elsewhere)).uploads == 0
    assert len(outstanding(world)) == 2
    assert world.abandon(named).uploads == 1
    assert [each.source for each in outstanding(world)] == [b"song"]
    assert world.abandon(root, other).uploads == 1
    assert list(unsettled(world)) == []


def test_a_folder_that_is_gone(world: World, root: Path) -> None:
    """The upload of a folder that is no longer there can be ended all the same, by its path."""
    parts_of_a_file(world, root)
    shutil.rmtree(root)
    assert world.abandon(root).uploads == 1
    assert list(unsettled(world)) == []


def test_a_path_that_nothing_was_uploaded_from(world: World, root: Path, tmp_path: Path) -> None:
    """A path outside all roots is refused, and nothing is ended."""
    parts_of_a_file(world, root)
    for path in (tmp_path / "nowhere", b"-"):
        with pytest.raises(NothingToDo, match="nothing was ever uploaded"):
            world.abandon(root, path)
    assert len(opened(world)) == 1


def test_volumes(world: World, tmp_path: Path) -> None:
    """Of a file in volumes the upload is ended, and the volumes that were stored are deleted."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "big").write_bytes(os.urandom(9 * MIB))
    said = {"sizes": SMALL_VOLUMES, "coding": FORMS["sealed"], "jobs": 1}
    break_off(world, lambda: world.upload(root / "big", **said), "InitiateMultipartUpload", 3)
    foretold = world.abandon(dry_run=True)
    [listed] = foretold.found
    assert (listed.kind, listed.path, listed.size) == ("volumes", b"root/big", 9 * MIB)

    outcome = world.abandon(root / "big")

    # Two uploads: the volume that was being sent, and the next one, which lay in staging already.
    assert (outcome.uploads, outcome.sets, outcome.archives) == (2, 1, 2)
    assert (foretold.uploads, foretold.sets, foretold.archives) == (2, 1, 2)
    assert world.service.done["DeleteArchive"] == 2
    assert list(unsettled(world)) == []
    assert world.upload(root, **said).exit is Exit.DONE
    assert [*unsettled(world), *disagreements(world)] == []


def test_volumes_that_cannot_be_deleted_now(world: World, tmp_path: Path) -> None:
    """When the service fails midway, it is said that something was changed, and the same call again ends the rest."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "big").write_bytes(os.urandom(9 * MIB))
    said = {"sizes": SMALL_VOLUMES, "coding": FORMS["sealed"], "jobs": 1}
    break_off(world, lambda: world.upload(root / "big", **said), "InitiateMultipartUpload", 3)
    world.service.before = lambda asked: ConnectionResetError() if asked == "DeleteArchive" else None

    with pytest.raises(ChangedThenFailed):
        world.abandon()
    assert world.service.done["DeleteArchive"] == 0
    world.service.before = lambda asked: None

    assert world.abandon().archives == 2
    assert list(unsettled(world)) == []


@pytest.mark.parametrize("size", [MIB // 2, 3 * MIB // 2])
def test_standard_input(world: World, size: int) -> None:
    """What came by standard input is gone from staging as well, be it a bundle or a file of its own."""
    operation = "UploadMultipartPart" if size > MIB else "UploadArchive"
    break_off(world, lambda: world.pipe(os.urandom(size), b"dumps/dump"), operation)
    assert any(path.is_file() for path in world.staging.rglob("*"))

    outcome = world.abandon(b"-")

    assert outcome.uploads == (size > MIB)
    assert list(unsettled(world)) == []


def test_a_stream(world: World) -> None:
    """The volumes of a stream that was broken off hard are deleted."""
    said = {"sizes": SMALL_VOLUMES, "coding": FORMS["plain"], "jobs": 1}

    def fail(asked: str) -> Exception | None:
        broken = asked in ("AbortMultipartUpload", "DeleteArchive") or (
            asked == "InitiateMultipartUpload" and world.service.done[asked] == 2
        )
        return ConnectionResetError() if broken else None

    world.service.before = fail
    with pytest.raises(GlacierkeepError):
        world.pipe(os.urandom(9 * MIB), b"dump", **said)
    world.service.mend()

    outcome = world.abandon(b"-", label="stdin")

    assert outcome.exit is Exit.DONE
    assert world.service.done["DeleteArchive"] == 2
    assert list(unsettled(world)) == []


def test_a_copy_of_the_records(world: World, root: Path) -> None:
    """A copy that was on its way goes with everything else of the vault, and the next one is made anew."""
    world.upload(root)
    world.service.before = once("UploadArchive")
    assert not world.copy_catalog()
    assert [each.kind for each in outstanding(world)] == ["catalog"]

    [copy] = outstanding(world)
    with world.catalog.write() as records:
        records.uploads.update(copy.upload_key, state=UploadState.INTENDED)

    assert world.abandon(root).uploads == 0
    assert world.abandon().uploads == 1

    assert list(unsettled(world)) == []
    assert world.copy_catalog()
    assert [*unsettled(world), *disagreements(world)] == []


def test_what_another_is_sending(world: World, root: Path, tmp_path: Path) -> None:
    """A root whose lease is held is left alone, said, exit 11; the others are ended."""
    parts_of_a_file(world, root)
    other = tmp_path / "music"
    other.mkdir()
    (other / "song").write_bytes(os.urandom(2 * MIB))
    break_off(world, lambda: world.upload(other / "song"), "UploadMultipartPart")

    with lease("root photos", catalog=world.catalog, clock=world.clock, host=HOST):
        outcome = world.abandon()
        assert [each.at_work for each in world.uploads()] == [True]

    assert (outcome.exit, outcome.uploads, outcome.busy) == (Exit.LOCKED, 1, 1)
    assert [each.code for each in world.told if isinstance(each, Trouble)] == [Locked.code]
    assert len(opened(world)) == 1
    assert world.abandon().exit is Exit.DONE
    assert list(unsettled(world)) == []


def begin_at_service(world: World, catalog_id: str, token: str) -> None:
    """An upload that no record tells of."""
    world.store.initiate_upload(
        MIB, write(Description(ArchiveKind.FILE, token, catalog_id, path=b"photos/x"))
    )


def test_what_the_records_do_not_know(world: World) -> None:
    """After a restored backup an upload that bears this catalog's id is ended; those of others stay open."""
    begin_at_service(world, world.catalog.id, TOKEN)
    begin_at_service(world, "zzzzzzzz", TOKEN)
    world.store.initiate_upload(MIB, "another tool's")

    with lease("root photos", catalog=world.catalog, clock=world.clock, host=HOST):
        assert world.abandon().uploads == 0
    foretold = world.abandon(dry_run=True)
    outcome = world.abandon()

    assert [each.path for each in foretold.found] == [b"photos/x"]
    assert (foretold.unrecorded, outcome.unrecorded, outcome.uploads) == (1, 1, 1)
    assert len(opened(world)) == 2
    assert not any(world.catalog.id in each for each in opened(world))


def test_paths_leave_what_the_records_do_not_know(world: World, root: Path) -> None:
    """With a path only what the records tell of it is ended."""
    world.upload(root)
    begin_at_service(world, world.catalog.id, TOKEN)
    assert world.abandon(root).uploads == 0
    assert len(opened(world)) == 1


def test_a_restored_backup(world: World, root: Path, tmp_path: Path) -> None:
    """A catalog that is older than an upload ends it, and the next upload of the folder is whole."""
    world.catalog.close()
    shutil.copy(world.folder / "catalog.db", tmp_path / "backup.db")
    parts_of_a_file(world, root)
    world.catalog.close()
    shutil.copy(tmp_path / "backup.db", world.folder / "catalog.db")
    world.catalog = Catalog.open(world.folder / "catalog.db", clock=world.clock, machine="machine")

    assert world.abandon().unrecorded == 1

    assert opened(world) == []
    assert world.upload(root).exit is Exit.DONE
    assert [*unsettled(world), *disagreements(world), *lost(world)] == []
