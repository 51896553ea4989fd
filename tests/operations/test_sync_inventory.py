"""gk sync-inventory: from the request to the reconciled catalog, in the service's hours."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import boto3
import pytest

from glacierkeep.catalog import InventoryState
from glacierkeep.domain.records import JobProgress, Vault
from glacierkeep.domain.service import JobAction, Tier
from glacierkeep.errors import Exit, Locked, ServiceUnreachable, VaultMissing
from glacierkeep.events import Noted
from glacierkeep.local.attach import attach
from glacierkeep.operations.activity import lease
from glacierkeep.operations.evidence import Evidence, evidence_of
from glacierkeep.operations.sync_inventory import sync_inventory
from support.unreliable import once
from support.world import HOST, World


def evidence(world: World) -> list[Evidence]:
    """How surely each archive is safe, were the vault at Amazon."""
    with world.catalog.read() as records:
        vault = records.vaults.by_id(world.vault.vault_id)
    return [evidence_of(each, _abroad(vault)) for each in world.catalog.archive_rows(world.vault.vault_id)]


def _abroad(vault: Vault) -> Vault:
    return replace(vault, address="glacier://eu-west-1/photos")


def test_an_inventory_takes_its_hours(slow_world: World, folder: Path) -> None:
    """Asked for: exit 4. After five hours the next run reconciles, with the date the inventory was made."""
    world = slow_world
    world.upload(folder)
    world.clock.turn(days=2)

    asked = world.sync()
    again = world.sync()
    world.clock.turn(hours=5)
    done = world.sync()

    assert (asked.waiting, asked.exit, again.exit) == (True, Exit.WAITING, Exit.WAITING)
    assert (done.findings, done.exit) == ({"confirmed": 3}, Exit.DONE)
    assert done.date is not None
    assert world.clock.now() - done.date > timedelta(days=1)
    assert world.service.done["InitiateJob"] == 1
    assert evidence(world) == [Evidence.SEEN] * 3


def test_waiting_is_done_by_the_clock(slow_world: World, folder: Path) -> None:
    """--wait looks again at growing intervals until the inventory is there."""
    world = slow_world
    world.upload(folder)
    world.clock.turn(days=2)
    before = world.clock.now()

    done = world.sync(wait=True)

    assert done.exit is Exit.DONE
    assert timedelta(hours=4) <= world.clock.now() - before < timedelta(hours=5)
    assert world.service.done["DescribeJob"] < 50


def test_what_was_sent_after_the_inventory_is_too_recent(slow_world: World, folder: Path) -> None:
    """An inventory that is a day old says nothing about what was sent since; that is no finding for a person."""
    world = slow_world
    world.upload(folder)
    world.clock.turn(days=2)
    folder.joinpath("new.txt").write_bytes(b"new")
    world.upload(folder)

    world.sync()
    world.clock.turn(hours=5)
    done = world.sync()

    assert (done.findings, done.exit) == ({"confirmed": 3, "too-recent": 1}, Exit.DONE)
    assert sorted(evidence(world)) == [Evidence.ACKNOWLEDGED, *[Evidence.SEEN] * 3]


def test_a_vault_without_an_inventory(slow_world: World, folder: Path) -> None:
    """A new vault has no inventory for a day: exit 4, nothing is left open, and the next day it works."""
    world = slow_world
    world.upload(folder)

    first = world.sync(wait=True)
    assert (first.waiting, first.date, first.exit) == (False, None, Exit.WAITING)
    with world.catalog.read() as records:
        assert records.inventories.open(world.vault.vault_id) is None
        assert records.jobs.open() == []

    world.clock.turn(days=2)
    assert world.sync(wait=True).findings == {"confirmed": 3}


def test_an_inventory_nobody_collected_is_asked_for_again(slow_world: World, folder: Path) -> None:
    """Its output lives a day. After that poll asks anew, and the one after collects."""
    world = slow_world
    world.upload(folder)
    world.clock.turn(days=2)
    world.sync()
    world.clock.turn(days=3)

    late = world.poll()
    world.clock.turn(hours=5)
    done = world.poll()

    assert (late.inventories_waiting, late.exit) == (1, Exit.DONE)
    assert (done.inventories_finished, done.exit) == (1, Exit.DONE)
    assert any(isinstance(each, Noted) and "expired" in each.sentence for each in world.told)
    assert evidence(world) == [Evidence.SEEN] * 3


def test_the_request_is_written_down_before_it_is_made(world: World, folder: Path) -> None:
    """Cut off after the service took the request: the next run finds its job and asks for none."""
    world.upload(folder)
    world.service.after = once("InitiateJob")

    with pytest.raises(ServiceUnreachable):
        world.sync()
    done = world.sync()

    assert done.findings == {"confirmed": 3}
    assert world.service.done["InitiateJob"] == 1


def test_a_vault_that_is_gone(world: World) -> None:
    """A vault the service does not know is exit 10, and leaves nothing open."""
    vault = world.another_vault("local:other")
    store = world.store_of(vault)
    store.delete_vault()

    with pytest.raises(VaultMissing) as caught:
        world.sync(vault=vault, store=store)

    assert caught.value.exit is Exit.NO_VAULT
    assert world.poll().exit is Exit.DONE


def test_two_at_once(world: World) -> None:
    """While another gk is at the vault's inventory this one says so, and does nothing."""
    holding = lease(
        f"inventory {world.vault.address}", catalog=world.catalog, clock=world.clock, host="there"
    )
    with holding, pytest.raises(Locked):
        world.sync()
    assert world.sync().exit is Exit.DONE


def test_an_empty_vault(world: World) -> None:
    """Nothing listed and nothing recorded is nothing found."""
    done = world.sync()
    assert (done.archives, done.findings, done.exit) == (0, {}, Exit.DONE)


def test_nothing_is_asked_for_when_only_looking(world: World) -> None:
    """Without *request* a vault with no inventory under way is left alone."""
    done = sync_inventory(
        world.vault, catalog=world.catalog, store=world.store, clock=world.clock, host=HOST, request=False
    )
    assert (done.waiting, done.exit) == (False, Exit.DONE)
    assert world.service.done["InitiateJob"] == 0


@pytest.fixture
def asked_elsewhere(world: World) -> Callable[[dict[str, object]], None]:
    """Let the inventory under way be one that some other program asked for, with these parameters."""

    def ask(parameters: dict[str, object]) -> None:
        client = boto3.client(
            "glacier", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        attach(client, world.service)
        reply = client.initiate_job(
            vaultName="photos", jobParameters={"Type": "inventory-retrieval", **parameters}
        )
        with world.catalog.write() as records:
            key = records.jobs.intend(
                world.vault.vault_id, "0" * 26, JobAction.INVENTORY, None, None, Tier.STANDARD
            )
            records.jobs.update(key, progress=JobProgress.REQUESTED, job_id=reply["jobId"])
            records.inventories.request(world.vault.vault_id, key)

    return ask


def test_a_filtered_inventory_is_never_taken_for_a_full_one(
    world: World, folder: Path, asked_elsewhere: Callable[[dict[str, object]], None]
) -> None:
    """An inventory of one archive says nothing about the others: none is missing, none is seen by its date."""
    world.upload(folder)
    world.clock.turn(days=9)
    asked_elsewhere({"Format": "JSON", "InventoryRetrievalParameters": {"Limit": "1"}})

    done = world.sync()

    assert (done.archives, done.findings, done.exit) == (1, {"confirmed": 1}, Exit.DONE)
    assert evidence(world) == [Evidence.ACKNOWLEDGED] * 3
    with world.catalog.read() as records:
        assert records.vaults.by_id(world.vault.vault_id).inventory_date is None
        assert records.inventories.latest(world.vault.vault_id) == []


def test_an_inventory_in_csv(
    world: World, folder: Path, asked_elsewhere: Callable[[dict[str, object]], None]
) -> None:
    """CSV is read as well; it has no date, so the moment of asking stands for it."""
    world.upload(folder)
    asked_elsewhere({"Format": "CSV"})

    done = world.sync()

    assert (done.findings, done.date) == ({"confirmed": 3}, world.clock.now())


def test_the_lines_of_an_inventory_do_not_stay(world: World, folder: Path) -> None:
    """A million lines are needed once: after the reconciliation they are gone from the catalog."""
    world.upload(folder)
    world.sync()
    with world.catalog.read() as records:
        (latest,) = records.inventories.latest(world.vault.vault_id)
    assert latest.state is InventoryState.RECONCILED
    assert list(world.catalog.listed_rows(latest.inventory_id)) == []


def test_the_description_of_our_job_says_whose_it_is(world: World) -> None:
    """Jobs carry a token, by which they are found again, and nothing else."""
    world.sync()
    (job,) = world.store.list_jobs()
    with world.catalog.read() as records:
        (ours,) = records.jobs.all()
    assert job.description == f"gk {ours.token}"
