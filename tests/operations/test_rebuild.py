"""Promise 6: a lost catalog is rebuilt from the vault alone, by the copies of its records that lie there."""

import os
import random
from datetime import timedelta
from pathlib import Path

import pytest

from glacierkeep.bundle.storing import Coding
from glacierkeep.catalog import Catalog
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.records import Archive, ArchiveState, Version
from glacierkeep.domain.service import ListedArchive
from glacierkeep.errors import CopyUnreadable, Exit, GlacierkeepError, NoIdentity, NothingToDo
from glacierkeep.events import ArchiveStored, Event, Noted
from glacierkeep.operations.delete import delete
from glacierkeep.operations.rebuild import Choice
from support.at_rest import AtRest
from support.compare import differences
from support.sealing import FORMS, SMALL_VOLUMES, unseal, unseal_with_another
from support.unreliable import no_fault, once
from support.world import HOST, World, a_world

PLAIN, SEALED = FORMS["plain"], FORMS["sealed-and-compressed"]


@pytest.fixture(params=["plain", "sealed"])
def coding(request: pytest.FixtureRequest) -> Coding:
    """Of a vault that is encrypted, and of one that is not."""
    return SEALED if request.param == "sealed" else PLAIN


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with small files, a file of volumes, links and an empty folder."""
    root = tmp_path / "photos"
    (root / "2019" / "hollow").mkdir(parents=True)
    (root / "2019" / "a.jpg").write_bytes(b"a" * 1000)
    (root / "2019" / "b\xff.jpg".encode("utf-8", "surrogateescape").decode("utf-8")).write_bytes(b"b" * 1000)
    (root / "big").write_bytes(random.Random(2).randbytes(4 * MIB + 9))
    (root / "link").symlink_to("2019/a.jpg")
    (root / "twin").hardlink_to(root / "big")
    return root


def said(world: World) -> list[tuple[object, ...]]:
    """All that gk ls --versions --deleted can tell of any version, keys aside."""
    with world.catalog.read() as records:
        roots = records.roots.all()
    found: list[Version] = []
    for each in roots:
        found += world.catalog.versions_below(each, b"", history=True, deleted=True)
    return [
        (one.path, one.kind, one.size, one.mtime_ns, one.mode, one.md5, one.tree_hash, one.target, one.first_seen,
         one.gone_at, one.retired_at, one.adopted, one.current)
        for one in found
    ]  # fmt: skip


def live(world: World, root: Path, coding: Coding) -> int:
    """Some runs with changes between them, a copy after each; how many copies the newest set has."""
    for change in (_nothing, _change, _unlink):
        change(root)
        world.clock.sleep(86_400)
        world.upload(root, sizes=SMALL_VOLUMES, coding=coding, accept_losses=True)
        world.copy_catalog(coding)
    delete(["photos/link"], catalog=world.catalog, store_of=world.store_of, clock=world.clock, host=HOST)
    world.copy_catalog(coding)
    with world.catalog.read() as records:
        copies = len(records.copies.chain(world.vault.vault_id))
    assert copies > 1
    return copies


def _nothing(root: Path) -> None:
    """The first run finds it as it is."""


def _unlink(root: Path) -> None:
    (root / "2019" / "a.jpg").unlink()


def _change(root: Path) -> None:
    (root / "2019" / "a.jpg").write_bytes(b"changed")
    (root / "new").write_bytes(b"new" * 50)


def lost(world: World) -> World:
    """The same vault seen by a machine that has nothing: another catalog, another machine."""
    world.catalog.close()
    world.folder.joinpath("catalog.db").unlink()
    catalog = Catalog.open(world.folder / "catalog.db", clock=world.clock, machine="another")
    with catalog.write() as records:
        vault = records.vaults.remember("local:photos")
    return World(world.folder, catalog, world.service, world.clock, vault, world.store)


def test_all_that_was_known_is_known_again(world: World, root: Path, tmp_path: Path, coding: Coding) -> None:
    """From nothing but the vault (and the key) every version is known as before, and every file comes back."""
    copies = live(world, root, coding)
    before, catalog_id = said(world), world.catalog.id
    again = lost(world)

    done = again.rebuild(unseal=unseal, wait=True)

    assert (done.exit, done.copies, done.catalog) == (Exit.DONE, copies, catalog_id)
    assert again.catalog.id == catalog_id
    assert said(again) == before
    again.retrieve("photos", to=tmp_path / "back", unseal=unseal, wait=True)
    archived = root.stat().st_mtime_ns
    (root / "link").unlink()  # as gk delete let it go
    os.utime(root, ns=(archived, archived))
    assert differences(root, tmp_path / "back" / "photos") == []
    after = again.upload(root, sizes=SMALL_VOLUMES, coding=coding)
    assert (after.archives, after.unchanged) == (0, 4)
    again.catalog.close()


def test_one_round_of_jobs(world: World, root: Path) -> None:
    """The full copy and all its increments are asked for together, and nothing else but the inventory is."""
    copies = live(world, root, PLAIN)
    again = lost(world)
    world.service.done.clear()
    again.rebuild(wait=True)
    assert world.service.done["InitiateJob"] == 1 + copies
    again.catalog.close()


def test_what_came_after_the_last_copy_is_taken_in_from_the_inventory(world: World, root: Path) -> None:
    """Archives that no copy tells of are adopted by their descriptions, as a reconciliation does."""
    live(world, root, PLAIN)
    (root / "later").write_bytes(random.Random(1).randbytes(2 * MIB))
    world.upload(root, sizes=SMALL_VOLUMES, coding=PLAIN)
    again = lost(world)
    done = again.rebuild(wait=True)
    assert done.findings["adopted"] >= 1
    assert any(path == b"photos/later" for path, *_ in said(again))
    again.catalog.close()


def test_a_rebuild_takes_days_and_survives_them(tmp_path: Path, root: Path) -> None:
    """At the service's real pace each pass waits for the next, and gk poll goes on from the record."""
    with a_world(tmp_path / "slow", realistic=True) as world:
        world.upload(root, sizes=SMALL_VOLUMES, coding=PLAIN)
        world.copy_catalog(PLAIN)
        before = said(world)
        world.service.advance(timedelta(days=2))
        again = lost(world)
        assert again.rebuild().exit is Exit.WAITING
        with pytest.raises(NothingToDo, match="rebuilt"):
            again.sync()
        finished = 0
        for _ in range(3):
            world.service.advance(timedelta(hours=6))
            finished += again.poll().rebuilds_finished
        assert finished == 1
        assert said(again) == before
        again.catalog.close()


def test_a_rebuild_broken_off_at_any_request_goes_on(world: World, root: Path) -> None:
    """Whichever answer is lost, the next pass goes on, and nothing is asked for twice."""
    copies = live(world, root, PLAIN)
    before, again = said(world), lost(world)
    world.service.done.clear()
    for operation in ("InitiateJob", "DescribeJob", "GetJobOutput"):
        world.service.after = once(operation, nth=2)
        try:
            again.rebuild()
        except GlacierkeepError:
            world.service.after = no_fault
    world.service.after = no_fault
    with again.catalog.read() as records:
        open_ones = records.rebuilds.open(again.vault.vault_id)
    if open_ones:
        again.rebuild(wait=True)
    assert world.service.done["InitiateJob"] == 1 + copies
    assert said(again) == before
    again.catalog.close()


def test_a_catalog_that_knows_the_vault_is_left_alone(world: World, root: Path) -> None:
    """Nothing is rebuilt over records that are there."""
    live(world, root, PLAIN)
    with pytest.raises(NothingToDo, match="already"):
        world.rebuild(wait=True)


def test_a_vault_without_copies_says_so(world: World, root: Path) -> None:
    """Where no copy lies the wish is refused, and a reconciliation is possible afterwards."""
    world.upload(root, sizes=SMALL_VOLUMES, coding=PLAIN)
    again = lost(world)
    with pytest.raises(NothingToDo, match="no copy"):
        again.rebuild(wait=True)
    assert again.sync().adopted > 0
    again.catalog.close()


def test_a_sealed_copy_needs_its_key(world: World, root: Path) -> None:
    """Without the identity nothing is taken in; with it the same rebuild goes on, and nothing is asked for again."""
    copies = live(world, root, SEALED)
    before, again = said(world), lost(world)
    world.service.done.clear()
    for key in (None, unseal_with_another):
        with pytest.raises(NoIdentity):
            again.rebuild(unseal=key, wait=True)
    assert again.rebuild(unseal=unseal, wait=True).exit is Exit.DONE
    assert said(again) == before
    assert world.service.done["InitiateJob"] == 1 + copies
    again.catalog.close()


@pytest.mark.parametrize("anew", [True, False], ids=["another set", "the same set"])
def test_an_older_copy_can_be_chosen(world: World, root: Path, anew: bool) -> None:
    """--before takes the newest older copies; what is younger comes by its description alone."""
    copies = live(world, root, PLAIN)
    world.clock.sleep(3600)
    then = world.clock.now()
    if anew:
        with world.catalog.write() as records:
            records.copies.close(world.vault.vault_id)
    world.clock.sleep(86_400)
    (root / "latest").write_bytes(b"latest")
    world.upload(root, sizes=SMALL_VOLUMES, coding=PLAIN)
    world.copy_catalog(PLAIN)
    again = lost(world)
    done = again.rebuild(wait=True, choice=Choice(before=then))
    assert (done.copies, done.later) == (copies, 1)
    assert not any(path == b"photos/latest" for path, *_ in said(again))
    again.catalog.close()


def flip(world: World, archive: Archive) -> None:
    """A bit in the middle of the archive is another one."""
    rest = AtRest(world.folder / "local")
    content = bytearray(rest.read(archive.archive_id))
    content[len(content) // 2] ^= 1
    rest.write(archive.archive_id, bytes(content))


def test_another_copy_is_chosen_when_one_cannot_be_read(world: World, root: Path) -> None:
    """A damaged full copy is exit code 7 in each pass, until --before names an older one: that is taken then."""
    copies = live(world, root, PLAIN)
    world.clock.sleep(3600)
    then = world.clock.now()
    with world.catalog.write() as records:
        records.copies.close(world.vault.vault_id)
    world.clock.sleep(86_400)
    (root / "latest").write_bytes(b"latest")
    world.upload(root, sizes=SMALL_VOLUMES, coding=PLAIN)
    world.copy_catalog(PLAIN)
    flip(world, newest_copy(world))
    again = lost(world)
    for _ in range(2):
        with pytest.raises(CopyUnreadable) as refused:
            again.rebuild(wait=True)
        assert refused.value.exit is Exit.MISMATCH
        assert "--before" in str(refused.value.hint)
    with pytest.raises(NothingToDo, match="that was meant"):
        again.rebuild(choice=Choice(before=then - timedelta(days=99)))
    assert again.rebuild(wait=True, choice=Choice(before=then)).copies == copies
    again.catalog.close()


def test_a_damaged_increment_ends_the_row(world: World, root: Path) -> None:
    """What came before a damaged increment is taken in, what it held is said to be unknown, and nothing else fails."""
    copies = live(world, root, PLAIN)
    flip(world, newest_copy(world))
    again = lost(world)
    assert again.rebuild(wait=True).copies == copies - 1
    assert [each.code for each in again.told if isinstance(each, Noted)].count("copy-unreadable") == 1
    again.catalog.close()


def newest_copy(world: World) -> Archive:
    """The archive of the copy that was made last."""
    with world.catalog.read() as records:
        key = records.copies.all(world.vault.vault_id)[-1].archive_key
        return records.archives.get(key)


def test_reconciling_in_place_of_a_lost_catalog_tells_of_the_copies(world: World, root: Path) -> None:
    """gk sync-inventory on a new catalog says, once, that the vault holds the records of another one."""
    live(world, root, PLAIN)
    catalog_id = world.catalog.id
    again = lost(world)
    again.sync(wait=True)
    again.sync(wait=True)
    (told,) = [each for each in again.told if isinstance(each, Noted) and each.code == "copies-in-vault"]
    assert catalog_id in told.sentence
    assert "gk catalog rebuild" in told.sentence
    again.catalog.close()


def test_increments_stay_below_twenty_and_count_no_copies(world: World, root: Path) -> None:
    """A copy is made only when something changed, at most 20 increments follow a full one, and copies are no change."""
    world.upload(root, sizes=SMALL_VOLUMES, coding=PLAIN)
    assert world.copy_catalog()
    assert not world.copy_catalog()
    for number in range(25):
        (root / "counter").write_bytes(b"%d" % number)
        world.upload(root, sizes=SMALL_VOLUMES, coding=PLAIN)
        assert world.copy_catalog()
        assert not world.copy_catalog()
    with world.catalog.read() as records:
        copies = records.copies.all(world.vault.vault_id)
    assert max(copy.index for copy in copies) <= 20
    assert sum(copy.index == 0 for copy in copies) >= 2


def test_a_change_of_keys_begins_with_a_full_copy(world: World, root: Path) -> None:
    """After the recipients changed no increment hangs on a copy that the new key does not open."""
    world.upload(root, sizes=SMALL_VOLUMES, coding=SEALED)
    world.copy_catalog(SEALED)
    (root / "more").write_bytes(b"more")
    rotated = Coding(SEALED.squeeze, SEALED.seal, "another fingerprint")
    world.upload(root, sizes=SMALL_VOLUMES, coding=rotated)
    world.copy_catalog(rotated)
    with world.catalog.read() as records:
        assert [copy.index for copy in records.copies.all(world.vault.vault_id)] == [0, 0]


def replaced(world: World, root: Path) -> None:
    """Some copies, and a newer full one."""
    live(world, root, PLAIN)
    with world.catalog.write() as records:
        records.copies.close(world.vault.vault_id)
    (root / "latest").write_bytes(b"latest")
    world.clock.sleep(86_400)
    world.upload(root, sizes=SMALL_VOLUMES, coding=PLAIN)
    world.copy_catalog(PLAIN)


def copies_present(world: World) -> int:
    """How many copies the catalog counts on."""
    rows = world.catalog.archive_rows(world.vault.vault_id)
    return sum(row.kind == "catalog" and row.state is ArchiveState.PRESENT for row in rows)


def test_old_copies_go_only_when_a_newer_full_one_was_seen(world: World, root: Path) -> None:
    """What a newer full copy replaces is deleted, by the same catalog, once an inventory lists that one."""
    replaced(world, root)
    assert world.service.done["DeleteArchive"] == 0
    world.sync()
    assert world.service.done["DeleteArchive"] >= 3
    assert copies_present(world) == 1
    again = lost(world)
    assert again.rebuild(wait=True).copies == 1
    again.catalog.close()


def test_old_copies_stay_while_the_inventory_lags_behind(world: World, root: Path) -> None:
    """An inventory that does not list the newer full copy lets no older one go, however new its date is."""
    replaced(world, root)
    newest = newest_copy(world)
    listed = [
        ListedArchive(row.archive_id, row.description, row.created_at, row.size, row.tree_hash)
        for row in world.catalog.archive_rows(world.vault.vault_id)
        if row != newest
    ]
    with world.catalog.write() as records:
        inventory_id = records.inventories.request(world.vault.vault_id, None)
    world.catalog.receive_inventory(inventory_id, world.clock.now(), listed, True)
    world.sync()
    assert world.service.done["DeleteArchive"] == 0
    world.clock.sleep(1)
    world.sync()
    assert copies_present(world) == 1


def test_an_old_copy_of_which_the_deletion_is_in_doubt_is_deleted_later(world: World, root: Path) -> None:
    """When the answer to a deletion was lost the copy is no longer counted on, and gk poll makes sure that it is
    gone."""
    replaced(world, root)
    copies = copies_present(world)
    world.service.after = lambda operation: (
        ConnectionResetError("the line is down") if operation == "DeleteArchive" else None
    )
    world.sync()
    world.service.after = no_fault
    assert copies_present(world) == copies - 1
    assert world.poll().deletions == 1


def test_a_copy_that_cannot_be_sent_does_not_fail_the_upload(world: World, root: Path) -> None:
    """It is said, and the next run sends one."""
    world.upload(root, sizes=SMALL_VOLUMES, coding=PLAIN)
    world.service.before = lambda operation: (
        ConnectionResetError("the line is down") if operation == "UploadArchive" else None
    )
    assert not world.copy_catalog()
    assert any(isinstance(event, Noted) and event.code == "catalog-copy" for event in world.told)
    world.service.before = no_fault
    assert world.copy_catalog()


def test_a_copy_that_the_vault_holds_stays_known_whatever_fails_afterwards(world: World, root: Path) -> None:
    """When telling of it fails, a copy that was recorded is followed by the next one, and no change is lost."""
    for number in range(200):
        (root / f"{number:03}").write_bytes(b"%d" % number)
    world.upload(root, sizes=SMALL_VOLUMES, coding=PLAIN)
    world.copy_catalog()
    delete(["photos/link"], catalog=world.catalog, store_of=world.store_of, clock=world.clock, host=HOST)

    class Broken(Exception):
        """The listener is gone."""

    class Deaf(list[Event]):
        """Hears of no archive that was stored."""

        def append(self, event: Event) -> None:
            if isinstance(event, ArchiveStored):
                raise Broken
            super().append(event)

    heard, world.told = world.told, Deaf()
    with pytest.raises(Broken):
        world.copy_catalog()
    world.told = heard
    (root / "newer").write_bytes(b"newer")
    world.upload(root, sizes=SMALL_VOLUMES, coding=PLAIN)
    world.copy_catalog()
    before = said(world)
    again = lost(world)
    again.rebuild(wait=True)
    assert said(again) == before
    again.catalog.close()
