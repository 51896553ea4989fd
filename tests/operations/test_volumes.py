"""Volumes: how much staging they take, what becomes of streams that break off and of files that change."""

import random
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path

import pytest

from glacierkeep.bundle.place import Target
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.records import ArchiveState
from glacierkeep.errors import DiskTrouble, Exit, GlacierkeepError, NoSuchName
from glacierkeep.events import ArchiveStored, Event, Noted, UploadPlanned, UploadResumed
from glacierkeep.operations.gathering import Gathering
from glacierkeep.operations.selection import select
from glacierkeep.operations.upload import UploadOutcome
from support.sealing import FORMS, SMALL_VOLUMES, unseal
from support.unreliable import Fault, from_on, no_fault, once
from support.world import HOST, World

NOISE = random.Random(9).randbytes(9 * MIB + 11)
VOLUME = SMALL_VOLUMES.volume


class Measure:
    """A listener that looks how full staging is whenever something happens."""

    def __init__(self, staging: Path) -> None:
        self.staging, self.most, self.told = staging, 0, list[Event]()

    def __call__(self, event: Event) -> None:
        self.told.append(event)
        files = [path for path in self.staging.rglob("*") if path.is_file()]
        self.most = max(self.most, sum(path.stat().st_size for path in files))


def pipe(world: World, content: bytes, form: str, **said: object) -> UploadOutcome:
    """gk upload - --as dump."""
    return world.pipe(content, b"dump", sizes=SMALL_VOLUMES, coding=FORMS[form], **said)


def present(world: World) -> int:
    """How many archives the catalog counts on."""
    rows = world.catalog.archive_rows(world.vault.vault_id)
    return sum(archive.state is ArchiveState.PRESENT for archive in rows)


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """A folder with one file of five volumes."""
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "big").write_bytes(NOISE)
    return tmp_path / "root"


@pytest.mark.parametrize("form", ["plain", "compressed", "sealed", "sealed-and-compressed"])
def test_staging_holds_two_volumes_and_a_half_at_most(world: World, big: Path, form: str) -> None:
    """However long a file or stream is, what lies in staging at any moment is at most 2.5 volumes."""
    measure = Measure(world.staging)
    world.upload(big, sizes=SMALL_VOLUMES, coding=FORMS[form], tell=measure)
    pipe(world, NOISE[::-1], form, tell=measure)
    assert len(measure.told) > 10
    assert 0 < measure.most <= 2.5 * VOLUME
    assert [path for path in world.staging.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("form", ["plain", "compressed", "sealed"])
@pytest.mark.parametrize("size", [0, 1, VOLUME - 1, VOLUME, VOLUME + 1, 3 * VOLUME, 3 * VOLUME + 5])
def test_a_stream_of_any_length_comes_back(world: World, tmp_path: Path, form: str, size: int) -> None:
    """A stream comes back whole, be it empty, just a volume, or one byte more."""
    content = NOISE[:size]
    outcome = pipe(world, content, form)
    assert (outcome.exit, outcome.files) == (Exit.DONE, 1)
    world.retrieve("stdin/dump", to=tmp_path / "back", unseal=unseal, wait=True)
    assert (tmp_path / "back" / "stdin" / "dump").read_bytes() == content


def test_a_stream_that_breaks_off_leaves_nothing(world: World) -> None:
    """A stream is all or nothing: when the line breaks in its middle, no name is recorded and no volume stays."""
    world.service.before = once("InitiateMultipartUpload", nth=3)
    with pytest.raises(GlacierkeepError):
        pipe(world, NOISE, "sealed")
    world.service.before = no_fault
    assert present(world) == 0
    with pytest.raises(NoSuchName):
        list(select("stdin/dump", catalog=world.catalog, host=HOST))


def test_any_upload_clears_away_what_a_killed_stream_left(world: World, big: Path) -> None:
    """The portion of a stream whose run was killed does not stay in staging until there is another stream."""
    dead = subprocess.Popen(["/bin/true"])
    dead.wait()
    left = world.staging / "incoming" / f"{dead.pid}-token"
    left.parent.mkdir()
    left.write_bytes(b"portion")
    world.upload(big, sizes=SMALL_VOLUMES, coding=FORMS["plain"])
    assert not left.exists()


def test_a_stream_whose_remains_could_not_be_deleted_is_reported(world: World) -> None:
    """What a killed run left of a stream is told of by the next, and deleted."""
    world.service.after = lambda operation: Killed() if operation == "CompleteMultipartUpload" else None
    with pytest.raises(Killed):
        pipe(world, NOISE, "sealed")
    world.service.after = no_fault
    outcome = pipe(world, NOISE[:5], "sealed")
    assert outcome.exit is Exit.DONE
    world.poll()
    assert present(world) == 1
    assert world.service.done["CompleteMultipartUpload"] >= 1


@pytest.mark.parametrize("form", ["compressed", "sealed"])
def test_a_full_disk_is_no_trouble_with_the_file(world: World, big: Path, form: str) -> None:
    """Where staging cannot hold a volume the run says so, instead of leaving the file out as unreadable."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (VOLUME * 3 // 4, before[1]))
    try:
        with pytest.raises(DiskTrouble, match="a volume cannot be written"):
            world.upload(big, sizes=SMALL_VOLUMES, coding=FORMS[form])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(world.staging.iterdir()) == []


@pytest.mark.parametrize("size", [5, 3 * MIB])
def test_staging_that_is_gone_is_no_trouble_with_the_file(world: World, tmp_path: Path, size: int) -> None:
    """Where nothing can be made in staging the run says so, be it a bundle or a volume that was to be made."""
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "file").write_bytes(NOISE[:size])

    def tell(event: Event) -> None:
        if isinstance(event, UploadPlanned):
            world.staging.rmdir()

    with pytest.raises(DiskTrouble, match="cannot be written"):
        world.upload(tmp_path / "root", sizes=SMALL_VOLUMES, coding=FORMS["sealed"], tell=tell)


class Killed(BaseException):
    """The process is gone: nobody deals with this one."""


def test_a_file_that_changed_between_two_runs_begins_anew(world: World, big: Path, tmp_path: Path) -> None:
    """Volumes of what the file was are let go of, and none of them is mixed with those of what it is."""
    world.service.before = once("InitiateMultipartUpload", nth=3)
    with pytest.raises(GlacierkeepError):
        world.upload(big, sizes=SMALL_VOLUMES, coding=FORMS["sealed"])
    world.service.before = no_fault
    assert present(world) == 2
    (big / "big").write_bytes(NOISE[::-1])
    world.upload(big, sizes=SMALL_VOLUMES, coding=FORMS["sealed"])
    assert present(world) == 6  # five volumes and the folder's bundle
    world.retrieve("root", to=tmp_path / "back", unseal=unseal, wait=True)
    assert (tmp_path / "back" / "root" / "big").read_bytes() == NOISE[::-1]


@pytest.mark.parametrize("operation", ["InitiateMultipartUpload", "CompleteMultipartUpload"])
def test_a_set_with_a_lost_volume_begins_anew(
    world: World, big: Path, tmp_path: Path, operation: str
) -> None:
    """When a volume was lost before the last one was stored, be that one under way or not, the file is sent anew."""
    world.service.after = from_on(operation, nth=5)
    with pytest.raises(GlacierkeepError):
        world.upload(big, sizes=SMALL_VOLUMES, coding=FORMS["sealed"])
    world.service.after = no_fault
    first = next(world.catalog.archive_rows(world.vault.vault_id))
    with world.catalog.write() as records:
        records.archives.mark([first.archive_key], ArchiveState.LOST)
    assert world.upload(big, sizes=SMALL_VOLUMES, coding=FORMS["sealed"]).exit is Exit.DONE
    assert present(world) == 6  # five volumes and the folder's bundle
    world.retrieve("root", to=tmp_path / "back", unseal=unseal, wait=True)
    assert (tmp_path / "back" / "root" / "big").read_bytes() == NOISE


def test_a_stream_of_which_a_volume_is_lost_meanwhile_is_not_archived(world: World) -> None:
    """When a volume is found lost while later ones are sent, the stream fails instead of being said to be archived."""
    stored = 0

    def tell(event: Event) -> None:
        nonlocal stored
        stored += isinstance(event, ArchiveStored)
        if isinstance(event, ArchiveStored) and stored == 2:
            with world.catalog.write() as records:
                first = records.archives.by_archive_id(world.vault.vault_id, event.archive_id)
                records.archives.mark([first.archive_key], ArchiveState.LOST)

    with pytest.raises(GlacierkeepError, match="lost"):
        pipe(world, NOISE, "sealed", tell=tell)
    assert present(world) == 0


def test_a_file_that_is_gone_lets_its_volumes_go(world: World, big: Path) -> None:
    """Volumes of a file that is not there any more are deleted, and that is said."""
    world.service.before = once("InitiateMultipartUpload", nth=3)
    with pytest.raises(GlacierkeepError):
        world.upload(big, sizes=SMALL_VOLUMES, coding=FORMS["sealed"])
    world.service.before = no_fault
    (big / "big").rename(big / "another")
    (big / "another").write_bytes(b"small")
    world.upload(big, sizes=SMALL_VOLUMES, coding=FORMS["sealed"])
    assert present(world) == 1
    assert any(isinstance(event, Noted) and event.code == "volumes-ended" for event in world.told)


def test_a_set_goes_on_with_the_bytes_that_are_there(world: World, big: Path) -> None:
    """A volume that was being sent when the run ended is finished from staging: its parts are not sent again."""
    world.service.before = down_from("UploadMultipartPart", 5)
    with pytest.raises(GlacierkeepError):
        world.upload(big, sizes=SMALL_VOLUMES, coding=FORMS["sealed"], jobs=1)
    world.service.before = no_fault
    world.upload(big, sizes=SMALL_VOLUMES, coding=FORMS["sealed"], jobs=1)
    # Four volumes of 2 MiB and a little, so of three parts, and the last of two.
    assert world.service.done["UploadMultipartPart"] == 4 * 3 + 2
    assert any(isinstance(event, UploadResumed) and event.sent for event in world.told)


def down_from(operation: str, nth: int) -> Fault:
    """The line is down from the *nth* request for *operation* on."""
    seen = 0

    def fault(asked: str) -> Exception | None:
        nonlocal seen
        seen += asked == operation
        return ConnectionResetError("the line is down") if asked == operation and seen >= nth else None

    return fault


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    """No file grows beyond *size* bytes meanwhile."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_target_is_trouble_with_the_disk(world: World, big: Path, tmp_path: Path) -> None:
    """A target without room for a file of volumes is DiskTrouble, also where only closing it finds that out."""
    world.upload(big, sizes=SMALL_VOLUMES, coding=FORMS["compressed"])
    world.service.before = down_from("InitiateJob", 1)
    with pytest.raises(GlacierkeepError):
        world.retrieve("root/big", to=tmp_path / "back")
    (version,) = select("root/big", catalog=world.catalog, host=HOST)
    with world.catalog.read() as records:
        (retrieval,) = records.retrievals.open()
        extents = records.versions.extents(version.version_id, world.vault.vault_id)[:1]
    with Target(bytes(tmp_path / "back")) as target, small_disk(MIB), pytest.raises(DiskTrouble):
        Gathering(retrieval, target, world.catalog).put(version, extents, repeat(b"x" * 1000, 2000))
