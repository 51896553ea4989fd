"""gk delete: nothing goes that something still needs, and what stays is said."""

from pathlib import Path

import pytest

from glacierkeep.domain.limits import MIB
from glacierkeep.domain.records import ArchiveState
from glacierkeep.errors import ChangedThenFailed, Exit, NoSuchName
from glacierkeep.events import ArchiveDeleted
from glacierkeep.operations.delete import Deletion, delete
from support.unreliable import Fault
from support.world import HOST, World


def gone(world: World, *names: str, dry_run: bool = False) -> Deletion:
    return delete(
        names,
        catalog=world.catalog,
        store_of=world.store_of,
        clock=world.clock,
        host=HOST,
        dry_run=dry_run,
        tell=world.told.append,
    )


def states(world: World) -> list[str]:
    return sorted(each.state.value for each in world.catalog.archive_rows(world.vault.vault_id))


def test_a_file_of_its_own_goes_with_its_archive(world: World, folder: Path) -> None:
    """The version is retired, the archive is deleted at the service; the file on disk is not touched."""
    world.upload(folder)
    done = gone(world, "photos/bigger.raw")
    assert (done.files, done.versions, done.size, done.archives) == (1, 1, 3 * MIB, 1)
    assert (done.kept_archives, done.kept_bytes, done.exit) == (0, 0, Exit.DONE)
    assert states(world) == ["deleted", "present", "present"]
    assert world.sync().archives == 2
    assert (folder / "bigger.raw").exists()
    with pytest.raises(NoSuchName):
        gone(world, "photos/bigger.raw")


def test_a_member_stays_in_its_bundle(world: World, folder: Path, back: Path) -> None:
    """Other files need the bundle: it stays, and gk says how many bytes are kept for nothing."""
    world.upload(folder)
    done = gone(world, "photos/small.txt")
    assert (done.archives, done.kept_archives, done.kept_bytes) == (0, 1, 5)
    assert states(world) == ["present"] * 3
    assert world.retrieve("photos/2019/tiny.txt", to=back).placed == 1
    with pytest.raises(NoSuchName):
        world.retrieve("photos/small.txt", to=back)


def test_content_that_another_name_shares_stays(world: World, folder: Path, back: Path) -> None:
    """A copy needs the archive as much as the original: deleting one leaves the other retrievable."""
    (folder / "copy.raw").write_bytes((folder / "bigger.raw").read_bytes())
    sent = world.upload(folder)
    assert sent.archives == 4 or sent.same_content == 1
    world.upload(folder)

    gone(world, "photos/bigger.raw")
    outcome = world.retrieve("photos/copy.raw", to=back)

    assert (outcome.placed, outcome.exit) == (1, Exit.DONE)
    assert (back / "photos/copy.raw").stat().st_size == 3 * MIB


def test_a_later_copy_shares_and_keeps(world: World, folder: Path, back: Path) -> None:
    """Content recorded without sending it again holds its archive; the last name that goes takes it along."""
    world.upload(folder)
    (folder / "later.raw").write_bytes((folder / "bigger.raw").read_bytes())
    assert world.upload(folder).same_content == 1

    first = gone(world, "photos/bigger.raw")
    last = gone(world, "photos/later.raw")

    assert (first.archives, first.kept_archives, first.kept_bytes) == (0, 1, 0)
    assert (last.archives, last.archive_bytes) == (1, 3 * MIB)


def test_old_versions_go_too(world: World, folder: Path) -> None:
    """NAME means every version of it: the superseded ones as well as the newest."""
    world.upload(folder)
    (folder / "bigger.raw").write_bytes(b"new" * MIB)
    world.upload(folder)
    done = gone(world, "photos/bigger.raw")
    assert (done.files, done.versions, done.archives) == (1, 2, 2)


def test_all_of_a_root(world: World, folder: Path) -> None:
    """A folder takes everything below it, in every vault; nothing is left in either."""
    other = world.another_vault("local:other")
    world.upload(folder)
    world.upload(folder, vault=other, store=world.store_of(other))
    done = gone(world, "photos")
    assert (done.archives, done.kept_archives) == (6, 0)
    vaults = {each.vault for each in world.told if isinstance(each, ArchiveDeleted)}
    assert vaults == {"local:photos", "local:other"}
    assert [each.state for each in world.catalog.archive_rows(other.vault_id)] == [ArchiveState.DELETED] * 3


def test_what_was_deleted_is_sent_again(world: World, folder: Path, back: Path) -> None:
    """The next upload of the folder finds the file on disk, and archives it anew."""
    world.upload(folder)
    gone(world, "photos/bigger.raw")
    assert world.upload(folder).archives == 1
    assert world.retrieve("photos/bigger.raw", to=back).placed == 1


def test_a_dry_run_leaves_no_trace(world: World, folder: Path) -> None:
    """It says just what the deed would do; nothing is retired, marked or asked."""
    world.upload(folder)
    before = world.service.done.copy()
    foreseen = gone(world, "photos/bigger.raw", "photos/small.txt", dry_run=True)
    assert world.service.done == before
    assert states(world) == ["present"] * 3
    done = gone(world, "photos/bigger.raw", "photos/small.txt")
    assert foreseen.dry_run
    assert (foreseen.versions, foreseen.archives, foreseen.kept_bytes) == (2, 1, 5)
    assert (done.versions, done.archives, done.kept_bytes) == (2, 1, 5)


def test_one_unknown_name_and_nothing_is_done(world: World, folder: Path) -> None:
    """Names are looked up before anything is retired."""
    world.upload(folder)
    with pytest.raises(NoSuchName):
        gone(world, "photos/bigger.raw", "photos/nothing")
    assert states(world) == ["present"] * 3
    assert gone(world, "photos/bigger.raw").archives == 1


def test_a_service_that_fails_midway(world: World, folder: Path) -> None:
    """Exit 8 and a hint; poll deletes the rest, each archive once."""
    world.upload(folder)
    world.service.before = _from("DeleteArchive", 2)
    with pytest.raises(ChangedThenFailed) as caught:
        gone(world, "photos")
    assert "1 of 3" in str(caught.value)
    assert "gk poll" in str(caught.value.hint)
    assert states(world) == ["deleted", "deleting", "deleting"]

    world.service.before = lambda operation: None
    assert world.poll().deletions == 2
    assert states(world) == ["deleted"] * 3


def _from(operation: str, nth: int) -> Fault:
    seen = 0

    def fault(asked: str) -> Exception | None:
        nonlocal seen
        seen += asked == operation
        return ConnectionResetError() if asked == operation and seen >= nth else None

    return fault


def test_a_reference_and_a_deletion_never_both_succeed(world: World, folder: Path, back: Path) -> None:
    """An archive marked for deletion is no longer trusted: the same content is sent again, not referred to."""
    world.upload(folder)
    with world.catalog.read() as records:
        big = next(each for each in world.catalog.archive_rows(world.vault.vault_id) if each.size == 3 * MIB)
    with world.catalog.write() as records:
        versions = [each.version_id for each in world.catalog.versions_in(big.archive_key)]
    with world.catalog.write() as records:
        records.versions.retire(versions, world.clock.now())
        records.archives.begin_deletion([big.archive_key])
    (folder / "copy.raw").write_bytes((folder / "bigger.raw").read_bytes())

    sent = world.upload(folder)
    world.poll()

    assert sent.same_content + sent.archives == 2
    assert sent.archives >= 1
    assert world.retrieve("photos/copy.raw", "photos/bigger.raw", to=back).placed == 2


def test_a_foreign_archive_by_its_id(world: World, folder: Path) -> None:
    """`archive:ID` means what lies in the archive; with its last version it goes."""
    world.upload(folder)
    big = next(each for each in world.catalog.archive_rows(world.vault.vault_id) if each.size == 3 * MIB)
    assert gone(world, f"archive:{big.archive_id}").archives == 1
