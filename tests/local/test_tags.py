"""Tags of vaults through a real client: limits, characters, and what becomes of them."""

import json
from typing import Any

import pytest

INVALID = "InvalidParameterValueException"
MISSING = "MissingParameterValueException"
SERIALIZATION = "SerializationException"
TAGS = "/-/vaults/photos/tags"


def add(world: Any, tags: Any) -> Any:
    return world.client.add_tags_to_vault(vaultName="photos", Tags=tags)


def remove(world: Any, *keys: str) -> Any:
    return world.client.remove_tags_from_vault(vaultName="photos", TagKeys=list(keys))


def listed(world: Any) -> Any:
    return world.client.list_tags_for_vault(vaultName="photos")["Tags"]


def test_a_vault_without_tags_has_an_empty_object(world: Any) -> None:
    """No tags are spelt out as an empty object."""
    assert world.send("GET", TAGS)[2] == b'{"Tags":{}}'


def test_tags_are_added_overwritten_and_removed(world: Any) -> None:
    """Adding is 204 and replaces the value of a known key; removing keys that are not there is no error."""
    assert add(world, {"owner": "ann", "empty": ""})["ResponseMetadata"]["HTTPStatusCode"] == 204
    add(world, {"owner": "bob", "Owner": "eve"})
    assert listed(world) == {"owner": "bob", "Owner": "eve", "empty": ""}
    assert remove(world, "owner", "never")["ResponseMetadata"]["HTTPStatusCode"] == 204
    remove(world, "owner")
    assert listed(world) == {"Owner": "eve", "empty": ""}


def test_tags_belong_to_one_vault_and_go_with_it(world: Any) -> None:
    """Another vault has none of them, nor has a new vault of the same name."""
    world.client.create_vault(vaultName="other")
    add(world, {"a": "b"})
    assert world.client.list_tags_for_vault(vaultName="other")["Tags"] == {}
    world.client.delete_vault(vaultName="photos")
    world.client.create_vault(vaultName="photos")
    assert listed(world) == {}


@pytest.mark.parametrize("key", ["k" * 128, "clé 𝔘 ９", "a_./=+-@", "日本", " "])
def test_letters_digits_blanks_and_some_marks_are_allowed(world: Any, key: str) -> None:
    """Keys of 1 to 128 and values of up to 255 letters and digits of Unicode, blanks and ``_ . / = + - @``."""
    add(world, {key: (key * 255)[:255]})
    assert listed(world) == {key: (key * 255)[:255]}
    remove(world, key)
    assert listed(world) == {}


@pytest.mark.parametrize("key", ["", "k" * 129, "a:b", "a\nb", "a#", "\x00", "\ud800", "e\u0301", "a\u00a0b"])
def test_other_keys_are_refused(world: Any, key: str) -> None:
    """A key that is too long, empty or has other characters is refused, when removed as well."""
    for operation, body in (("add", {"Tags": {key: "v"}}), ("remove", {"TagKeys": [key]})):
        sent = json.dumps(body).encode()
        status, _, answer = world.send("POST", TAGS, query=f"operation={operation}", body=sent)
        assert (status, json.loads(answer)["code"]) == (400, INVALID)
        assert json.loads(answer)["message"] == f"Invalid tag key: {key}"


@pytest.mark.parametrize("key", ["aws:x", "aws:", "AWS:x"])
def test_the_prefix_of_aws_is_reserved(world: Any, key: str) -> None:
    """Keys that begin with ``aws:`` are neither added nor removed."""
    wanted = (400, INVALID, f"Invalid tag key: {key}. The prefix aws: is reserved")
    assert world.refusal(add, world=world, tags={key: "v"}) == wanted
    call = world.client.remove_tags_from_vault
    assert world.refusal(call, vaultName="photos", TagKeys=[key]) == wanted


@pytest.mark.parametrize("value", ["v" * 256, "a:b", "a\tb"])
def test_other_values_are_refused(world: Any, value: str) -> None:
    """A value that is too long or has other characters is refused, and none of the request's tags is added."""
    wanted = (400, INVALID, f"Invalid tag value: {value}")
    assert world.refusal(add, world=world, tags={"good": "v", "k": value}) == wanted
    assert listed(world) == {}


def test_a_request_has_at_most_ten(world: Any) -> None:
    """Ten tags at once are added or removed, eleven are refused."""
    many = {f"k{at}": "v" for at in range(11)}
    wanted = (400, INVALID, "Invalid Tags: 11 tags, at most 10 are allowed in a request")
    assert world.refusal(add, world=world, tags=many) == wanted
    remove(world, *list(many)[:10])
    wanted = (400, INVALID, "Invalid TagKeys: 11 tags, at most 10 are allowed in a request")
    call = world.client.remove_tags_from_vault
    assert world.refusal(call, vaultName="photos", TagKeys=list(many)) == wanted


def test_a_vault_has_at_most_fifty(world: Any) -> None:
    """The 51st tag is refused with all that came with it; the value of a known key can still change."""
    for start in range(0, 50, 10):
        add(world, {f"k{at}": "v" for at in range(start, start + 10)})
    wanted = (400, "LimitExceededException", "The maximum number of tags has been reached: 50")
    assert world.refusal(add, world=world, tags={"k7": "new", "k50": "v"}) == wanted
    assert listed(world)["k7"] == "v"
    add(world, {"k7": "new"})
    assert (len(listed(world)), listed(world)["k7"]) == (50, "new")


@pytest.mark.parametrize(
    ("operation", "body", "code"),
    [
        ("add", b"", MISSING),
        ("add", b"{}", MISSING),
        ("add", b'{"Tags":{}}', MISSING),
        ("add", b'{"Tags":null}', MISSING),
        ("add", b'{"Tags":[]}', SERIALIZATION),
        ("add", b'{"Tags":{"a":1}}', SERIALIZATION),
        ("add", b'{"Tags":{"a":null}}', SERIALIZATION),
        ("remove", b"{}", MISSING),
        ("remove", b'{"TagKeys":[]}', MISSING),
        ("remove", b'{"TagsKeys":["a"]}', MISSING),
        ("remove", b'{"TagKeys":"a"}', SERIALIZATION),
        ("remove", b'{"TagKeys":[1]}', SERIALIZATION),
    ],
)
def test_bodies_that_are_no_tags_are_refused(world: Any, operation: str, body: bytes, code: str) -> None:
    """Tags are an object of strings, keys to remove a list of them, and neither may be absent or empty."""
    status, _, answer = world.send("POST", TAGS, query=f"operation={operation}", body=body)
    assert (status, json.loads(answer)["code"]) == (400, code)


def test_unknown_vaults_have_no_tags(world: Any) -> None:
    """Each of the three operations is a 404 for a vault that is not there."""
    calls = (
        (world.client.list_tags_for_vault, {}),
        (world.client.add_tags_to_vault, {"Tags": {"a": "b"}}),
        (world.client.remove_tags_from_vault, {"TagKeys": ["a"]}),
    )
    for call, more in calls:
        answer = world.refusal(call, vaultName="nowhere", **more)
        assert answer[:2] == (404, "ResourceNotFoundException")
