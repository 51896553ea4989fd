"""Inventories, findings and what is remembered of vaults."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from catalog.keeping import Kept
from glacierkeep.catalog import InventoryState, NewFinding
from glacierkeep.domain.service import JobAction, ListedArchive, Tier


def lines(kept: Kept, count: int) -> Iterator[ListedArchive]:
    for at in range(count):
        yield ListedArchive(f"id-{count - at:06d}", f"text {at}", kept.clock.now(), at, b"h" * 32)


def test_an_inventory_arrives(kept: Kept) -> None:
    """Requested, received, reconciled: its lines come back in order of ids, then only the header stays."""
    with kept.catalog.write() as records:
        job = records.jobs.intend(kept.vault.vault_id, "j", JobAction.INVENTORY, None, None, Tier.STANDARD)
        key = records.inventories.request(kept.vault.vault_id, job)
        opened = records.inventories.open(kept.vault.vault_id)
    assert (opened.inventory_id, opened.state, opened.job_key) == (key, InventoryState.REQUESTED, job)
    date = kept.clock.now() - timedelta(days=1)
    assert kept.catalog.receive_inventory(key, date, lines(kept, 12_000), True) == 12_000
    found = list(kept.catalog.listed_rows(key))
    assert [line.archive_id for line in found] == [f"id-{at:06d}" for at in range(1, 12_001)]
    assert found[-1] == next(lines(kept, 12_000))
    with kept.catalog.write() as records:
        inventory = records.inventories.get(key)
        assert (inventory.state, inventory.date, inventory.archives) == (
            InventoryState.RECEIVED,
            date,
            12_000,
        )
        assert (inventory.size, inventory.full) == (sum(range(12_000)), True)
        assert records.inventories.open(kept.vault.vault_id) == inventory
        records.inventories.reconcile(key)
        assert records.inventories.open(kept.vault.vault_id) is None
        records.inventories.drop_listed(key)
        assert records.inventories.latest(kept.vault.vault_id)[0].archives == 12_000
    assert list(kept.catalog.listed_rows(key)) == []


def test_an_inventory_that_broke_off_starts_afresh(kept: Kept) -> None:
    """While its lines arrive it does not count as received; received again it holds each line once."""

    def broken() -> Iterator[ListedArchive]:
        yield from lines(kept, 6000)
        raise ConnectionError

    with kept.catalog.write() as records:
        key = records.inventories.request(kept.vault.vault_id, None)
    with pytest.raises(ConnectionError):
        kept.catalog.receive_inventory(key, kept.clock.now(), broken(), True)
    with kept.catalog.read() as records:
        assert records.inventories.get(key).state is InventoryState.REQUESTED
        assert records.inventories.latest(kept.vault.vault_id) == []
    twice = [*lines(kept, 10), *lines(kept, 10)]
    assert kept.catalog.receive_inventory(key, kept.clock.now(), twice, True) == 10


def test_the_latest_full_inventories(kept: Kept) -> None:
    """The newest by date come first; one that lists a part of the vault counts only when asked for."""
    day = timedelta(days=1)
    with kept.catalog.write() as records:
        keys = [records.inventories.request(kept.vault.vault_id, None) for _ in range(4)]
        for key, ago, full in zip(keys, (3, 1, 2, 0), (True, True, True, False), strict=True):
            records.inventories.receive(key, kept.clock.now() - ago * day, lines(kept, 3), full)

        def latest(**how: object) -> list[int]:
            return [one.inventory_id for one in records.inventories.latest(kept.vault.vault_id, **how)]

        assert latest() == [keys[1], keys[2]]
        assert latest(n=9) == [keys[1], keys[2], keys[0]]
        assert latest(n=1, full=False) == [keys[3]]
        records.inventories.give_up(keys[3])
        assert latest(n=1, full=False) == [keys[1]]
        with pytest.raises(KeyError):
            records.inventories.get(keys[3])


def test_findings(kept: Kept) -> None:
    """Findings are open until they are settled or a newer inventory replaces them."""
    vault = kept.vault.vault_id
    with kept.catalog.write() as records:
        key = records.inventories.request(vault, None)
        records.findings.add(
            vault, key, [NewFinding("missing", "id-1", "since May"), NewFinding("differs", "id-2")]
        )
        first, second = records.findings.open(vault)
        assert (first.kind, first.archive_id, first.detail, first.inventory_id) == (
            "missing",
            "id-1",
            "since May",
            key,
        )
        records.findings.settle([first.finding_id])
        assert records.findings.open(vault) == [second]
        records.findings.replace(vault, key, [NewFinding("unrecorded", "id-3")])
        assert [finding.kind for finding in records.findings.open(vault)] == ["unrecorded"]
        assert records.findings.open(kept.vault.vault_id + 1) == []


def test_vaults(kept: Kept) -> None:
    """A vault is remembered once; the newest inventory's date stays; it is forgotten only when nothing is of it."""
    other = kept.other_vault()
    now = kept.clock.now()
    with kept.catalog.write() as records:
        assert records.vaults.remember("local:default") == kept.vault == records.vaults.get("local:default")
        assert records.vaults.get("local:other") is None
        assert records.vaults.all() == [other, kept.vault]
        records.vaults.note_inventory(other.vault_id, now)
        records.vaults.note_inventory(other.vault_id, now - timedelta(days=1))
        assert records.vaults.by_id(other.vault_id).inventory_date == now
        with pytest.raises(ValueError, match="runs"):
            records.vaults.forget(kept.vault.vault_id)
        records.vaults.forget(other.vault_id)
        with pytest.raises(KeyError):
            records.vaults.by_id(other.vault_id)
