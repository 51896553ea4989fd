"""The ledger, events, the catalog's identity and sums."""

from decimal import Decimal

from catalog.keeping import Kept, a_file, a_folder
from glacierkeep.catalog import Totals
from glacierkeep.domain.records import ArchiveState


def test_the_ledger_adds_exactly(kept: Kept) -> None:
    """Amounts are decimals, summed by time and vault; an unknown amount counts as nothing."""
    start = kept.clock.now()
    with kept.catalog.write() as records:
        for _ in range(10):
            records.ledger.add(kept.vault.vault_id, "upload", requests=3, bytes=5, amount=Decimal("0.1"))
        records.ledger.add(None, "poll")
        middle = kept.clock.turn(days=1)
        records.ledger.add(None, "job", amount=Decimal("2.50"))
        assert records.ledger.spent(start) == Decimal("3.50")
        assert records.ledger.spent(start, middle) == Decimal("1.0")
        assert records.ledger.spent(start, vault_id=kept.vault.vault_id) == Decimal("1.0")
        assert records.ledger.spent(kept.clock.turn(days=1)) == Decimal(0)
        first, *_, last = records.ledger.entries(start)
        assert (first.what, first.requests, first.bytes, first.amount) == ("upload", 3, 5, Decimal("0.1"))
        assert (last.vault_id, last.at) == (None, middle)
        assert len(records.ledger.entries(start, limit=4)) == 4


def test_events_come_back(kept: Kept) -> None:
    """Newest first, by kind if wanted, their details as they were told."""
    with kept.catalog.write() as records:
        records.events.add("upload", {"name": "café", "bytes": 5})
        records.events.add("poll")
        assert [event.kind for event in records.events.latest()] == ["poll", "upload"]
        (event,) = records.events.latest(5, "upload")
        assert (event.detail, event.at) == ({"name": "café", "bytes": 5}, kept.clock.now())


def test_the_identity_of_a_copy(kept: Kept) -> None:
    """The catalog knows whose copy continues, and counts its generations."""
    with kept.catalog.write() as records:
        assert (records.identity.id, records.identity.machine) == (kept.catalog.id, "here")
        assert [records.identity.next_generation(), records.identity.generation] == [1, 1]
        records.identity.adopt("there")
        assert records.identity.machine == "there"
        assert records.identity.get("nothing") is None
    assert kept.catalog.machine == "here"


def test_totals(kept: Kept) -> None:
    """Current files and kept archives are summed, by root and by vault; copies of records are not counted."""
    other = kept.other_vault()
    kept.record(a_folder(b"f"), a_file(b"f/a", b"12345"), a_file(b"old", b"123"))
    kept.record(a_file(b"f/a", b"12345"), vault=other)
    kept.next_run()
    kept.record(a_file(b"old", b"1234"), archive=kept.archive(50))
    lost = kept.archive(7777)
    kept.archive(100, kind="catalog")
    with kept.catalog.write() as records:
        records.archives.mark([lost], ArchiveState.LOST)
        second = records.roots.add("second", "host", b"/second")
        totals = records.statistics.totals
        assert totals() == Totals(2, 9, 3, 2050)
        assert totals(kept.root.root_id) == Totals(2, 9, 3, 2050)
        assert totals(vault_id=other.vault_id) == Totals(1, 5, 1, 1000)
        assert totals(kept.root.root_id, kept.vault.vault_id) == Totals(2, 9, 2, 1050)
        assert totals(second.root_id) == Totals(0, 0, 0, 0)
