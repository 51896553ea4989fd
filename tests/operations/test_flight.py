"""Several archives on their way at once."""

import os
import signal
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from glacierkeep.domain.limits import MIB
from glacierkeep.errors import BytesMismatch, ChangedThenFailed, DiskTrouble, Exit, ServiceError
from glacierkeep.events import ArchiveStored, BytesLeaving, Event, FolderScanned, Noted, Trouble
from glacierkeep.operations.flight import MOST_STAGED, Flight
from glacierkeep.transfer.crew import Crew
from support.unreliable import down_from, no_fault, once
from support.world import SMALL, World

SIX = 6


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """A folder of six files that are archives of their own, of two parts each."""
    films = tmp_path / "films"
    films.mkdir()
    for number in range(SIX):
        (films / f"{number}.bin").write_bytes(bytes([number]) * (MIB + 7))
    return films


def recorded(world: World) -> set[str]:
    with world.catalog.read() as records:
        root = records.roots.by_label("films")
    assert root is not None
    return {version.path.decode() for version in world.catalog.versions_below(root, b"") if version.size}


def troubles(world: World) -> list[Trouble]:
    return [event for event in world.told if isinstance(event, Trouble)]


def test_archives_go_side_by_side(world: World, films: Path) -> None:
    """As many archives as there are jobs are begun before the first of them is complete."""
    meeting = threading.Barrier(3, timeout=30)

    def meet(operation: str) -> None:
        if operation == "CompleteMultipartUpload":
            meeting.wait()

    world.service.before = meet
    outcome = world.upload(films, jobs=3)
    assert (outcome.exit, outcome.files) == (Exit.DONE, SIX)
    assert recorded(world) == {f"films/{number}.bin" for number in range(SIX)}


def test_one_that_fails_does_not_stop_the_others(world: World, films: Path) -> None:
    """An archive that the service refuses is told of, with exit code 8; the others arrive, and it with the next run."""
    world.service.before = _refuse_once("CompleteMultipartUpload")
    outcome = world.upload(films, jobs=2)
    world.service.before = no_fault
    assert (outcome.exit, outcome.files, outcome.problems) == (Exit.CHANGED, SIX - 1, 1)
    [trouble] = troubles(world)
    assert trouble.path.startswith(b"films/")
    assert len(recorded(world)) == SIX - 1

    outcome = world.upload(films)
    assert (outcome.exit, outcome.finished) == (Exit.DONE, 1)
    assert len(recorded(world)) == SIX
    assert world.sync().archives == SIX + 1  # and the folder's bundle


def test_three_that_fail_in_a_row_stop_the_run(world: World, films: Path) -> None:
    """When archive after archive is refused, the rest is not tried."""
    world.service.before = lambda operation: (
        ServiceError("refused") if operation == "InitiateMultipartUpload" else None
    )
    with pytest.raises(ServiceError, match="refused"):
        world.upload(films, jobs=1)
    assert len(troubles(world)) == 2


def test_a_line_that_is_down_stops_the_run(world: World, films: Path) -> None:
    """What fails for one archive because nothing answers fails for all: the run ends, and the next one goes on."""
    world.service.before = down_from("UploadMultipartPart", 4)
    with pytest.raises(ChangedThenFailed):
        world.upload(films, jobs=2)
    world.service.before = no_fault
    assert world.upload(films).exit is Exit.DONE
    assert len(recorded(world)) == SIX
    assert world.service.done["UploadMultipartPart"] <= 2 * SIX + 3
    assert world.sync().archives == SIX + 1


def test_an_upload_that_is_forgotten_meanwhile_begins_anew(world: World, films: Path) -> None:
    """When the service forgets an upload while it is being sent, the run begins it anew."""

    def turn(operation: str) -> None:
        if operation == "UploadMultipartPart" and not turned:
            turned.append(world.clock.turn(hours=25))

    turned: list[None] = []
    world.service.before = turn
    for path in films.iterdir():
        if path.name != "0.bin":
            path.unlink()
    assert world.upload(films, jobs=1).exit is Exit.DONE
    assert any(isinstance(event, Noted) and event.code == "upload-expired" for event in world.told)
    assert recorded(world) == {"films/0.bin"}


def test_a_hard_link_waits_for_its_first_name(world: World, films: Path, tmp_path: Path) -> None:
    """A hard link to a file that is still on its way is recorded with that file's content."""
    os.link(films / "5.bin", films / "link.bin")
    slow = threading.Event()

    def delay(operation: str) -> None:
        if operation == "CompleteMultipartUpload":
            slow.wait(0.05)

    world.service.before = delay
    assert world.upload(films, jobs=8).exit is Exit.DONE
    world.retrieve("films", to=tmp_path / "back", wait=True)
    back = tmp_path / "back" / "films"
    assert (back / "link.bin").samefile(back / "5.bin")
    assert (back / "link.bin").read_bytes() == (films / "5.bin").read_bytes()


def test_a_hard_link_whose_first_name_fails_brings_the_content(world: World, films: Path) -> None:
    """When the first name's archive fails, the link is archived with the content of its own."""
    os.link(films / "5.bin", films / "link.bin")

    def refuse(operation: str) -> Exception | None:
        return ServiceError("refused") if operation == "CompleteMultipartUpload" and not refused() else None

    def refused() -> bool:
        stored = sum(isinstance(event, ArchiveStored) for event in world.told)
        return stored != 5 or bool(troubles(world))

    world.service.before = refuse
    outcome = world.upload(films, jobs=1)
    assert outcome.exit is Exit.CHANGED
    assert "films/link.bin" in recorded(world)
    assert "films/5.bin" not in recorded(world)


def test_a_file_that_changes_on_its_way_is_sent_again(world: World, films: Path, tmp_path: Path) -> None:
    """A file that changes while it is sent is sent once more, as it is then; others are not touched by that."""
    (films / "0.bin").write_bytes(b"old" * 3 * MIB)  # longer than what is read ahead
    changed: list[int] = []

    def change(operation: str) -> None:
        if operation == "UploadMultipartPart" and not changed:
            changed.append((films / "0.bin").write_bytes(b"new" * MIB))

    world.service.before = change
    outcome = world.upload(films, jobs=1)
    assert (outcome.exit, outcome.files) == (Exit.DONE, SIX)
    assert world.service.done["AbortMultipartUpload"] == 1
    world.retrieve("films/0.bin", to=tmp_path / "back", wait=True)
    assert (tmp_path / "back/films/0.bin").read_bytes() == b"new" * MIB


def test_staging_never_holds_more_than_a_few_bundles(world: World, tmp_path: Path) -> None:
    """However slow the line is, no more bundles are made than can be on their way, and one."""
    root, most = tmp_path / "films", 0
    root.mkdir()
    for number in range(12):
        (root / f"{number}.bin").write_bytes(os.urandom(900_000))

    def count(operation: str) -> None:
        nonlocal most
        most = max(most, sum(path.name.endswith(".archive") for path in world.staging.iterdir()))

    world.service.before = count
    assert world.upload(root, jobs=8).exit is Exit.DONE
    assert world.service.done["CompleteMultipartUpload"] >= 5
    assert 1 < most <= MOST_STAGED + 1


def test_a_single_request_that_is_in_doubt_does_not_stop_the_others(world: World, tmp_path: Path) -> None:
    """The archive whose only answer was lost is told of; what comes after it is sent."""
    root = tmp_path / "films"
    (root / "a").mkdir(parents=True)
    (root / "a" / "small.txt").write_bytes(b"small")
    world.service.after = once("UploadArchive")
    outcome = world.upload(root)
    world.service.after = no_fault
    assert outcome.exit is Exit.CHANGED
    assert [trouble.code for trouble in troubles(world)] == ["upload-uncertain"]


def test_bytes_that_do_not_agree_are_the_most_serious(world: World, films: Path) -> None:
    """An archive whose bytes do not have their hash ends with exit code 7; the others arrive."""
    world.service.before = _refuse_once(
        "CompleteMultipartUpload", BytesMismatch("x", expected=b"a", found=b"b")
    )
    outcome = world.upload(films, jobs=2)
    assert (outcome.exit, outcome.files) == (Exit.MISMATCH, SIX - 1)


def test_a_failure_here_ends_those_that_fly() -> None:
    """When the one that launches fails, those under way are told to end, and are waited for."""
    ended, flight = [], Flight(Crew(2))

    def fly() -> None:
        while not flight.broken:
            pass
        ended.append(1)

    def launch_and_fail() -> None:
        with flight:
            flight.launch(fly, lambda error: None)
            flight.launch(fly, lambda error: None)
            raise DiskTrouble("full")

    with pytest.raises(DiskTrouble):
        launch_and_fail()
    assert ended == [1, 1]


def test_a_second_wish_to_stop_breaks_parts_off(world: World, films: Path) -> None:
    """Who will not wait any more need not wait for parts under way: they end in the middle of their bytes."""
    (films / "0.bin").write_bytes(os.urandom(20 * MIB))
    taken: list[int] = []
    moving, asked = threading.Event(), threading.Event()

    def take(size: int) -> None:
        taken.append(size)
        moving.set()
        assert asked.wait(30)

    def interrupt(event: Event) -> None:
        if isinstance(event, FolderScanned):
            threading.Thread(target=press).start()

    def press() -> None:
        assert moving.wait(30)
        os.kill(os.getpid(), signal.SIGINT)
        asked.set()

    sizes = replace(SMALL, part=8 * MIB)
    with pytest.raises(KeyboardInterrupt):
        world.upload(films, jobs=2, take=take, tell=interrupt, sizes=sizes)
    assert sum(taken) < 20 * MIB
    assert world.service.done["CompleteMultipartUpload"] < SIX
    assert world.upload(films).exit is Exit.DONE


def test_what_leaves_is_told_before_it_is_acknowledged(world: World, films: Path) -> None:
    """While parts are under way it is told how far they are; in the end nothing is under way any more."""
    assert world.upload(films, jobs=2).exit is Exit.DONE
    told = [event for event in world.told if isinstance(event, BytesLeaving)]
    assert max(event.total for event in told) >= MIB // 2
    assert told[-1].total == 0


def _refuse_once(operation: str, error: Exception | None = None):
    lost = once(operation, nth=2)
    return lambda asked: (error or ServiceError("refused")) if lost(asked) else None
