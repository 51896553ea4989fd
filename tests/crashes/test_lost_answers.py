"""The service did what it was asked, and its answer never came; or it was never asked. The next run tells which."""

from pathlib import Path

import pytest

from crashes.lives import disagreements, unsettled
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.records import ArchiveState, Upload
from glacierkeep.errors import ChangedThenFailed, Exit, GlacierkeepError
from glacierkeep.operations.delete import delete
from support.unreliable import once
from support.world import HOST, World


@pytest.fixture
def empty(world: World, tmp_path: Path) -> Path:
    """A folder that is archived already, with nothing in it: the vault holds one archive."""
    empty = tmp_path / "photos"
    empty.mkdir()
    world.upload(empty)
    world.service.done.clear()
    return empty


@pytest.fixture
def root(empty: Path) -> Path:
    """That folder, with a new file of two parts in it."""
    (empty / "big.bin").write_bytes(b"0123456789abcdef" * (MIB // 16) + b"more")
    return empty


def uncertain(world: World) -> list[Upload]:
    with world.catalog.read() as records:
        return records.uploads.outstanding(uncertain=True)


def assert_settled(world: World) -> None:
    assert [*unsettled(world), *disagreements(world)] == []


def break_once(world: World, operation: str, *, arrived: bool) -> None:
    """The next *operation* gets no answer, though it *arrived*."""
    setattr(world.service, "after" if arrived else "before", once(operation))


def fail_once(world: World, root: Path, operation: str, *, arrived: bool) -> Exit:
    """How an upload ends that loses the service at its first *operation*."""
    return world.broken_off(lambda: world.upload(root), operation, arrived=arrived)


@pytest.mark.parametrize("arrived", [True, False])
def test_a_lost_beginning_is_looked_for_at_once(world: World, root: Path, arrived: bool) -> None:
    """A beginning whose answer is lost is found by the same run, or made by it: there is never a second upload."""
    break_once(world, "InitiateMultipartUpload", arrived=arrived)

    assert world.upload(root).exit is Exit.DONE

    assert world.service.done["InitiateMultipartUpload"] == 1
    assert list(world.store.list_uploads()) == []
    assert world.sync().archives == 2
    assert_settled(world)


@pytest.mark.parametrize("arrived", [True, False])
@pytest.mark.parametrize(
    "operation", ["InitiateMultipartUpload", "UploadMultipartPart", "CompleteMultipartUpload"]
)
def test_multipart_goes_on(world: World, root: Path, operation: str, arrived: bool) -> None:
    """Whatever answer of a multipart upload is lost, the next run goes on with that upload and makes one archive."""
    assert fail_once(world, root, operation, arrived=arrived) is Exit.CHANGED

    outcome = world.upload(root)

    assert (outcome.exit, outcome.archives) == (Exit.DONE, 1)
    done = world.service.done
    assert done["UploadMultipartPart"] == 2
    assert done["InitiateMultipartUpload"] == 1
    assert world.sync().archives == 2
    assert_settled(world)


def test_a_complete_that_nobody_remembers(world: World, root: Path) -> None:
    """When the service no longer tells what came of Complete, the file is sent again and both archives are known."""
    fail_once(world, root, "CompleteMultipartUpload", arrived=True)
    world.clock.turn(hours=2)

    assert world.upload(root).exit is Exit.DONE
    assert len(uncertain(world)) == 1
    outcome = world.sync()

    assert outcome.findings == {"confirmed": 2, "duplicate": 1}
    assert outcome.exit is Exit.FINDINGS
    assert uncertain(world) == []


def test_a_complete_that_never_came(world: World, root: Path) -> None:
    """An upload that was never completed and has expired is doubted until an inventory would list its archive."""
    fail_once(world, root, "CompleteMultipartUpload", arrived=False)
    world.clock.turn(hours=25)

    assert world.upload(root).exit is Exit.DONE
    assert world.sync().findings == {"confirmed": 2}
    assert len(uncertain(world)) == 1, "an inventory may lag"
    world.clock.turn(days=3)
    world.sync()

    assert uncertain(world) == []
    assert_settled(world)


def test_a_complete_whose_file_changed(world: World, root: Path) -> None:
    """A file that changed after Complete was asked is sent anew, and what may be an archive by now is not forgotten."""
    fail_once(world, root, "CompleteMultipartUpload", arrived=True)
    (root / "big.bin").write_bytes(b"other" * MIB)

    assert world.upload(root).exit is Exit.DONE
    assert len(uncertain(world)) == 1
    outcome = world.sync()

    assert (outcome.findings, outcome.archives) == ({"confirmed": 2, "adopted": 1}, 3)
    assert uncertain(world) == []


@pytest.mark.parametrize("operation", ["InitiateMultipartUpload", "CompleteMultipartUpload"])
def test_an_upload_of_a_changed_file_is_aborted(world: World, root: Path, operation: str) -> None:
    """An upload that is open at the service, and whose file changed meanwhile, is ended there."""
    fail_once(world, root, operation, arrived=operation == "InitiateMultipartUpload")
    (root / "big.bin").write_bytes(b"other" * MIB)

    assert world.upload(root).exit is Exit.DONE

    assert world.service.done["AbortMultipartUpload"] == 1
    assert uncertain(world) == []
    assert_settled(world)


@pytest.mark.parametrize("name", ["one-mib.bin", "small.txt"])
def test_a_single_request_is_doubted(world: World, empty: Path, name: str) -> None:
    """A lost answer to a single request leaves a doubt; the file is sent again, and an inventory settles it."""
    (empty / name).write_bytes(bytes(MIB if name == "one-mib.bin" else 10))
    assert fail_once(world, empty, "UploadArchive", arrived=True) is Exit.CHANGED

    assert world.upload(empty).exit is Exit.DONE
    assert len(uncertain(world)) == 1
    outcome = world.sync()

    assert (outcome.findings, outcome.archives) == ({"confirmed": 2, "duplicate": 1}, 3)
    assert uncertain(world) == []
    assert list(unsettled(world)) == []


def test_a_single_request_that_never_came(world: World, empty: Path) -> None:
    """What was not sent is doubted as well, until an inventory would list it."""
    (empty / "small.txt").write_bytes(b"small")
    fail_once(world, empty, "UploadArchive", arrived=False)

    assert world.upload(empty).exit is Exit.DONE
    world.clock.turn(days=3)

    assert world.sync().findings == {"confirmed": 2}
    assert uncertain(world) == []
    assert_settled(world)


def test_an_inventory_before_the_next_upload(world: World, empty: Path, tmp_path: Path) -> None:
    """A file archive whose answer was lost is taken in by name, and the next upload need not send it again."""
    (empty / "one-mib.bin").write_bytes(bytes(MIB))
    fail_once(world, empty, "UploadArchive", arrived=True)

    assert world.sync().adopted == 1
    outcome = world.upload(empty)

    assert (outcome.exit, outcome.archives) == (Exit.DONE, 0)
    assert world.retrieve("photos/one-mib.bin", to=tmp_path / "back").placed == 1
    assert (tmp_path / "back" / "photos" / "one-mib.bin").read_bytes() == bytes(MIB)
    assert_settled(world)


@pytest.mark.parametrize("arrived", [True, False])
def test_a_retrieval_is_asked_for_once(world: World, root: Path, tmp_path: Path, arrived: bool) -> None:
    """A job whose answer was lost is found by its token, and not paid twice; one never asked for is asked for."""
    world.upload(root)
    world.service.cut("InitiateJob", arrived=arrived)
    with pytest.raises(GlacierkeepError) as caught:
        world.retrieve("photos", to=tmp_path / "back")
    world.service.mend()
    assert caught.value.exit is Exit.CHANGED

    assert world.poll().retrievals_finished == 1

    assert world.service.done["InitiateJob"] == 1
    assert (tmp_path / "back/photos/big.bin").read_bytes() == (root / "big.bin").read_bytes()


def test_an_inventory_is_asked_for_once(world: World, root: Path) -> None:
    """So is an inventory."""
    world.upload(root)
    world.service.after = once("InitiateJob")
    with pytest.raises(GlacierkeepError):
        world.sync()

    assert world.sync().findings == {"confirmed": 2}

    assert world.service.done["InitiateJob"] == 1


def test_an_inventory_that_expired_before_it_came(world: World, root: Path) -> None:
    """An inventory that was ready, and was not fetched before it expired, is asked for again."""
    world.upload(root)
    world.service.cut("GetJobOutput", arrived=False)
    with pytest.raises(GlacierkeepError):
        world.sync()
    world.service.mend()
    world.clock.turn(hours=25)

    assert world.sync().findings == {"confirmed": 2}

    assert world.service.done["InitiateJob"] == 2
    with world.catalog.read() as records:
        assert records.jobs.open() == []


@pytest.mark.parametrize("arrived", [True, False])
def test_a_deletion_is_finished_by_poll(world: World, root: Path, arrived: bool) -> None:
    """An archive whose deletion got no answer is deleted by the next poll; it is no error that it is gone."""
    world.upload(root)
    world.service.cut("DeleteArchive", arrived=arrived)
    with pytest.raises(ChangedThenFailed):
        delete(
            ["photos/big.bin"], catalog=world.catalog, store_of=world.store_of, clock=world.clock, host=HOST
        )
    world.service.mend()
    with world.catalog.read() as records:
        assert len(records.archives.deleting()) == 1

    assert world.poll().deletions == 1

    states = [archive.state for archive in world.catalog.archive_rows(world.vault.vault_id)]
    assert sorted(states) == [ArchiveState.DELETED, ArchiveState.PRESENT]
    assert world.sync().archives == 1


def test_a_download_that_breaks_off(world: World, root: Path, tmp_path: Path) -> None:
    """What was fetched and lost on the way is fetched again by the next pass, from the same job."""
    world.upload(root)
    world.service.after = once("GetJobOutput")
    world.retrieve("photos", to=tmp_path / "back")

    world.poll()

    assert (tmp_path / "back/photos/big.bin").read_bytes() == (root / "big.bin").read_bytes()
    assert world.service.done["InitiateJob"] == 1
