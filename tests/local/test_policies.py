"""The language of vaults' policies: read with care, and understood as IAM's user guide says."""

import fnmatch
import json
import operator
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.loaders import Loader
from hypothesis import example, given, settings
from hypothesis import strategies as st

from glacierkeep.local.policies.patterns import matches
from glacierkeep.local.policies.reading import ACTIONS, read_policy
from glacierkeep.local.policies.statements import Asked, Effect, decide
from glacierkeep.local.wire.identity import Caller
from glacierkeep.local.wire.refusals import Refusal

OWNER, OTHER, REGION = "999999999999", "123456789012", "us-west-2"
VAULT = f"arn:aws:glacier:{REGION}:{OWNER}:vaults/examplevault"
KEY = "aws:PrincipalTag/any"

AGE = {
    "Sid": "deny-based-on-archive-age",
    "Principal": "*",
    "Effect": "Deny",
    "Action": "glacier:DeleteArchive",
    "Resource": [VAULT],
    "Condition": {"NumericLessThan": {"glacier:ArchiveAgeInDays": "365"}},
}
CROSS_ACCOUNT = {
    "Sid": "cross-account-upload",
    "Principal": {"AWS": ["arn:aws:iam::123456789012:root", "arn:aws:iam::444455556666:root"]},
    "Effect": "Allow",
    "Action": [
        "glacier:UploadArchive",
        "glacier:InitiateMultipartUpload",
        "glacier:AbortMultipartUpload",
        "glacier:CompleteMultipartUpload",
    ],
    "Resource": [VAULT],
}
MFA = {
    "Sid": "add-mfa-delete-requirement",
    "Principal": {"AWS": ["arn:aws:iam::123456789012:root"]},
    "Effect": "Allow",
    "Action": ["glacier:Delete*"],
    "Resource": [VAULT],
    "Condition": {"Bool": {"aws:MultiFactorAuthPresent": True}},
}
FROM_A_DATE = {
    "Sid": "allow-time-based-deletes",
    "Principal": {"AWS": OTHER},
    "Effect": "Allow",
    "Action": "glacier:Delete*",
    "Resource": [VAULT],
    "Condition": {"DateGreaterThan": {"aws:CurrentTime": "2018-12-31T00:00:00Z"}},
}
LEGAL_HOLD = {
    "Sid": "lock-vault",
    "Principal": "*",
    "Effect": "Deny",
    "Action": ["glacier:DeleteArchive"],
    "Resource": [VAULT],
    "Condition": {"StringLike": {"glacier:ResourceTag/LegalHold": ["true", ""]}},
}
"""The developer guide's examples (vault-access-policy, vault-lock-policy, api-GetVaultAccessPolicy), to here."""
EVERYTHING = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}


def document(*statements: Any, **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements), **more})


def decision(
    text: str,
    action: str = "DeleteArchive",
    caller: Caller | None = None,
    resource: str = VAULT,
    **context: str,
) -> Effect | None:
    """What the policy says of a request, of whose keys only those given are known."""
    asked = Asked(
        f"glacier:{action}",
        resource,
        caller or Caller.of(OTHER, REGION),
        {name.lower(): value for name, value in context.items()},
    )
    return decide([read_policy("vault access policy", text)], asked)


def holds(name: str, wanted: Any, actual: str | None, version: str = "2012-10-17", **context: str) -> bool:
    """Whether a condition on one key holds."""
    text = document({**EVERYTHING, "Condition": {name: {KEY: wanted}}}, Version=version)
    known = {**context, **({} if actual is None else {KEY: actual})}
    return decision(text, **known) is Effect.DENY


def refused(text: str) -> str:
    """Why a document is no policy, after the real service's words."""
    with pytest.raises(Refusal) as caught:
        read_policy("vault lock policy", text)
    assert (caught.value.status, caught.value.code) == (400, "InvalidParameterValueException")
    words = "The specified vault lock policy is invalid. Provide a valid policy. "
    assert caught.value.message.startswith(words)
    return caught.value.message.removeprefix(words)


def test_the_guides_examples_mean_what_it_says() -> None:
    """Uploads from two accounts, deletion with MFA, after a date, from an age on, and not under a legal hold."""
    upload = document(CROSS_ACCOUNT)
    assert decision(upload, "UploadArchive") is Effect.ALLOW
    assert decision(upload, "UploadArchive", Caller.of("444455556666", REGION, "bob")) is Effect.ALLOW
    assert decision(upload, "UploadArchive", Caller.of("111111111111", REGION)) is None
    assert decision(upload, "UploadMultipartPart") is None
    key = {"aws:MultiFactorAuthPresent": "true"}
    assert decision(document(MFA), **key) is decision(document(MFA), "DeleteVault", **key) is Effect.ALLOW
    assert decision(document(MFA)) is decision(document(MFA), "InitiateJob", **key) is None
    assert decision(document(FROM_A_DATE), **{"aws:CurrentTime": "2018-12-31T00:00:01Z"}) is Effect.ALLOW
    assert decision(document(FROM_A_DATE), **{"aws:CurrentTime": "2018-12-31T00:00:00Z"}) is None
    assert decision(document(AGE), **{"glacier:ArchiveAgeInDays": "364"}) is Effect.DENY
    assert decision(document(AGE), **{"glacier:ArchiveAgeInDays": "365"}) is None
    allow = {**AGE, "Sid": "you-can", "Effect": "Allow"}
    young = {"glacier:ArchiveAgeInDays": "3"}
    for value, wanted in (("true", Effect.DENY), ("", Effect.DENY), ("false", Effect.ALLOW)):
        tag = {"glacier:ResourceTag/LegalHold": value}
        assert decision(document(LEGAL_HOLD, allow), **young, **tag) is wanted


def test_the_statement_may_stand_alone() -> None:
    """Statement is a list, or one object; Version and Id may be absent."""
    assert decision(json.dumps({"Statement": EVERYTHING})) is Effect.DENY
    assert (
        decision(json.dumps({"Id": "x", "Version": "2008-10-17", "Statement": [EVERYTHING]})) is Effect.DENY
    )


def test_a_denial_counts_more_than_a_permission() -> None:
    """Explicit deny wins, whatever the order; without any statement that applies nothing is said."""
    allow = {**EVERYTHING, "Effect": "Allow"}
    deny = {**EVERYTHING, "Action": "glacier:DeleteVault"}
    for text in (document(allow, deny), document(deny, allow)):
        assert decision(text) is Effect.ALLOW
        assert decision(text, "DeleteVault") is Effect.DENY
    assert decision(document(deny)) is None


@pytest.mark.parametrize(
    ("principal", "named"),
    [
        ("*", "root bob stranger"),
        ({"AWS": "*"}, "root bob stranger"),
        ({"AWS": OTHER}, "root bob"),
        ({"AWS": f"arn:aws:iam::{OTHER}:root"}, "root bob"),
        ({"AWS": [f"arn:aws:iam::{OTHER}:user/bob"]}, "bob"),
        ({"AWS": f"arn:aws:iam::{OTHER}:user/Bob"}, ""),
        ({"AWS": ["111111111111", f"arn:aws:iam::{OTHER}:user/bob"]}, "bob stranger"),
        ({"AWS": f"arn:aws:iam::{OTHER}:role/bob"}, ""),
        ({"AWS": f"arn:aws:sts::{OTHER}:assumed-role/bob/session"}, ""),
        ({"Service": "ec2.amazonaws.com"}, ""),
        ({"CanonicalUser": "79a59d", "Federated": ["x"], "AWS": OTHER}, "root bob"),
    ],
)
def test_principals_are_everyone_accounts_or_their_users(principal: Any, named: str) -> None:
    """An account's ARN or number means all of it, a user's ARN only that user; other kinds send nothing here."""
    callers = {
        "root": Caller.of(OTHER, REGION),
        "bob": Caller.of(OTHER, REGION, "bob"),
        "stranger": Caller.of("111111111111", REGION),
    }
    text = document({**EVERYTHING, "Principal": principal})
    assert [name for name, caller in callers.items() if decision(text, caller=caller)] == named.split()


@pytest.mark.parametrize(
    ("principals", "denied"),
    [
        ([f"arn:aws:iam::{OTHER}:user/bob", f"arn:aws:iam::{OTHER}:root"], "alice stranger"),
        ([f"arn:aws:iam::{OTHER}:user/bob"], "root bob alice stranger"),
        ([OTHER], "bob alice stranger"),
        (["*"], ""),
    ],
)
def test_not_principal_spares_whom_it_names_with_their_account(principals: list[str], denied: str) -> None:
    """The example of IAM's user guide, and its warning: a user named without the account is denied all the same."""
    callers = {
        "root": Caller.of(OTHER, REGION),
        "bob": Caller.of(OTHER, REGION, "bob"),
        "alice": Caller.of(OTHER, REGION, "alice"),
        "stranger": Caller.of("111111111111", REGION),
    }
    rest = {name: value for name, value in EVERYTHING.items() if name != "Principal"}
    text = document({**rest, "NotPrincipal": {"AWS": principals}})
    assert [name for name, caller in callers.items() if decision(text, caller=caller)] == denied.split()


@pytest.mark.parametrize(
    ("element", "value", "applies"),
    [
        ("Action", "*", True),
        ("Action", "glacier:*", True),
        ("Action", "GLACIER:deletearchive", True),
        ("Action", "glacier:Delete*", True),
        ("Action", "glacier:DeleteArch?ve", True),
        ("Action", ["glacier:DeleteVault", "glacier:*Archive"], True),
        ("Action", "glacier:DeleteVault", False),
        ("NotAction", "glacier:DeleteVault", True),
        ("NotAction", ["glacier:DeleteVault", "glacier:Delete*"], False),
        ("Resource", "*", True),
        ("Resource", "arn:aws:glacier:us-west-?:*:vaults/example*", True),
        ("Resource", "arn:aws:glacier:*:*:*", True),
        ("Resource", VAULT.replace("example", "Example"), False),
        ("Resource", VAULT + "2", False),
        ("Resource", [VAULT + "2", VAULT], True),
        ("NotResource", VAULT + "2", True),
        ("NotResource", [VAULT + "2", "arn:aws:glacier:*:*:vaults/*vault"], False),
    ],
)
def test_actions_and_resources_are_patterns(element: str, value: Any, applies: bool) -> None:
    """Stars and question marks in both; actions in any case, resources as they are; Not... means all others."""
    kind = element.removeprefix("Not")
    rest = {name: each for name, each in EVERYTHING.items() if name != kind}
    assert (decision(document({**rest, element: value})) is Effect.DENY) == applies


def test_the_actions_are_those_of_the_service() -> None:
    """Every operation of the service model but those that the guide marks as for identities' policies only."""
    loader = Loader(extra_search_paths=[str(Path(botocore.__file__).parent / "data")])
    known = set(loader.load_service_model("glacier", "service-2", "2012-06-01")["operations"])
    starred = {"CreateVault", "GetDataRetrievalPolicy", "SetDataRetrievalPolicy"}
    newer = {"ListProvisionedCapacity", "PurchaseProvisionedCapacity"}
    assert set(ACTIONS) == known - starred - newer
    for name in starred | newer:
        assert "is no action on a vault" in refused(document({**EVERYTHING, "Action": f"glacier:{name}"}))


@pytest.mark.parametrize(
    ("name", "wanted", "actual", "does"),
    [
        ("StringEquals", "a", "a", True),
        ("stringequals", ["b", "a"], "a", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", [], "a", False),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringNotEquals", ["a", "b"], "c", True),
        ("StringEqualsIgnoreCase", "AbC", "aBc", True),
        ("StringNotEqualsIgnoreCase", "AbC", "aBc", False),
        ("StringLike", "jan?doe/*", "janedoe/x", True),
        ("StringLike", ["true", ""], "", True),
        ("StringLike", "a*", "ba", False),
        ("StringLike", "[a-z]*", "b", False),
        ("StringNotLike", "a*", "ba", True),
        ("NumericEquals", "365", "365.0", True),
        ("NumericEquals", 365, "365", True),
        ("NumericNotEquals", "1", "2", True),
        ("NumericNotEquals", "1", "no number", True),
        ("NumericLessThan", "9007199254740993", "9007199254740992", True),
        ("NumericLessThan", "10", "9", True),
        ("NumericLessThan", "10", "no number", False),
        ("NumericLessThanEquals", "10.5", "10.50", True),
        ("NumericGreaterThan", "-1", "0", True),
        ("NumericGreaterThanEquals", "1", "0", False),
        ("DateEquals", "2026-03-01T13:00:00+01:00", "2026-03-01T12:00:00Z", True),
        ("DateNotEquals", "2026-03-01T12:00Z", "2026-03-01T12:00:00Z", False),
        ("DateLessThan", "2026-03", "2026-02-28T23:59:59Z", True),
        ("DateLessThanEquals", "2026-03-01", "2026-03-01T00:00:00Z", True),
        ("DateGreaterThan", "1772366399", "2026-03-01T12:00:00Z", True),
        ("DateGreaterThanEquals", "2026-03-01T12:00:00.5Z", "2026-03-01T12:00:00Z", False),
        ("Bool", "true", "true", True),
        ("Bool", True, "true", True),
        ("Bool", "False", "true", False),
        ("IpAddress", "203.0.113.0/24", "203.0.113.255", True),
        ("IpAddress", ["2001:DB8:1234:5678::/64", "203.0.113.0/24"], "2001:db8:1234:5678::9", True),
        ("IpAddress", "203.0.113.7", "203.0.113.7", True),
        ("IpAddress", "203.0.113.7", "203.0.113.8", False),
        ("IpAddress", "0.0.0.0/0", "::1", False),
        ("NotIpAddress", "203.0.113.0/24", "203.0.114.1", True),
        ("ArnEquals", "arn:aws:iam::*:user/*", "arn:aws:iam::123456789012:user/a/b", True),
        (
            "StringLike",
            "arn:aws:someservice:*:111122223333:finance/*",
            "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt",
            True,
        ),
        (
            "ArnLike",
            "arn:aws:someservice:*:111122223333:finance/*",
            "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt",
            False,
        ),
        ("ArnLike", "arn:aws:iam::*:root", "no ARN", False),
        ("ArnNotLike", "arn:aws:iam::*:root", "arn:aws:iam::1:user/a", True),
        ("ArnNotEquals", "arn:aws:iam::*:root", "arn:aws:iam::1:root", False),
        ("Null", "true", "x", False),
        ("Null", "false", "x", True),
        ("ForAnyValue:StringEquals", ["a", "b"], "a", True),
        ("forallvalues:StringLike", ["a*", "b"], "c", False),
        ("StringEqualsIfExists", "a", "b", False),
    ],
)
def test_operators_compare_as_documented(name: str, wanted: Any, actual: str, does: bool) -> None:
    """The operators of the user guide, its own examples among them; of several values one will do."""
    assert holds(name, wanted, actual) == does


@pytest.mark.parametrize(
    ("name", "wanted", "does"),
    [
        ("StringEquals", "a", False),
        ("StringLike", "*", False),
        ("StringNotEquals", "a", True),
        ("StringNotEqualsIgnoreCase", "a", True),
        ("StringNotLike", "*", True),
        ("NumericLessThan", "1", False),
        ("NumericNotEquals", "1", True),
        ("DateGreaterThan", "2020-01-01", False),
        ("DateNotEquals", "2020-01-01", True),
        ("Bool", "false", False),
        ("BoolIfExists", "false", True),
        ("NotIpAddress", "10.0.0.0/8", True),
        ("ArnNotLike", "arn:aws:iam::*:root", True),
        ("StringEqualsIfExists", "a", True),
        ("NumericLessThanIfExists", "1", True),
        ("Null", "true", True),
        ("Null", "false", False),
        ("Null", ["false", "true"], True),
        ("ForAllValues:StringEquals", "a", True),
        ("ForAnyValue:StringEquals", "a", False),
        ("ForAnyValue:StringNotEquals", "a", False),
        ("ForAnyValue:StringEqualsIfExists", "a", True),
    ],
)
def test_a_key_that_is_absent_matches_nothing(name: str, wanted: Any, does: bool) -> None:
    """Conditions on it are false; unless they are negated, or end in IfExists, or begin with ForAllValues."""
    assert holds(name, wanted, None) == does


def test_all_conditions_must_hold() -> None:
    """Several operators, and several keys of one, are joined by "and"; keys are found in any case."""
    block = {
        "StringEquals": {"AWS:principalaccount": OTHER, "aws:PrincipalTag/Team": "red"},
        "NumericLessThan": {"glacier:ArchiveAgeinDays": "10"},
    }
    text = document({**EVERYTHING, "Condition": block})
    known = {"aws:PrincipalAccount": OTHER, "aws:principaltag/team": "red", "glacier:ArchiveAgeInDays": "9"}
    assert decision(text, **known) is Effect.DENY
    for name in known:
        assert decision(text, **{**known, name: "11"}) is None


@pytest.mark.parametrize(
    ("name", "wanted", "actual", "does"),
    [
        ("StringEquals", "${aws:username}", "bob", True),
        ("StringEquals", "${AWS:UserName}-x", "bob-x", True),
        ("StringLike", "home/${aws:username}/*", "home/bob/x", True),
        ("StringLike", "home/${aws:username}/*", "home/alice/x", False),
        ("StringLike", "${aws:userid}*", "bob", False),
        ("StringNotEquals", "${aws:userid}", "bob", True),
        ("StringEquals", "${aws:userid, 'nobody'}", "nobody", True),
        ("StringEquals", "${aws:username, 'nobody'}", "nobody", False),
        ("StringEquals", "${$}{aws:username}", "${aws:username}", True),
        ("StringLike", "${*}", "anything", False),
        ("StringLike", "${?}", "a", False),
        ("ArnLike", "arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::1:user/bob", True),
    ],
)
def test_variables_stand_for_values_of_the_request(name: str, wanted: str, actual: str, does: bool) -> None:
    """A variable without value and default is like nothing; ${*}, ${?} and ${$} are those characters."""
    assert holds(name, wanted, actual, **{"aws:username": "bob"}) == does


def test_before_2012_there_were_no_variables() -> None:
    """Without Version 2012-10-17 a variable is text that means itself."""
    known = {"aws:username": "bob"}
    assert holds("StringEquals", "${aws:username}", "${aws:username}", "2008-10-17", **known)
    assert not holds("StringEquals", "${aws:username}", "bob", "2008-10-17", **known)
    resource = {**EVERYTHING, "Resource": VAULT.replace("examplevault", "${aws:username}")}
    mine = VAULT.replace("examplevault", "bob")
    assert decision(document(resource), resource=mine, **known) is Effect.DENY
    assert decision(document(resource), **known) is decision(document(resource), resource=mine) is None
    assert decision(document(resource, Version="2008-10-17"), resource=mine, **known) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Effect": "deny"}, "Effect is neither Allow nor Deny"),
        ({"Effect": None}, "Effect is neither"),
        ({"Principal": None}, "Principal is not an object with members"),
        ({"Principal": {}}, "Principal is not an object with members"),
        ({"Principal": ["*"]}, "Principal is not an object with members"),
        ({"Principal": {"AWS": []}}, "Principal AWS is neither a string nor a list of strings"),
        ({"Principal": {"Aws": "*"}}, "'Aws' is no kind of principal"),
        ({"Principal": {"AWS": "1111-2222-3333"}}, "'1111-2222-3333' is no principal"),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:user/*"}}, "is no principal"),
        ({"Principal": {"AWS": 123456789012}}, "is neither a string nor a list"),
        ({"NotPrincipal": "*"}, "one of Principal and NotPrincipal"),
        ({"NotAction": "glacier:*"}, "one of Action and NotAction"),
        ({"Action": []}, "Action is neither a string nor a list of strings"),
        ({"Action": "s3:GetObject"}, "'s3:GetObject' is no action on a vault"),
        ({"Action": "DeleteArchive"}, "'DeleteArchive' is no action"),
        ({"Action": "glacier:DeleteArchives"}, "'glacier:DeleteArchives' is no action"),
        ({"Resource": "examplevault"}, "'examplevault' is no ARN of a vault"),
        ({"Resource": "arn:aws:s3:::bucket"}, "is no ARN of a vault"),
        ({"Resource": "arn:aws:glacier:*"}, "is no ARN of a vault"),
        ({"Resource": VAULT + "/${aws:username"}, "is no ARN of a vault"),
        ({"Resource": "arn:aws:*:us-west-2:999999999999:vaults/x"}, "is no ARN of a vault"),
        ({"Sid": 1}, "Sid is not a string"),
        ({"Resources": "*"}, "'Resources' is no element of it"),
        ({"Condition": []}, "Condition is not an object with members"),
        ({"Condition": {"StringEquals": {}}}, "Condition 'StringEquals' is not an object with members"),
        ({"Condition": {"StringIs": {KEY: "x"}}}, "'StringIs' is no operator of conditions"),
        ({"Condition": {"IfExists": {KEY: "x"}}}, "'IfExists' is no operator"),
        ({"Condition": {"NullIfExists": {KEY: "true"}}}, "'NullIfExists' is no operator"),
        ({"Condition": {"ForSome:StringEquals": {KEY: "x"}}}, "is no operator"),
        ({"Condition": {"StringEquals": {"glacier:ArchiveAge": "1"}}}, "is no condition key of this service"),
        ({"Condition": {"StringEquals": {"glacier:ResourceTag/": "1"}}}, "is no condition key"),
        ({"Condition": {"StringEquals": {"s3:prefix": "1"}}}, "is no condition key"),
        ({"Condition": {"StringEquals": {KEY: None}}}, "is neither a string nor a number nor a boolean"),
        ({"Condition": {"StringEquals": {KEY: {"a": 1}}}}, "is neither a string nor a number nor a boolean"),
        ({"Condition": {"StringEquals": {KEY: "${aws:username"}}}, "is no value for 'StringEquals'"),
        ({"Condition": {"StringEquals": {KEY: "${username}"}}}, "is no value for 'StringEquals'"),
        ({"Condition": {"NumericLessThan": {"glacier:ArchiveAgeInDays": "365 days"}}}, "is no value for"),
        ({"Condition": {"NumericLessThan": {KEY: "1e3"}}}, "is no value for"),
        ({"Condition": {"NumericLessThan": {KEY: "٣"}}}, "is no value for"),
        ({"Condition": {"DateLessThan": {KEY: "2027"}}}, "is no value for"),
        ({"Condition": {"DateLessThan": {KEY: "2026-02-30"}}}, "is no value for"),
        ({"Condition": {"DateLessThan": {KEY: "2026-02-03T10:00:00"}}}, "is no value for"),
        ({"Condition": {"Bool": {KEY: "yes"}}}, "is no value for"),
        ({"Condition": {"IpAddress": {KEY: "10.0.0.0/33"}}}, "is no value for"),
        ({"Condition": {"IpAddress": {KEY: "10.0.0.0/255.0.0.0"}}}, "is no value for"),
        ({"Condition": {"ArnLike": {KEY: "*"}}}, "is no value for"),
    ],
)
def test_what_is_wrong_with_a_statement_is_said(change: dict[str, Any], reason: str) -> None:
    """The number of the statement, and the reason."""
    said = refused(document({**EVERYTHING, "Sid": "first"}, {**EVERYTHING, **change}))
    assert said.startswith("Statement 2: ")
    assert reason in said


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "It is not valid JSON"),
        ("{", "It is not valid JSON"),
        ("[" * 20_000, "It is not valid JSON"),
        ('{"a":' * 4_000, "It is not valid JSON"),
        ('{"Statement": NaN}', "It is not valid JSON: NaN"),
        ("9" * 5000, "It is not valid JSON"),
        ("[]", "The policy is not an object"),
        ("null", "The policy is not an object"),
        ("{}", "The policy is not an object with members"),
        ('{"Version": "2012-10-17"}', "Statement 1: It is not an object with members"),
        ('{"Statement": []}', "It has no statements"),
        ('{"Statement": [1]}', "Statement 1: It is not an object"),
        (document(EVERYTHING, Version="2026-01-01"), "Version is neither 2012-10-17 nor 2008-10-17"),
        (document(EVERYTHING, Version=None), "Version is neither"),
        (document(EVERYTHING, Id=1), "Id is not a string"),
        (document(EVERYTHING, id="x"), "'id' is no element of it"),
        (document({**EVERYTHING, "Sid": "x"}, {**EVERYTHING, "Sid": "x"}), "the same Sid"),
        ('{"Statement": {"Effect": "Deny", "Effect": "Allow"}}', "It has an element twice"),
        (
            '{"Statement": {"Effect": "Allow", "NotPrincipal": "*", "Action": "*", "Resource": "*"}}',
            "NotPrincipal",
        ),
        (
            '{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}',
            "one of Principal and NotPrincipal",
        ),
    ],
)
def test_what_is_no_policy_is_refused(text: str, reason: str) -> None:
    """Anything but JSON of the grammar, with nothing in it twice; what is quoted in the reason is short."""
    said = refused(text)
    assert reason in said
    assert len(refused(document({**EVERYTHING, "Action": "x" * 9000}))) < 200


def test_a_policy_has_20_kilobytes_at_most() -> None:
    """20 KB of UTF-8 are allowed, a byte more is not."""
    room = 20 * 1024 - len(document(EVERYTHING, Id=""))
    assert decision(document(EVERYTHING, Id="x" * room)) is Effect.DENY
    assert refused(document(EVERYTHING, Id="x" * (room + 1))) == "It is longer than 20480 bytes"
    raw = json.dumps({"Statement": EVERYTHING, "Id": "é" * 10_200}, ensure_ascii=False)
    assert refused(raw) == "It is longer than 20480 bytes"


WORDS = [
    *("Version", "Id", "Statement", "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction"),
    *("Resource", "NotResource", "Condition", "AWS", "Service", "StringEquals", "NumericLessThanIfExists"),
    *("ForAnyValue:StringLike", "ForAllValues:DateEquals", "Null", "IpAddress", "ArnLike", "Bool", KEY),
    *("aws:SourceIp", "glacier:ArchiveAgeInDays", "glacier:ResourceTag/x", "2012-10-17", "2008-10-17"),
    *("Allow", "Deny", "*", "glacier:*", "glacier:Delete*", VAULT, OTHER, "arn:aws:iam::123456789012:root"),
    *("365", "1e999", "2026-01-01", "0000-01-01", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00+23:59"),
    *("${aws:username}", "${", "${*}", "\ud800", "::/0", "10.0.0.0/8", "true", "arn:::::", "\0"),
]
LEAVES = st.one_of(
    st.sampled_from(WORDS), st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS), inner, max_size=3)
    ),
    max_leaves=10,
)
BLOCKS = st.dictionaries(
    st.sampled_from(WORDS) | st.text(max_size=12), st.dictionaries(st.sampled_from(WORDS), TREES, max_size=2)
)
STATEMENTS = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Deny"]),
        "Principal": st.just("*") | st.fixed_dictionaries({"AWS": TREES}) | TREES,
        "Action": st.just("*") | TREES,
        "Resource": st.just("*") | TREES,
    },
    optional={"Condition": BLOCKS | TREES},
)
HOSTILE = st.one_of(
    st.text(max_size=100),
    TREES.map(json.dumps),
    st.builds(document, STATEMENTS, STATEMENTS | TREES),
)


@settings(max_examples=600, deadline=None)
@given(text=HOSTILE, value=st.sampled_from(WORDS))
def test_a_hostile_document_is_refused_or_decides(text: str, value: str) -> None:
    """Whatever the text, it is a policy that decides about a request, or a refusal; nothing else is raised."""
    try:
        policy = read_policy("vault access policy", text)
    except Refusal:
        return
    context = {word.lower(): value for word in WORDS}
    for action in ACTIONS:
        asked = Asked(f"glacier:{action}", VAULT, Caller.of(OTHER, REGION), context)
        assert decide([policy], asked) in (None, Effect.ALLOW, Effect.DENY)


@settings(max_examples=500, deadline=None)
@given(pattern=st.text("ab*?[!]-\\", max_size=12), text=st.text("ab*?[!]-\\\n", max_size=16))
@example(pattern="*?b?*", text="aabb")
def test_patterns_match_as_the_shells_do(pattern: str, text: str) -> None:
    """Stars and question marks mean what Python's fnmatch says; brackets mean nothing."""
    oracle = fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))
    assert matches(pattern, text) == oracle


@settings(deadline=None)
@given(
    stretches=st.lists(st.text("ab?", min_size=1, max_size=4), max_size=6), text=st.text("ab", max_size=40)
)
def test_stretches_between_stars_are_found(stretches: list[str], text: str) -> None:
    """A pattern of many stretches matches exactly when the regular expression for it does."""
    regex = ".*".join(each.replace("?", ".") for each in ["", *stretches, ""])
    assert matches("*".join(["", *stretches, ""]), text) == bool(re.fullmatch(regex, text))


NUMBERS = st.decimals(min_value=-(10**20), max_value=10**20, places=3).map(lambda number: f"{number:f}")
DATES = st.datetimes().map(lambda moment: moment.replace(microsecond=0).isoformat() + "Z")
RELATIONS = {
    "Equals": operator.eq,
    "NotEquals": operator.ne,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}


@settings(max_examples=300, deadline=None)
@given(relation=st.sampled_from(list(RELATIONS)), wanted=NUMBERS, actual=NUMBERS, same=st.booleans())
def test_numbers_are_compared_exactly(relation: str, wanted: str, actual: str, same: bool) -> None:
    """Numeric operators agree with decimal arithmetic, however long the numbers."""
    actual = wanted if same else actual
    expected = RELATIONS[relation](Decimal(actual), Decimal(wanted))
    assert holds(f"Numeric{relation}", wanted, actual) == expected


@settings(max_examples=300, deadline=None)
@given(relation=st.sampled_from(list(RELATIONS)), wanted=DATES, actual=DATES, same=st.booleans())
def test_dates_are_compared_as_moments(relation: str, wanted: str, actual: str, same: bool) -> None:
    """Date operators agree with datetime, from the year 1 to 9999."""
    actual = wanted if same else actual
    expected = RELATIONS[relation](datetime.fromisoformat(actual), datetime.fromisoformat(wanted))
    assert holds(f"Date{relation}", wanted, actual) == expected
