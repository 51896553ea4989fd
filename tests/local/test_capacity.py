"""Provisioned capacity, and Expedited retrievals that are more than there is capacity for."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from glacierkeep.local import LocalGlacier

PATH = "/-/provisioned-capacity"
SHORT = (503, "InsufficientCapacityException", "Insufficient capacity to process this expedited request.")


def listed(world: Any) -> Any:
    return world.client.list_provisioned_capacity()["ProvisionedCapacityList"]


def test_an_account_without_units_has_an_empty_list(world: Any) -> None:
    """No units are spelt out as an empty list."""
    assert world.send("GET", PATH)[2] == b'{"ProvisionedCapacityList":[]}'


def test_a_unit_is_purchased_for_a_month(world: Any) -> None:
    """The answer is 201 with an id of 24 characters; start and end are listed, the end in whole seconds."""
    answer = world.client.purchase_provisioned_capacity()
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert re.fullmatch(r"[A-Za-z0-9_-]{24}", answer["capacityId"])
    assert json.loads(world.send("GET", PATH)[2]) == {
        "ProvisionedCapacityList": [
            {
                "CapacityId": answer["capacityId"],
                "ExpirationDate": "2026-04-01T12:00:00.000Z",
                "StartDate": "2026-03-01T12:00:00.250Z",
            }
        ]
    }


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ((2017, 1, 31, 14, 26, 33, 31_000), "2017-02-28T14:26:33.000Z"),  # the developer guide's example
        ((2016, 12, 13, 20, 11, 51, 95_000), "2017-01-13T20:11:51.000Z"),  # and its other one
        ((2026, 8, 31), "2026-09-30T00:00:00.000Z"),
        ((2024, 1, 31), "2024-02-29T00:00:00.000Z"),
        ((2026, 1, 30), "2026-02-28T00:00:00.000Z"),
        ((2026, 2, 28), "2026-03-28T00:00:00.000Z"),
        ((2026, 12, 31), "2027-01-31T00:00:00.000Z"),
        ((2026, 5, 5, 5, 5, 5, 500_000), "2026-06-05T05:05:06.000Z"),
        ((2026, 3, 31, 23, 59, 59, 900_000), "2026-05-01T00:00:00.000Z"),
    ],
)
def test_a_month_ends_on_the_same_day_or_the_last(world: Any, start: tuple[int, ...], end: str) -> None:
    """A unit ends a month later to the nearest second, on the last day if that month has no such day."""
    world.clock.moment = datetime(*start, tzinfo=UTC)
    world.client.purchase_provisioned_capacity()
    assert listed(world)[0]["ExpirationDate"] == end


def test_two_units_are_the_most(world: Any) -> None:
    """A third unit is refused until one has expired, and those that have are not listed."""
    first = world.client.purchase_provisioned_capacity()["capacityId"]
    world.clock.turn(days=1)
    second = world.client.purchase_provisioned_capacity()["capacityId"]
    message = "The maximum number of provisioned capacity units has been reached: 2"
    wanted = (400, "LimitExceededException", message)
    assert world.refusal(world.client.purchase_provisioned_capacity) == wanted
    assert [unit["CapacityId"] for unit in listed(world)] == [first, second]
    world.clock.moment = datetime(2026, 4, 1, 12, tzinfo=UTC)
    assert [unit["CapacityId"] for unit in listed(world)] == [second]
    third = world.client.purchase_provisioned_capacity()["capacityId"]
    assert [unit["CapacityId"] for unit in listed(world)] == [second, third]


def test_units_are_of_one_account_and_region(world: Any) -> None:
    """Another region, and another account, has its own."""
    world.client.purchase_provisioned_capacity()
    for more in ({"region": "eu-west-1"}, {"account": "111122223333"}):
        service = LocalGlacier(world.service.folder, clock=world.clock, **more)
        assert world.client_of(service).list_provisioned_capacity()["ProvisionedCapacityList"] == []
        service.close()


def test_another_accounts_units_are_not_shown(world: Any) -> None:
    """Only the account itself may ask."""
    for method in ("GET", "POST"):
        status, _, body = world.send(method, "/111122223333/provisioned-capacity")
        assert (status, json.loads(body)["code"]) == (403, "AccessDeniedException")


def expedite(world: Any, archive: str, count: int) -> None:
    """As many Expedited retrievals are accepted, and the next one is not; other tiers always are."""
    for _ in range(count):
        world.start_retrieval(archive, Tier="Expedited")
    assert world.refusal(world.start_retrieval, archive_id=archive, Tier="Expedited") == SHORT
    world.start_retrieval(archive, Tier="Standard")
    world.start_retrieval(archive, Tier="Bulk")


@pytest.mark.parametrize("units", [0, 1, 2])
def test_expedited_retrievals_may_find_no_capacity(slow_world: Any, units: int) -> None:
    """In any five minutes three are accepted, and three more for each unit; the answer to others is a 503."""
    archive = slow_world.upload()
    for _ in range(units):
        slow_world.client.purchase_provisioned_capacity()
    expedite(slow_world, archive, 3 * (1 + units))
    slow_world.clock.turn(minutes=5, milliseconds=-1)
    assert slow_world.refusal(slow_world.start_retrieval, archive_id=archive, Tier="Expedited") == SHORT
    slow_world.clock.turn(milliseconds=1)
    expedite(slow_world, archive, 3 * (1 + units))


def test_the_five_minutes_slide(slow_world: Any) -> None:
    """Capacity comes back as each retrieval is five minutes past; a refused one takes none."""
    archive = slow_world.upload()
    for _ in range(3):
        slow_world.start_retrieval(archive, Tier="Expedited")
        slow_world.clock.turn(minutes=1)
    slow_world.refusal(slow_world.start_retrieval, archive_id=archive, Tier="Expedited")
    slow_world.clock.turn(minutes=2)
    expedite(slow_world, archive, 1)
    slow_world.clock.turn(minutes=1)
    expedite(slow_world, archive, 1)


def test_the_error_is_the_servers(slow_world: Any) -> None:
    """Its type is Server, as the developer guide has it."""
    archive = slow_world.upload()
    body = json.dumps({"Type": "archive-retrieval", "ArchiveId": archive, "Tier": "Expedited"}).encode()
    answers = [slow_world.send("POST", "/-/vaults/photos/jobs", body=body) for _ in range(4)]
    assert [status for status, _, _ in answers] == [202, 202, 202, 503]
    assert json.loads(answers[3][2])["type"] == "Server"


def test_a_unit_that_has_expired_is_of_no_use(slow_world: Any) -> None:
    """Capacity ends with the unit."""
    archive = slow_world.upload()
    slow_world.client.purchase_provisioned_capacity()
    slow_world.clock.turn(days=31)
    expedite(slow_world, archive, 3)


def test_in_the_default_mode_there_is_always_capacity(world: Any) -> None:
    """Where jobs are finished at once none is refused."""
    archive = world.upload()
    for _ in range(20):
        world.start_retrieval(archive, Tier="Expedited")
