"""Notification configurations of vaults; that messages are sent is shown in test_publishing."""

import json
from typing import Any

import pytest

INVALID = "InvalidParameterValueException"
MISSING = "MissingParameterValueException"
SERIALIZATION = "SerializationException"
TOPIC = "arn:aws:sns:us-east-1:111122223333:my_topic-1"
PATH = "/-/vaults/photos/notification-configuration"
BOTH = ["ArchiveRetrievalCompleted", "InventoryRetrievalCompleted"]


def configure(world: Any, events: list[str], topic: str = TOPIC) -> Any:
    wanted = {"SNSTopic": topic, "Events": events}
    return world.client.set_vault_notifications(vaultName="photos", vaultNotificationConfig=wanted)


def test_what_was_set_is_given_back(world: Any) -> None:
    """Topic and events are as they were set, a repeated event aside; setting again replaces them."""
    assert configure(world, BOTH[::-1])["ResponseMetadata"]["HTTPStatusCode"] == 204
    body = json.dumps({"Events": BOTH[::-1], "SNSTopic": TOPIC}, separators=(",", ":")).encode()
    assert world.send("GET", PATH)[2] == body
    configure(world, BOTH[:1] * 2, TOPIC + "x")
    shown = world.client.get_vault_notifications(vaultName="photos")["vaultNotificationConfig"]
    assert shown == {"SNSTopic": TOPIC + "x", "Events": BOTH[:1]}


def test_what_is_not_set_is_not_found(world: Any) -> None:
    """Before it is set and after it is deleted there is no configuration; deleting none is no error."""
    arn = "arn:aws:glacier:us-east-1:000000000000:vaults/photos"
    wanted = (404, "ResourceNotFoundException", f"No notification configuration is set for vault: {arn}")
    for _ in range(2):
        assert world.refusal(world.client.get_vault_notifications, vaultName="photos") == wanted
        configure(world, BOTH)
        answer = world.client.delete_vault_notifications(vaultName="photos")
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
        world.client.delete_vault_notifications(vaultName="photos")


def test_a_new_vault_of_the_same_name_has_none(world: Any) -> None:
    """The configuration goes with its vault."""
    configure(world, BOTH)
    world.client.delete_vault(vaultName="photos")
    world.client.create_vault(vaultName="photos")
    assert world.refusal(world.client.get_vault_notifications, vaultName="photos")[0] == 404


def test_unknown_vaults_have_none(world: Any) -> None:
    """Each of the three operations is a 404 for a vault that is not there."""
    wanted = {"SNSTopic": TOPIC, "Events": BOTH}
    calls = (
        (world.client.get_vault_notifications, {}),
        (world.client.delete_vault_notifications, {}),
        (world.client.set_vault_notifications, {"vaultNotificationConfig": wanted}),
    )
    for call, more in calls:
        answer = world.refusal(call, vaultName="nowhere", **more)
        assert answer[2] == "Vault not found for ARN: arn:aws:glacier:us-east-1:000000000000:vaults/nowhere"


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b"", MISSING, "Required parameter missing: vaultNotificationConfig"),
        (b"{}", MISSING, "Required parameter missing: SNSTopic"),
        ({"SNSTopic": None, "Events": BOTH}, MISSING, "Required parameter missing: SNSTopic"),
        ({"SNSTopic": TOPIC}, MISSING, "Required parameter missing: Events"),
        ({"SNSTopic": TOPIC, "Events": []}, MISSING, "Required parameter missing: Events"),
        ({"SNSTopic": TOPIC, "Events": ["Done"]}, INVALID, "Invalid Events: Done"),
        ({"SNSTopic": TOPIC, "Events": [BOTH[0], ""]}, INVALID, "Invalid Events: "),
        ({"SNSTopic": "topic", "Events": BOTH}, INVALID, "Invalid SNSTopic: topic"),
        ({"SNSTopic": TOPIC + ":x", "Events": BOTH}, INVALID, f"Invalid SNSTopic: {TOPIC}:x"),
        ({"SNSTopic": 1, "Events": BOTH}, SERIALIZATION, None),
        ({"SNSTopic": TOPIC, "Events": BOTH[0]}, SERIALIZATION, None),
        ({"SNSTopic": TOPIC, "Events": [1]}, SERIALIZATION, None),
        ([], SERIALIZATION, None),
    ],
)
def test_wrong_configurations_are_refused(world: Any, body: Any, code: str, message: str | None) -> None:
    """A topic and at least one of the two events are needed; a refused configuration leaves none behind."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, _, answer = world.send("PUT", PATH, body=sent)
    assert (status, json.loads(answer)["code"]) == (400, code)
    assert message is None or json.loads(answer)["message"] == message
    assert world.send("GET", PATH)[0] == 404


def test_topics_are_of_the_vaults_region(world: Any) -> None:
    """A topic of another region is refused in the service's own words, for a vault and for a job."""
    topic = "arn:aws:sns:eu-west-1:111122223333:t"
    wanted = (400, INVALID, f"SNS topics must be in the local AWS region: {topic}")
    assert world.refusal(configure, world=world, events=BOTH, topic=topic) == wanted
    parameters = {"Type": "inventory-retrieval", "SNSTopic": topic}
    call = world.client.initiate_job
    assert world.refusal(call, vaultName="photos", jobParameters=parameters) == wanted
