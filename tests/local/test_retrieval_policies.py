"""Data retrieval policies: how they are set, and which retrievals they refuse."""

import json
from typing import Any

import pytest

from glacierkeep.local import LocalGlacier

INVALID = "InvalidParameterValueException"
MISSING = "MissingParameterValueException"
SERIALIZATION = "SerializationException"
MIB = 1024 * 1024
PATH = "/-/policies/data-retrieval"
ENFORCED = (
    400,
    "PolicyEnforcedException",
    "InitiateJob request denied by current data retrieval policy.",
)


def put(world: Any, strategy: str, rate: int | None = None) -> Any:
    rule = {"Strategy": strategy, **({} if rate is None else {"BytesPerHour": rate})}
    return world.client.set_data_retrieval_policy(Policy={"Rules": [rule]})


def refused(world: Any, archive: str, **more: str) -> bool:
    """Whether a retrieval is denied by the policy, and then leaves no job behind."""
    before = len(world.client.list_jobs(vaultName="photos")["JobList"])
    answer = world.refusal(world.start_retrieval, archive_id=archive, **more)
    after = len(world.client.list_jobs(vaultName="photos")["JobList"])
    return bool(answer == ENFORCED and before == after)


def test_nothing_is_limited_at_first(world: Any) -> None:
    """Until one is set the policy is one rule with the strategy None, which refuses nothing."""
    assert world.send("GET", PATH)[2] == b'{"Policy":{"Rules":[{"Strategy":"None"}]}}'
    world.retrieve(world.upload())


def test_what_was_set_is_given_back(world: Any) -> None:
    """The bytes per hour are there with their strategy only, and None can be set again."""
    assert put(world, "BytesPerHour", 2**63 - 1)["ResponseMetadata"]["HTTPStatusCode"] == 204
    body = b'{"Policy":{"Rules":[{"BytesPerHour":9223372036854775807,"Strategy":"BytesPerHour"}]}}'
    assert world.send("GET", PATH)[2] == body
    put(world, "FreeTier")
    assert world.send("GET", PATH)[2] == b'{"Policy":{"Rules":[{"Strategy":"FreeTier"}]}}'
    put(world, "None")
    assert world.send("GET", PATH)[2] == b'{"Policy":{"Rules":[{"Strategy":"None"}]}}'


@pytest.mark.parametrize(
    ("policy", "code", "message"),
    [
        (None, MISSING, "Required parameter missing: Policy"),
        ({}, MISSING, "Required parameter missing: Policy"),
        ({"Rules": []}, MISSING, "Required parameter missing: Rules"),
        ({"Rules": None}, MISSING, "Required parameter missing: Rules"),
        ({"Rules": [{}]}, MISSING, "Required parameter missing: Strategy"),
        ({"Rules": [{"Strategy": "All"}]}, INVALID, "Invalid Strategy: All"),
        ({"Rules": [{"Strategy": "none"}]}, INVALID, "Invalid Strategy: none"),
        ({"Rules": [{"Strategy": "BytesPerHour"}]}, MISSING, "Required parameter missing: BytesPerHour"),
        ({"Rules": [{"Strategy": "None", "BytesPerHour": 1}]}, INVALID, None),
        ({"Rules": [{"Strategy": "FreeTier", "BytesPerHour": 1}]}, INVALID, None),
        ({"Rules": [{"Strategy": "FreeTier"}, {"Strategy": "None"}]}, INVALID, None),
        ({"Rules": [{"Strategy": "BytesPerHour", "BytesPerHour": 0}]}, INVALID, "Invalid BytesPerHour: 0"),
        ({"Rules": [{"Strategy": "BytesPerHour", "BytesPerHour": -1}]}, INVALID, "Invalid BytesPerHour: -1"),
        ({"Rules": [{"Strategy": "BytesPerHour", "BytesPerHour": 2**63}]}, INVALID, None),
        ({"Rules": [{"Strategy": "BytesPerHour", "BytesPerHour": 1.5}]}, SERIALIZATION, None),
        ({"Rules": [{"Strategy": "BytesPerHour", "BytesPerHour": "1"}]}, SERIALIZATION, None),
        ({"Rules": [{"Strategy": "BytesPerHour", "BytesPerHour": True}]}, SERIALIZATION, None),
        ({"Rules": [{"Strategy": 1}]}, SERIALIZATION, None),
        ({"Rules": ["None"]}, SERIALIZATION, None),
        ({"Rules": {"Strategy": "None"}}, SERIALIZATION, None),
        ("None", SERIALIZATION, None),
    ],
)
def test_wrong_policies_are_refused(world: Any, policy: Any, code: str, message: str | None) -> None:
    """A policy is exactly one rule, with a rate exactly when its strategy wants one; a wrong one changes nothing."""
    put(world, "FreeTier")
    status, _, body = world.send("PUT", PATH, body=json.dumps({"Policy": policy}).encode())
    assert (status, json.loads(body)["code"]) == (400, code)
    assert message is None or json.loads(body)["message"] == message
    shown = world.client.get_data_retrieval_policy()["Policy"]
    assert shown == {"Rules": [{"Strategy": "FreeTier"}]}


def test_null_is_as_if_absent(world: Any) -> None:
    """A rate of null is none."""
    body = json.dumps({"Policy": {"Rules": [{"Strategy": "None", "BytesPerHour": None}]}}).encode()
    assert world.send("PUT", PATH, body=body)[0] == 204


@pytest.mark.parametrize("mode", ["world", "slow_world"])
def test_the_rate_of_jobs_in_progress_is_limited(request: pytest.FixtureRequest, mode: str) -> None:
    """In both modes: all bytes asked for within four hours, spread over four hours, may reach the rate."""
    world = request.getfixturevalue(mode)
    archive = world.upload(world.some_bytes(4 * MIB))
    put(world, "BytesPerHour", 2 * MIB)
    world.start_retrieval(archive, RetrievalByteRange=f"0-{2 * MIB - 1}")
    world.clock.turn(hours=1)
    world.start_retrieval(archive)
    world.start_retrieval(archive, RetrievalByteRange=f"0-{2 * MIB - 1}")
    part = {"RetrievalByteRange": f"0-{MIB - 1}"}
    assert refused(world, archive, **part)
    world.clock.turn(hours=3, milliseconds=-1)
    assert refused(world, archive, **part)
    world.clock.turn(milliseconds=1)
    world.start_retrieval(archive, RetrievalByteRange=f"0-{2 * MIB - 1}")
    assert refused(world, archive, **part)


def test_one_retrieval_may_be_too_much(world: Any) -> None:
    """An archive of more than four hours' bytes is never retrieved at once, by a byte."""
    archive = world.upload(b"12345678")
    put(world, "BytesPerHour", 1)
    assert refused(world, archive)
    put(world, "BytesPerHour", 2)
    assert world.retrieve(archive) == b"12345678"


def test_only_standard_retrievals_are_limited(world: Any) -> None:
    """Expedited and Bulk retrievals and inventories are neither refused nor counted."""
    archive = world.upload(b"12345678")
    put(world, "BytesPerHour", 2)
    for tier in ("Expedited", "Bulk"):
        world.start_retrieval(archive, Tier=tier)
    world.start_inventory()
    world.start_retrieval(archive)
    assert refused(world, archive, Tier="Standard")
    for tier in ("Expedited", "Bulk"):
        world.start_retrieval(archive, Tier=tier)
    world.start_inventory()


def test_a_policy_is_of_one_account_and_region(world: Any) -> None:
    """Another region, and another account, has its own policy and its own retrievals."""
    put(world, "BytesPerHour", 1)
    for more in ({"region": "eu-west-1"}, {"account": "111122223333"}):
        service = LocalGlacier(world.service.folder, clock=world.clock, **more)
        other = type(world)(service, world.clock, world.client_of(service))
        other.client.create_vault(vaultName="photos")
        archive = other.upload(b"12345678")
        other.retrieve(archive)
        put(other, "BytesPerHour", 4)
        other.retrieve(archive)
        assert refused(other, archive)
        service.close()
    world.retrieve(world.upload(b"1234"))


def test_what_is_not_found_is_not_a_matter_of_policy(world: Any) -> None:
    """An unknown archive is a 404 and a wrong range a 400 whatever the policy."""
    put(world, "BytesPerHour", 1)
    archive = world.upload(b"12345678")
    assert world.refusal(world.start_retrieval, archive_id="x" * 138)[0] == 404
    wrong = world.refusal(world.start_retrieval, archive_id=archive, RetrievalByteRange="1-2")
    assert wrong[:2] == (400, INVALID)


def fill(world: Any, archive: str, size: int) -> None:
    """Let retrievals of *size* bytes be on record, as no test could upload them."""
    job = world.start_retrieval(archive)
    with world.service._state.writing() as db:
        db.execute("UPDATE jobs SET stop = ? WHERE id = ?", (size, job))


def test_the_free_tier_is_a_daily_allowance(world: Any) -> None:
    """Each UTC day has its share of 10 GiB a month, by the month's days: what was asked for before counts too."""
    archive = world.upload(b"1234567")
    share = 10 * 2**30 // 31
    fill(world, archive, share - 7)
    put(world, "FreeTier")
    world.retrieve(archive)
    assert refused(world, archive)
    world.clock.turn(hours=11, minutes=59, seconds=59, milliseconds=749)
    assert refused(world, archive)
    world.clock.turn(milliseconds=1)
    world.retrieve(archive)


@pytest.mark.parametrize(("days", "length"), [(0, 31), (31, 30), (-5, 28), (702, 29)])
def test_the_share_of_a_day_is_by_the_length_of_its_month(world: Any, days: int, length: int) -> None:
    """March, April, a February and one of a leap year: the allowance is exact to the byte."""
    world.clock.turn(days=days)
    archive = world.upload(b"1")
    put(world, "FreeTier")
    fill(world, archive, 10 * 2**30 // length)
    assert refused(world, archive)
    world.clock.turn(days=1)
    fill(world, archive, 10 * 2**30 // length - 1)
    world.retrieve(archive)
    assert refused(world, archive)
