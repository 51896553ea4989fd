"""What is settled without asking, and what is not, when an inventory and the catalog differ."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from glacierkeep.catalog import NewFinding
from glacierkeep.domain import reconciliation as found
from glacierkeep.domain.records import Archive, ArchiveState
from glacierkeep.domain.service import ListedArchive
from glacierkeep.errors import Exit
from glacierkeep.events import FindingMade
from glacierkeep.operations.reconcile import NO_WISHES, MostOfVaultMissing, Wishes, reconcile, word_of
from support.world import World

LOST = Wishes(mark_lost=True)
ANYHOW = Wishes(mark_lost=True, accept_losses=True)


def archives(world: World) -> list[Archive]:
    return list(world.catalog.archive_rows(world.vault.vault_id))


def states(world: World) -> list[str]:
    return sorted(each.state.value for each in archives(world))


def findings(world: World) -> list[str]:
    with world.catalog.read() as records:
        return sorted(each.kind for each in records.findings.open(world.vault.vault_id))


def listed(archive: Archive) -> ListedArchive:
    return ListedArchive(
        archive.archive_id, archive.description, archive.created_at, archive.size, archive.tree_hash
    )


def read(
    world: World, date: datetime, rows: list[ListedArchive], wishes: Wishes = NO_WISHES, *, full: bool = True
) -> dict[str, int]:
    """Reconcile with an inventory of *rows*; how many findings there are of each kind."""
    with world.catalog.write() as records:
        inventory_id = records.inventories.request(world.vault.vault_id, None)
    rows = sorted(rows, key=lambda each: each.archive_id)
    world.catalog.receive_inventory(inventory_id, date, rows, full)
    with world.catalog.read() as records:
        inventory = records.inventories.get(inventory_id)
    tally = reconcile(world.vault, inventory, catalog=world.catalog, wishes=wishes, tell=world.told.append)
    return tally.counts


@pytest.fixture
def later(world: World, folder: Path) -> datetime:
    """A week after three archives were sent."""
    world.upload(folder)
    world.clock.turn(days=7)
    return world.clock.now()


def test_absent_twice_is_missing(world: World, later: datetime) -> None:
    """Absent once is not judged; in a second, later inventory it is missing, a finding for a person."""
    rest = [listed(each) for each in archives(world)[1:]]

    first = read(world, later, rest)
    same = read(world, later, rest)
    second = read(world, later + timedelta(days=1), rest)

    assert first == same == {"confirmed": 2, "too-recent": 1}
    assert second == {"confirmed": 2, "missing": 1}
    assert findings(world) == ["missing"]
    assert states(world) == ["present"] * 3


def test_what_comes_back_was_never_missing(world: World, later: datetime) -> None:
    """Seen again between two absences, an archive's count begins anew."""
    everything = [listed(each) for each in archives(world)]

    read(world, later, everything[1:])
    read(world, later + timedelta(days=1), everything)
    third = read(world, later + timedelta(days=2), everything[1:])

    assert third == {"confirmed": 2, "too-recent": 1}


def test_a_loss_that_is_accepted_is_sent_again(world: World, later: datetime, folder: Path) -> None:
    """--mark-lost records a missing archive as lost; the next upload sends its files again, the others stay."""
    big = next(each for each in archives(world) if each.size == 3 << 20)
    rest = [listed(each) for each in archives(world) if each != big]
    world.store.delete_archive(big.archive_id)
    read(world, later, rest)

    read(world, later + timedelta(days=1), rest, LOST)
    sent = world.upload(folder)

    assert states(world) == ["lost", "present", "present", "present"]
    assert (sent.archives, sent.files, sent.unchanged) == (1, 1, 5)
    assert world.upload(folder).archives == 0


def test_a_lost_archive_that_is_listed_again_is_present(world: World, later: datetime) -> None:
    """What an inventory lists is there, whatever was believed before."""
    everything = [listed(each) for each in archives(world)]
    read(world, later, everything[1:])
    read(world, later + timedelta(days=1), everything[1:], LOST)
    assert states(world) == ["lost", "present", "present"]

    read(world, later + timedelta(days=2), everything)

    assert states(world) == ["present"] * 3


def test_the_disaster_guard(world: World, later: datetime) -> None:
    """An inventory that lacks most of a vault marks nothing lost unless told twice: exit 5, nothing repaired."""
    read(world, later, [])

    with pytest.raises(MostOfVaultMissing) as caught:
        read(world, later + timedelta(days=1), [], LOST)
    assert caught.value.exit is Exit.FINDINGS
    assert "3 of 3" in str(caught.value)
    assert "--yes" in str(caught.value.hint)
    assert states(world) == ["present"] * 3

    read(world, later + timedelta(days=1), [], ANYHOW)
    assert states(world) == ["lost"] * 3


def test_without_the_word_nothing_is_ever_marked_lost(world: World, later: datetime) -> None:
    """Any number of empty inventories leave the records as they are; they only make findings."""
    for day in range(5):
        counts = read(world, later + timedelta(days=day), [])
    assert counts == {"missing": 3}
    assert states(world) == ["present"] * 3


def test_a_filtered_inventory_settles_only_what_it_lists(world: World, later: datetime) -> None:
    """Absence from it counts for nothing, not even as a first time."""
    one = [listed(archives(world)[0])]
    for day in range(3):
        assert read(world, later + timedelta(days=day), one, ANYHOW, full=False) == {"confirmed": 1}
    assert [each.absent_since for each in archives(world)] == [None] * 3
    assert read(world, later + timedelta(days=5), one) == {"confirmed": 1, "too-recent": 2}


@pytest.mark.parametrize("change", ["size", "hash"])
def test_an_archive_that_differs_is_no_longer_trusted(
    world: World, later: datetime, folder: Path, change: str
) -> None:
    """Another size or tree hash than recorded: suspect, told, and what lies in it is sent again."""
    first, *rest = [listed(each) for each in archives(world)]
    changed = ListedArchive(
        first.archive_id,
        first.description,
        first.created_at,
        first.size + (change == "size"),
        bytes(32) if change == "hash" else first.tree_hash,
    )

    counts = read(world, later, [changed, *rest])

    assert counts == {"confirmed": 2, "differs": 1}
    assert states(world) == ["present", "present", "suspect"]
    (told,) = [each for each in world.told if isinstance(each, FindingMade)]
    assert told.name == f"archive:{first.archive_id}"
    assert world.upload(folder).archives == 1


def test_a_deleted_archive_may_linger(world: World, later: datetime) -> None:
    """Inventories lag: one that still lists what gk deleted is told about and changes nothing."""
    first, *rest = archives(world)
    with world.catalog.write() as records:
        records.archives.mark([first.archive_key], ArchiveState.DELETED)

    lingering = read(world, later, [listed(first), *map(listed, rest)])
    gone = read(world, later + timedelta(days=1), [listed(each) for each in rest])

    assert (lingering, gone) == ({"still-listed": 1, "confirmed": 2}, {"gone": 1, "confirmed": 2})
    assert findings(world) == []
    assert states(world) == ["deleted", "present", "present"]


def test_findings_are_those_of_the_last_reconciliation(world: World, later: datetime) -> None:
    """A finding that no longer holds does not stay open."""
    with world.catalog.write() as records:
        records.findings.add(world.vault.vault_id, None, [NewFinding("differs", "X", "long ago")])
    read(world, later, [listed(each) for each in archives(world)])
    assert findings(world) == []


def test_every_finding_has_its_word(world: World, later: datetime) -> None:
    """Words in tables and JSON are the findings' names in kebab case."""
    archive = archives(world)[0]
    words = [word_of(kind(archive, listed(archive))) for kind in (found.StillListed, found.Confirmed)]
    assert [*words, word_of(found.Gone(archive))] == ["still-listed", "confirmed", "gone"]
