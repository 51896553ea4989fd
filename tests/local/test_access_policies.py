"""Access policies of vaults: kept as they were sent, and obeyed, by the owner and by other accounts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from glacierkeep.local import LocalGlacier
from glacierkeep.local.attach import attach
from glacierkeep.local.wire.keys import Key, Keys

OWNER, OTHER = "000000000000", "111122223333"
ARN = f"arn:aws:glacier:us-east-1:{OWNER}:vaults/photos"
INVALID = "InvalidParameterValueException"
PATH = "/-/vaults/photos/access-policy"


def policy(effect: str, action: Any, account: str = "*", resource: str = ARN, **condition: Any) -> str:
    """The text of a policy with one statement."""
    statement = {"Effect": effect, "Principal": {"AWS": account}, "Action": action, "Resource": resource}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def put(world: Any, text: str, vault: str = "photos") -> Any:
    return world.client.set_vault_access_policy(vaultName=vault, policy={"Policy": text})


def client_of_account(service: LocalGlacier, key: str, secret: str = "x") -> Any:
    """A client with that access key id, which is the account's number where signatures are not checked."""
    session = boto3.Session(aws_access_key_id=key, aws_secret_access_key=secret)
    retries: Any = {"total_max_attempts": 1, "mode": "standard"}
    client = session.client("glacier", region_name=service.region, config=Config(retries=retries))
    attach(client, service)
    return client


@pytest.fixture
def other(world: Any) -> Any:
    """A client of another account on the same service."""
    return client_of_account(world.service, OTHER)


def denied(action: str, account: str = OTHER, resource: str = ARN) -> tuple[int, str, str]:
    """What another account is told that was not allowed to."""
    user = f"User: arn:aws:iam::{account}:root is not authorized to perform: glacier:{action}"
    why = f"because no resource-based policy allows the glacier:{action} action"
    return 403, "AccessDeniedException", f"{user} on resource: {resource} {why}"


def forbidden(action: str, account: str = OWNER) -> tuple[int, str, str]:
    """What someone is told whom a policy denies."""
    user = f"User: arn:aws:iam::{account}:root is not authorized to perform: glacier:{action}"
    why = "with an explicit deny in a resource-based policy"
    return 403, "AccessDeniedException", f"{user} on resource: {ARN} {why}"


def test_a_policy_is_kept_as_it_was_sent(world: Any) -> None:
    """Set answers 204; Get gives back the very text, blanks and all; setting again takes the place of it."""
    spread = json.dumps(json.loads(policy("Allow", "glacier:ListJobs", OTHER)), indent=3)
    for text in (spread, policy("Deny", "glacier:DeleteVault")):
        assert put(world, text)["ResponseMetadata"]["HTTPStatusCode"] == 204
        status, headers, body = world.send("GET", PATH)
        assert (status, headers["Content-Type"]) == (200, "application/json")
        assert json.loads(body) == {"Policy": text}


def test_no_policy_is_not_found(world: Any) -> None:
    """Before it is set, and after it was deleted, there is none; deleting it once more is no error."""
    wanted = (404, "ResourceNotFoundException", f"No vault access policy is set for: {ARN}")
    get = world.client.get_vault_access_policy
    assert world.refusal(get, vaultName="photos") == wanted
    put(world, policy("Deny", "glacier:DeleteVault"))
    for _ in range(2):
        answer = world.client.delete_vault_access_policy(vaultName="photos")
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
        assert world.refusal(get, vaultName="photos") == wanted


def test_vaults_that_are_not_there_have_no_policies(world: Any) -> None:
    """All three operations name the vault that was not found."""
    wanted = (
        404,
        "ResourceNotFoundException",
        f"Vault not found for ARN: {ARN.replace('photos', 'nowhere')}",
    )
    client = world.client
    text = {"Policy": policy("Deny", "glacier:*")}
    assert world.refusal(client.set_vault_access_policy, vaultName="nowhere", policy=text) == wanted
    assert world.refusal(client.get_vault_access_policy, vaultName="nowhere") == wanted
    assert world.refusal(client.delete_vault_access_policy, vaultName="nowhere") == wanted


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b"", "MissingParameterValueException", "Required parameter missing: Policy"),
        (b"{}", "MissingParameterValueException", "Required parameter missing: Policy"),
        (b'{"Policy": null}', "MissingParameterValueException", "Required parameter missing: Policy"),
        (b'{"Policy": ""}', "MissingParameterValueException", "Required parameter missing: Policy"),
        (b'{"Policy": {}}', "SerializationException", "Policy is not a string"),
        (rb'{"Policy": "\ud800"}', "SerializationException", "Policy is not a string"),
        (b"[]", "SerializationException", "The request body is not a JSON object"),
        (b'{"Policy": "x"}', INVALID, "Provide a valid policy. It is not valid JSON"),
        (
            b'{"Policy": "{}"}',
            INVALID,
            "The specified vault access policy is invalid. Provide a valid policy. ",
        ),
    ],
)
def test_what_is_no_policy_changes_nothing(world: Any, body: bytes, code: str, message: str) -> None:
    """The body is the bare object with the policy as a string, which must be one; else the old policy stays."""
    text = policy("Deny", "glacier:DeleteVault")
    put(world, text)
    status, _, answer = world.send("PUT", PATH, body=body)
    assert (status, json.loads(answer)["code"]) == (400, code)
    assert message in json.loads(answer)["message"]
    assert world.client.get_vault_access_policy(vaultName="photos")["policy"]["Policy"] == text


def test_the_owner_is_denied_what_the_policy_denies(world: Any) -> None:
    """Whatever is not denied stays allowed; the refused request has no effect; without the policy all is well."""
    archive = world.upload()
    put(world, policy("Deny", ["glacier:DeleteArchive", "glacier:UploadArchive"]))
    delete = {"vaultName": "photos", "archiveId": archive}
    assert world.refusal(world.client.delete_archive, **delete) == forbidden("DeleteArchive")
    upload = {"vaultName": "photos", "body": b"x"}
    assert world.refusal(world.client.upload_archive, **upload) == forbidden("UploadArchive")
    assert world.retrieve(archive) == b"content"
    assert world.describe()["NumberOfArchives"] == 1
    world.client.delete_vault_access_policy(vaultName="photos")
    world.client.delete_archive(**delete)
    assert world.describe()["NumberOfArchives"] == 0


def test_only_the_account_named_is_denied(world: Any, other: Any) -> None:
    """A denial of another account does not touch the owner; a permission says nothing against the owner."""
    put(world, policy("Deny", "glacier:*", OTHER))
    assert world.refusal(other.describe_vault, accountId=OWNER, vaultName="photos") == forbidden(
        "DescribeVault", OTHER
    )
    put(world, policy("Allow", "glacier:DescribeVault", OTHER))
    world.retrieve(world.upload())


def test_a_policy_counts_for_its_vault_only(world: Any) -> None:
    """Other vaults go on; and a statement about another vault's ARN has no effect on this one."""
    world.client.create_vault(vaultName="more")
    put(world, policy("Deny", "glacier:*", resource="*"))
    assert world.describe("more")["VaultName"] == "more"
    put(world, policy("Deny", "glacier:DescribeVault"), vault="more")
    assert world.describe("more")["VaultName"] == "more"


def status_of(call: Callable[[], Any]) -> int:
    """The status of the answer, whatever it is."""
    try:
        answer = call()
    except ClientError as error:
        answer = error.response
    return int(answer["ResponseMetadata"]["HTTPStatusCode"])


def uses(client: Any, archive: str) -> dict[str, Callable[[], Any]]:
    """Operations on the owner's vault, by name."""
    vault = {"accountId": OWNER, "vaultName": "photos"}
    job = {"Type": "inventory-retrieval"}
    text = {"Policy": policy("Allow", "glacier:*")}
    upload = {**vault, "uploadId": "u"}
    return {
        "UploadArchive": lambda: client.upload_archive(**vault, body=b"theirs"),
        "DeleteArchive": lambda: client.delete_archive(**vault, archiveId=archive),
        "InitiateMultipartUpload": lambda: client.initiate_multipart_upload(**vault, partSize="1048576"),
        "UploadMultipartPart": lambda: client.upload_multipart_part(**upload, range="bytes 0-0/*", body=b"x"),
        "CompleteMultipartUpload": lambda: client.complete_multipart_upload(
            **upload, archiveSize="1", checksum="0" * 64
        ),
        "AbortMultipartUpload": lambda: client.abort_multipart_upload(**upload),
        "ListParts": lambda: client.list_parts(**upload),
        "ListMultipartUploads": lambda: client.list_multipart_uploads(**vault),
        "InitiateJob": lambda: client.initiate_job(**vault, jobParameters=job),
        "ListJobs": lambda: client.list_jobs(**vault),
        "DescribeJob": lambda: client.describe_job(**vault, jobId="j"),
        "GetJobOutput": lambda: client.get_job_output(**vault, jobId="j"),
        "DescribeVault": lambda: client.describe_vault(**vault),
        "GetVaultNotifications": lambda: client.get_vault_notifications(**vault),
        "DeleteVaultNotifications": lambda: client.delete_vault_notifications(**vault),
        "GetVaultLock": lambda: client.get_vault_lock(**vault),
        "GetVaultAccessPolicy": lambda: client.get_vault_access_policy(**vault),
        "SetVaultAccessPolicy": lambda: client.set_vault_access_policy(**vault, policy=text),
        "DeleteVaultAccessPolicy": lambda: client.delete_vault_access_policy(**vault),
        "DeleteVault": lambda: client.delete_vault(**vault),
    }


def test_another_account_may_do_what_it_is_allowed_to(world: Any, other: Any) -> None:
    """Each operation on the vault is denied at first, and with all the others while only another one is allowed;
    once allowed itself it is answered on its own merits."""
    archive = world.upload()
    allowed = uses(other, archive)
    for action, call in allowed.items():
        assert world.refusal(call) == denied(action)
        put(world, policy("Allow", [f"glacier:{name}" for name in allowed if name != action], OTHER))
        assert world.refusal(call) == denied(action)
        put(world, policy("Allow", f"glacier:{action}", OTHER))
        assert status_of(call) in (200, 201, 202, 204, 400, 404), action
        if action not in ("DeleteVaultAccessPolicy", "DeleteVault"):
            world.client.delete_vault_access_policy(vaultName="photos")


def test_what_another_account_uploads_is_the_owners(world: Any, other: Any) -> None:
    """A permitted upload lands in the owner's vault, and its Location has the owner's account."""
    put(world, policy("Allow", ["glacier:UploadArchive", "glacier:*Multipart*"], OTHER))
    vault = {"accountId": OWNER, "vaultName": "photos"}
    answer = other.upload_archive(**vault, body=b"theirs")
    assert answer["location"] == f"/{OWNER}/vaults/photos/archives/{answer['archiveId']}"
    assert world.retrieve(answer["archiveId"]) == b"theirs"
    upload = other.initiate_multipart_upload(**vault, partSize="1048576")["uploadId"]
    other.upload_multipart_part(**vault, uploadId=upload, range="bytes 0-4/*", body=b"parts")
    tree = world.tree_hash(b"parts")
    whole = other.complete_multipart_upload(**vault, uploadId=upload, archiveSize="5", checksum=tree)
    assert world.retrieve(whole["archiveId"]) == b"parts"
    assert world.refusal(other.list_jobs, **vault) == denied("ListJobs")


def test_some_operations_are_their_owners_only(world: Any, other: Any) -> None:
    """Making and listing vaults, tags, locking, and what is the account's: no policy opens them to others."""
    put(world, policy("Allow", "*", OTHER, resource="*"))
    account, vault = {"accountId": OWNER}, {"accountId": OWNER, "vaultName": "photos"}
    text = {"Policy": policy("Deny", "glacier:DeleteArchive")}
    calls: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (other.create_vault, {**account, "vaultName": "theirs"}),
        (other.list_vaults, account),
        (other.get_data_retrieval_policy, account),
        (other.set_data_retrieval_policy, {**account, "Policy": {"Rules": [{"Strategy": "None"}]}}),
        (other.list_provisioned_capacity, account),
        (other.purchase_provisioned_capacity, account),
        (other.add_tags_to_vault, {**vault, "Tags": {"a": "b"}}),
        (other.remove_tags_from_vault, {**vault, "TagKeys": ["a"]}),
        (other.list_tags_for_vault, vault),
        (other.initiate_vault_lock, {**vault, "policy": text}),
        (other.complete_vault_lock, {**vault, "lockId": "x"}),
        (other.abort_vault_lock, vault),
    ]
    for call, given in calls:
        wanted = (403, "AccessDeniedException", f"Access denied for account ID: {OWNER}")
        assert world.refusal(call, **given) == wanted
    assert other.describe_vault(**vault)["VaultARN"] == ARN


def test_another_accounts_vault_that_is_not_there_is_denied(world: Any, other: Any) -> None:
    """Nobody learns which vaults another account has."""
    told = world.refusal(other.describe_vault, accountId=OWNER, vaultName="nowhere")
    assert told == denied("DescribeVault", resource=ARN.replace("photos", "nowhere"))


def test_own_vaults_of_the_same_name_are_apart(world: Any, other: Any) -> None:
    """A hyphen means the caller's own account, whatever policy another account's vault has."""
    other.create_vault(vaultName="photos")
    put(world, policy("Deny", "glacier:*", resource="*"))
    assert other.describe_vault(vaultName="photos")["VaultARN"] == ARN.replace(OWNER, OTHER)
    for account in (OWNER, "-"):
        told = world.refusal(world.client.describe_vault, accountId=account, vaultName="photos")
        assert told == forbidden("DescribeVault")


def test_tags_of_the_vault_decide(world: Any) -> None:
    """glacier:ResourceTag/KEY is the vault's tag of the moment, its key in any case."""
    archive = world.upload()
    put(
        world, policy("Deny", "glacier:DeleteArchive", StringEquals={"glacier:ResourceTag/legalhold": "true"})
    )
    world.client.add_tags_to_vault(vaultName="photos", Tags={"LegalHold": "true"})
    delete = {"vaultName": "photos", "archiveId": archive}
    assert world.refusal(world.client.delete_archive, **delete) == forbidden("DeleteArchive")
    world.client.add_tags_to_vault(vaultName="photos", Tags={"LegalHold": "over"})
    world.client.delete_archive(**delete)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"DateGreaterThan": {"aws:CurrentTime": "2026-03-01T11:59:59Z"}}, True),
        ({"DateGreaterThan": {"aws:CurrentTime": "2026-03-01T12:00:00Z"}}, False),
        ({"NumericEquals": {"aws:EpochTime": "1772366400"}}, True),
        ({"DateEquals": {"aws:EpochTime": "2026-03-01T12:00:00Z"}}, True),
        ({"StringEquals": {"aws:PrincipalAccount": OWNER}}, True),
        ({"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{OWNER}:root"}}, True),
        ({"StringEquals": {"aws:PrincipalType": "Account", "aws:userid": OWNER}}, True),
        ({"StringEquals": {"aws:RequestedRegion": "us-east-1", "aws:ResourceAccount": OWNER}}, True),
        ({"Bool": {"aws:SecureTransport": "false"}}, True),
        ({"Bool": {"aws:MultiFactorAuthPresent": "false"}}, False),
        ({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}, True),
        ({"Null": {"aws:username": "true", "aws:SourceIp": "true"}}, True),
        ({"Null": {"glacier:ArchiveAgeInDays": "true"}}, True),
    ],
)
def test_what_is_known_of_a_request(world: Any, condition: dict[str, Any], holds: bool) -> None:
    """The keys of the user guide: time, principal, region, transport; the others are absent."""
    put(world, policy("Deny", "glacier:DescribeVault", **condition))
    if holds:
        assert world.refusal(world.client.describe_vault, vaultName="photos") == forbidden("DescribeVault")
    else:
        assert world.describe()["VaultARN"] == ARN


def test_a_policy_ends_on_the_services_clock(world: Any) -> None:
    """aws:CurrentTime is the time of the clock that can be turned."""
    put(world, policy("Deny", "glacier:ListJobs", DateLessThan={"aws:CurrentTime": "2026-03-02T12:00:00Z"}))
    assert world.refusal(world.client.list_jobs, vaultName="photos") == forbidden("ListJobs")
    world.clock.turn(hours=24)
    assert world.client.list_jobs(vaultName="photos")["JobList"] == []


def test_delete_vault_obeys_and_takes_the_policy_along(world: Any) -> None:
    """A denied DeleteVault leaves the vault; a new vault of the name of a deleted one has no policy."""
    put(world, policy("Deny", "glacier:DeleteVault"))
    assert world.refusal(world.client.delete_vault, vaultName="photos") == forbidden("DeleteVault")
    put(world, policy("Deny", "glacier:UploadArchive"))
    world.client.delete_vault(vaultName="photos")
    world.client.create_vault(vaultName="photos")
    world.upload()
    assert world.refusal(world.client.get_vault_access_policy, vaultName="photos")[0] == 404


def test_policies_survive_a_restart(world: Any) -> None:
    """A new instance on the same folder obeys what was set before."""
    put(world, policy("Deny", "glacier:ListJobs"))
    world.service.close()
    service = LocalGlacier(world.service.folder, clock=world.clock)
    client = world.client_of(service)
    assert world.refusal(client.list_jobs, vaultName="photos") == forbidden("ListJobs")
    service.close()


def test_the_examples_of_the_command_line_are_obeyed(tmp_path: Path, world: Any) -> None:
    """The policy that the AWS CLI's documentation sets lets the other account list jobs and upload."""
    service = LocalGlacier(tmp_path / "another", clock=world.clock, account=OTHER)
    client = world.client_of(service)
    arn = f"arn:aws:glacier:us-east-1:{OTHER}:vaults/example_vault"
    stranger = "arn:aws:iam::444455556666:root"
    statements = [
        {"Effect": "Allow", "Principal": {"AWS": stranger}, "Action": f"glacier:{name}", "Resource": arn}
        for name in ("ListJobs", "UploadArchive")
    ]
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    client.create_vault(vaultName="example_vault")
    vault = {"accountId": OTHER, "vaultName": "example_vault"}
    client.set_vault_access_policy(**vault, policy={"Policy": text})
    guest = client_of_account(service, "444455556666")
    guest.upload_archive(**vault, body=b"x")
    assert guest.list_jobs(**vault)["JobList"] == []
    told = world.refusal(guest.describe_vault, **vault)
    assert told == denied("DescribeVault", "444455556666", arn)
    service.close()


def test_users_are_known_by_their_keys(tmp_path: Path, world: Any) -> None:
    """With signatures verified a policy can be about one user of the account, by ARN, name or variable."""
    keys = Keys(Key(user or "root", "secret", OWNER, user) for user in (None, "bob", "alice"))
    service = LocalGlacier(tmp_path / "signed", keys=keys)
    root, bob, alice = (client_of_account(service, each, "secret") for each in ("root", "bob", "alice"))
    root.create_vault(vaultName="photos")
    root.add_tags_to_vault(vaultName="photos", Tags={"Keeper": "alice"})
    vault = {"vaultName": "photos"}
    for condition in (
        {"StringEquals": {"aws:username": "bob", "aws:PrincipalType": "User"}},
        {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/b*"}},
        {"StringNotEqualsIfExists": {"aws:username": "${glacier:ResourceTag/Keeper}"}},
    ):
        text = policy("Deny", "glacier:DescribeVault", **condition)
        root.set_vault_access_policy(**vault, policy={"Policy": text})
        status, _, message = world.refusal(bob.describe_vault, **vault)
        assert (status, message.split()[1]) == (403, f"arn:aws:iam::{OWNER}:user/bob")
        assert alice.describe_vault(**vault)["VaultARN"] == ARN
    service.close()


def test_an_archive_that_no_text_can_name_is_refused(world: Any) -> None:
    """Half of a surrogate pair in a body is no string, whether or not a policy asks for the archive's age."""
    body = rb'{"Type": "archive-retrieval", "ArchiveId": "\ud800"}'
    for text in (policy("Deny", "glacier:DeleteVault"), policy("Allow", "glacier:*")):
        put(world, text)
        status, _, answer = world.send("POST", "/-/vaults/photos/jobs", body=body)
        assert (status, json.loads(answer)["code"]) == (400, "SerializationException")
