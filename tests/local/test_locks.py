"""Vault locks: a policy tried for a day, then made to last; and what it keeps from being deleted."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from glacierkeep.local import LocalGlacier

OWNER = "000000000000"
ARN = f"arn:aws:glacier:us-east-1:{OWNER}:vaults/photos"
DENIED = (403, "AccessDeniedException")
NOT_FOUND = (404, "ResourceNotFoundException", f"No vault lock policy is set for: {ARN}")
PATH = "/-/vaults/photos/lock-policy"


def policy(action: Any = "glacier:DeleteArchive", effect: str = "Deny", **condition: Any) -> str:
    """The text of a policy with one statement."""
    statement = {"Effect": effect, "Principal": "*", "Action": action, "Resource": [ARN]}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


FOR_A_YEAR = policy(NumericLessThan={"glacier:ArchiveAgeInDays": "365"})


def initiate(world: Any, text: str = FOR_A_YEAR) -> str:
    answer = world.client.initiate_vault_lock(vaultName="photos", policy={"Policy": text})
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    return str(answer["lockId"])


def complete(world: Any, lock_id: str) -> Any:
    return world.client.complete_vault_lock(vaultName="photos", lockId=lock_id)


def lock(world: Any, text: str = FOR_A_YEAR) -> str:
    lock_id = initiate(world, text)
    complete(world, lock_id)
    return lock_id


def abort(world: Any) -> Any:
    return world.client.abort_vault_lock(vaultName="photos")


def state(world: Any) -> str:
    return str(world.client.get_vault_lock(vaultName="photos")["State"])


def forbidden(action: str) -> tuple[int, str, str]:
    user = f"User: arn:aws:iam::{OWNER}:root is not authorized to perform: glacier:{action}"
    return (*DENIED, f"{user} on resource: {ARN} with an explicit deny in a resource-based policy")


def test_a_lock_is_initiated_and_completed(world: Any) -> None:
    """An id of 24 characters; InProgress for 24 hours, then Locked without an end; nulls are spelt out."""
    lock_id = initiate(world)
    assert re.fullmatch(r"[A-Za-z0-9_-]{24}", lock_id)
    shown = {
        "CreationDate": "2026-03-01T12:00:00.250Z",
        "ExpirationDate": "2026-03-02T12:00:00.250Z",
        "Policy": FOR_A_YEAR,
        "State": "InProgress",
    }
    assert json.loads(world.send("GET", PATH)[2]) == shown
    world.clock.turn(hours=23)
    assert complete(world, lock_id)["ResponseMetadata"]["HTTPStatusCode"] == 204
    world.clock.turn(days=10_000)
    status, headers, body = world.send("GET", PATH)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(body) == {**shown, "ExpirationDate": None, "State": "Locked"}


def test_a_lock_in_progress_expires_after_a_day(world: Any) -> None:
    """24 hours of the service's clock later it is gone with its id and its effect, and another may be initiated."""
    archive = world.upload()
    lock_id = initiate(world)
    world.service.advance(timedelta(hours=24, milliseconds=-1))
    assert state(world) == "InProgress"
    delete = {"vaultName": "photos", "archiveId": archive}
    assert world.refusal(world.client.delete_archive, **delete) == forbidden("DeleteArchive")
    world.service.advance(timedelta(milliseconds=1))
    assert world.refusal(world.client.get_vault_lock, vaultName="photos") == NOT_FOUND
    assert world.refusal(complete, world=world, lock_id=lock_id) == NOT_FOUND
    world.client.delete_archive(**delete)
    assert initiate(world) != lock_id
    assert world.refusal(complete, world=world, lock_id=lock_id)[0] == 400


def test_a_lock_in_progress_can_be_aborted(world: Any) -> None:
    """Abort is no error in progress, nor when there is no lock; afterwards there is none, and nothing is denied."""
    assert abort(world)["ResponseMetadata"]["HTTPStatusCode"] == 204
    archive = world.upload()
    lock_id = initiate(world)
    for _ in range(2):
        assert abort(world)["ResponseMetadata"]["HTTPStatusCode"] == 204
        assert world.refusal(world.client.get_vault_lock, vaultName="photos") == NOT_FOUND
    assert world.refusal(complete, world=world, lock_id=lock_id) == NOT_FOUND
    world.client.delete_archive(vaultName="photos", archiveId=archive)


def test_one_lock_at_a_time(world: Any) -> None:
    """Initiating is denied while a lock is in progress, and for ever once it is complete; the policy stays."""
    lock_id = initiate(world)
    again = {"vaultName": "photos", "policy": {"Policy": policy("glacier:*")}}
    told = world.refusal(world.client.initiate_vault_lock, **again)
    assert told == (*DENIED, f"The vault is being locked: {ARN}")
    complete(world, lock_id)
    world.clock.turn(days=1000)
    told = world.refusal(world.client.initiate_vault_lock, **again)
    assert told == (*DENIED, f"The vault is locked: {ARN}")
    assert world.client.get_vault_lock(vaultName="photos")["Policy"] == FOR_A_YEAR


def test_a_complete_lock_stays(world: Any) -> None:
    """Abort is denied; Complete with its own id is no error, with any other it is denied."""
    lock_id = lock(world)
    locked = (*DENIED, f"The vault is locked: {ARN}")
    assert world.refusal(abort, world=world) == locked
    assert complete(world, lock_id)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert world.refusal(complete, world=world, lock_id="A" * 24) == locked
    assert state(world) == "Locked"


def test_another_id_does_not_complete_a_lock(world: Any) -> None:
    """In progress a wrong id is an invalid parameter, and the lock stays in progress."""
    initiate(world)
    told = world.refusal(complete, world=world, lock_id="A" * 24)
    assert told == (400, "InvalidParameterValueException", f"Invalid lock ID: {'A' * 24}")
    assert state(world) == "InProgress"


def test_without_a_lock_there_is_nothing_to_complete(world: Any) -> None:
    """Complete and Get are 404; an unknown vault is named in all four operations."""
    assert world.refusal(complete, world=world, lock_id="A" * 24) == NOT_FOUND
    assert world.refusal(world.client.get_vault_lock, vaultName="photos") == NOT_FOUND
    unknown = {"vaultName": "nowhere"}
    wanted = (
        404,
        "ResourceNotFoundException",
        f"Vault not found for ARN: {ARN.replace('photos', 'nowhere')}",
    )
    client = world.client
    assert world.refusal(client.initiate_vault_lock, **unknown, policy={"Policy": FOR_A_YEAR}) == wanted
    assert world.refusal(client.get_vault_lock, **unknown) == wanted
    assert world.refusal(client.abort_vault_lock, **unknown) == wanted
    assert world.refusal(client.complete_vault_lock, **unknown, lockId="A" * 24) == wanted


def test_a_lock_needs_a_policy(world: Any) -> None:
    """What is no policy is refused in the words of the real service, and does not lock."""
    status, _, body = world.send("POST", PATH)
    assert (status, json.loads(body)["message"]) == (400, "Required parameter missing: Policy")
    sent = {"vaultName": "photos", "policy": {"Policy": "{Version:2012-10-17}"}}
    status, code, message = world.refusal(world.client.initiate_vault_lock, **sent)
    assert (status, code) == (400, "InvalidParameterValueException")
    assert message.startswith("The specified vault lock policy is invalid. Provide a valid policy. ")
    assert world.refusal(world.client.get_vault_lock, vaultName="photos") == NOT_FOUND


def test_an_archive_must_grow_old_enough(world: Any) -> None:
    """Under a lock for 365 days an archive of 100 days cannot be deleted, and can as soon as it has 365."""
    lock(world)
    old = world.upload(b"old")
    world.service.advance(timedelta(days=100))
    young = world.upload(b"young")
    delete = world.client.delete_archive
    assert world.refusal(delete, vaultName="photos", archiveId=old) == forbidden("DeleteArchive")
    world.service.advance(timedelta(days=265, milliseconds=-1))
    assert world.refusal(delete, vaultName="photos", archiveId=old) == forbidden("DeleteArchive")
    assert world.retrieve(old) == b"old"
    world.clock.turn(seconds=0.001)
    delete(vaultName="photos", archiveId=old)
    assert world.refusal(delete, vaultName="photos", archiveId=young) == forbidden("DeleteArchive")
    assert world.retrieve(young) == b"young"


def test_age_counts_whole_days(world: Any) -> None:
    """At most 365 days is a condition that holds until the 366th day is full, in the guide's other spelling too."""
    archive = world.upload()
    lock(world, policy(NumericLessThanEquals={"glacier:ArchiveAgeinDays": "365"}))
    delete = {"vaultName": "photos", "archiveId": archive}
    world.clock.turn(days=366, seconds=-1)
    assert world.refusal(world.client.delete_archive, **delete) == forbidden("DeleteArchive")
    world.clock.turn(seconds=1)
    world.client.delete_archive(**delete)


def test_age_is_known_of_retrievals_too(world: Any) -> None:
    """InitiateJob of an archive has its age; an inventory has none, nor has an archive of another vault."""
    archive = world.upload()
    lock(world, policy("glacier:InitiateJob", NumericLessThan={"glacier:ArchiveAgeInDays": 2}))
    wanted = {"Type": "archive-retrieval", "ArchiveId": archive}
    initiate_job = {"vaultName": "photos", "jobParameters": wanted}
    assert world.refusal(world.client.initiate_job, **initiate_job) == forbidden("InitiateJob")
    world.start_inventory()
    unknown = {"vaultName": "photos", "jobParameters": {**wanted, "ArchiveId": "A" * 138}}
    assert world.refusal(world.client.initiate_job, **unknown)[0] == 404
    world.clock.turn(days=2)
    assert world.retrieve(archive) == b"content"


def test_multipart_archives_are_as_old_as_their_completion(world: Any) -> None:
    """The age of an archive begins when it is stored."""
    lock(world)
    upload = world.initiate()
    world.part(upload, 0, b"part")
    world.clock.turn(hours=23)
    archive = world.complete(upload, b"part")
    delete = {"vaultName": "photos", "archiveId": archive}
    world.clock.turn(days=364, hours=23)
    assert world.refusal(world.client.delete_archive, **delete) == forbidden("DeleteArchive")
    world.clock.turn(hours=1)
    world.client.delete_archive(**delete)


def test_a_legal_hold_outlasts_the_age(world: Any) -> None:
    """The guide's second example: whatever its age, no archive goes while the vault has the tag."""
    hold = json.loads(policy(StringLike={"glacier:ResourceTag/LegalHold": ["true", ""]}))
    may = json.loads(policy(effect="Allow", NumericLessThan={"glacier:ArchiveAgeInDays": "365"}))
    lock(world, json.dumps({**hold, "Statement": hold["Statement"] + may["Statement"]}))
    first, second = world.upload(b"first"), world.upload(b"second")
    world.client.delete_archive(vaultName="photos", archiveId=first)
    delete = {"vaultName": "photos", "archiveId": second}
    for value in ("true", ""):
        world.client.add_tags_to_vault(vaultName="photos", Tags={"LegalHold": value})
        assert world.refusal(world.client.delete_archive, **delete) == forbidden("DeleteArchive")
    world.client.remove_tags_from_vault(vaultName="photos", TagKeys=["LegalHold"])
    world.client.delete_archive(**delete)


def test_no_access_policy_opens_a_lock(world: Any) -> None:
    """What the lock denies stays denied though the access policy allows it; both are there at once."""
    archive = world.upload()
    lock(world)
    text = policy("glacier:*", "Allow")
    world.client.set_vault_access_policy(vaultName="photos", policy={"Policy": text})
    told = world.refusal(world.client.delete_archive, vaultName="photos", archiveId=archive)
    assert told == forbidden("DeleteArchive")
    assert world.client.get_vault_access_policy(vaultName="photos")["policy"]["Policy"] == text


def test_an_empty_locked_vault_can_be_deleted(world: Any) -> None:
    """Unless the lock denies just that; a new vault of that name has no lock."""
    lock(world)
    world.client.delete_vault(vaultName="photos")
    world.client.create_vault(vaultName="photos")
    assert world.refusal(world.client.get_vault_lock, vaultName="photos") == NOT_FOUND
    lock(world, policy("glacier:DeleteVault"))
    assert world.refusal(world.client.delete_vault, vaultName="photos") == forbidden("DeleteVault")


def test_locks_survive_a_restart(world: Any) -> None:
    """A new instance on the same folder knows the lock, its id and its effect."""
    archive = world.upload()
    lock_id = lock(world)
    world.service.close()
    service = LocalGlacier(world.service.folder, clock=world.clock)
    again = type(world)(service, world.clock, world.client_of(service))
    assert state(again) == "Locked"
    complete(again, lock_id)
    told = again.refusal(again.client.delete_archive, vaultName="photos", archiveId=archive)
    assert told == forbidden("DeleteArchive")
    service.close()


@pytest.mark.parametrize("seconds", [0, 86_399])
def test_a_lock_in_progress_denies_like_a_complete_one(slow_world: Any, seconds: int) -> None:
    """In realistic mode too, the policy takes full effect from initiation on."""
    archive = slow_world.upload()
    initiate(slow_world)
    slow_world.clock.turn(seconds=seconds)
    told = slow_world.refusal(slow_world.client.delete_archive, vaultName="photos", archiveId=archive)
    assert told == forbidden("DeleteArchive")
