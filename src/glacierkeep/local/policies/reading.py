"""Policy documents read: JSON, bounded and checked, so that a misspelt word is refused rather than without effect."""

import json
from functools import lru_cache
from typing import Any

from glacierkeep.local.policies.conditions import read_conditions
from glacierkeep.local.policies.malformed import Malformed, members, quoted, text, texts
from glacierkeep.local.policies.patterns import arn_parts, is_arn, is_sound, matches, without_variables
from glacierkeep.local.policies.principals import Principals, read_principals
from glacierkeep.local.policies.statements import Effect, Policy, Statement
from glacierkeep.local.wire import refusals

MAX_POLICY_BYTES = 20 * 1024
"""A policy "can be up to 20 KB in size" (developer guide, api-SetVaultAccessPolicy, api-InitiateVaultLock)."""
WITH_VARIABLES = "2012-10-17"
VERSIONS = (WITH_VARIABLES, "2008-10-17")

ACTIONS = (
    *("AbortMultipartUpload", "AbortVaultLock", "AddTagsToVault", "CompleteMultipartUpload"),
    *("CompleteVaultLock", "DeleteArchive", "DeleteVault", "DeleteVaultAccessPolicy"),
    *("DeleteVaultNotifications", "DescribeJob", "DescribeVault", "GetJobOutput", "GetVaultAccessPolicy"),
    *("GetVaultLock", "GetVaultNotifications", "InitiateJob", "InitiateMultipartUpload", "InitiateVaultLock"),
    *("ListJobs", "ListMultipartUploads", "ListParts", "ListTagsForVault", "ListVaults"),
    *("RemoveTagsFromVault", "SetVaultAccessPolicy", "SetVaultNotifications", "UploadArchive"),
    "UploadMultipartPart",
)
"""What the policy of a vault can speak of (developer guide, "API Permissions Reference")."""

_KNOWN_ACTIONS = tuple(f"glacier:{name.lower()}" for name in ACTIONS)
_OF_POLICY = ("Version", "Id", "Statement")
_OF_STATEMENT = (
    *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource"),
    "Condition",
)


@lru_cache(maxsize=256)
def read_policy(kind: str, document: str) -> Policy:
    """The policy in a JSON text; a Refusal if it is none. *kind* is what it is for, as a refusal names it."""
    try:
        return _policy(document)
    except Malformed as error:
        raise refusals.invalid_policy(kind, str(error)) from None


def _policy(document: str) -> Policy:
    if len(document.encode("utf-8", "surrogatepass")) > MAX_POLICY_BYTES:
        raise Malformed(f"It is longer than {MAX_POLICY_BYTES} bytes")
    policy = members(_json(document), "The policy")
    _check_elements(policy, _OF_POLICY)
    if policy.get("Version", WITH_VARIABLES) not in VERSIONS:
        raise Malformed(f"Version is neither {' nor '.join(VERSIONS)}")
    text(policy.get("Id", ""), "Id")
    listed = policy.get("Statement")
    several = listed if isinstance(listed, list) else [listed]
    if not several:
        raise Malformed("It has no statements")
    variables = policy.get("Version") == WITH_VARIABLES
    statements = tuple(_numbered(number, each, variables) for number, each in enumerate(several, 1))
    _check_sids(several)
    return Policy(statements)


def _json(document: str) -> Any:
    try:
        return json.loads(document, object_pairs_hook=_without_repeats, parse_constant=_no_constant)
    except Malformed:
        raise
    except (ValueError, RecursionError):
        raise Malformed("It is not valid JSON") from None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Malformed("It has an element twice")
    return found


def _no_constant(name: str) -> Any:
    raise Malformed(f"It is not valid JSON: {name}")


def _numbered(number: int, value: Any, variables: bool) -> Statement:
    try:
        return _statement(members(value, "It"), variables)
    except Malformed as error:
        raise Malformed(f"Statement {number}: {error}") from None


def _statement(statement: dict[str, Any], variables: bool) -> Statement:
    _check_elements(statement, _OF_STATEMENT)
    text(statement.get("Sid", ""), "Sid")
    effect = _effect(statement.get("Effect"))
    principals, not_principals = _principals(statement, effect)
    actions, not_actions = _one_of(statement, "Action")
    resources, not_resources = _one_of(statement, "Resource")
    return Statement(
        effect=effect,
        principals=principals,
        not_principals=not_principals,
        actions=tuple(_action(each) for each in texts(actions, "Action")),
        not_actions=not_actions,
        resources=tuple(_resource(each, variables) for each in texts(resources, "Resource")),
        not_resources=not_resources,
        conditions=read_conditions(statement.get("Condition", {}), variables=variables),
    )


def _effect(value: Any) -> Effect:
    for effect in Effect:
        if value == effect:
            return effect
    raise Malformed("Effect is neither Allow nor Deny")


def _principals(statement: dict[str, Any], effect: Effect) -> tuple[Principals, bool]:
    value, negated = _one_of(statement, "Principal")
    if negated and effect is Effect.ALLOW:
        raise Malformed("NotPrincipal cannot be allowed anything")
    return read_principals(value, "NotPrincipal" if negated else "Principal"), negated


def _one_of(statement: dict[str, Any], element: str) -> tuple[Any, bool]:
    """The value of that element or of its opposite, and whether it is the opposite's."""
    opposite = f"Not{element}"
    if (element in statement) == (opposite in statement):
        raise Malformed(f"It must have one of {element} and {opposite}")
    return (statement[opposite], True) if opposite in statement else (statement[element], False)


def _action(value: str) -> str:
    action = value.lower()
    if action != "*" and not (
        action.startswith("glacier:") and any(matches(action, known) for known in _KNOWN_ACTIONS)
    ):
        raise Malformed(f"{quoted(value)} is no action on a vault")
    return action


def _resource(value: str, variables: bool) -> str:
    pattern = value if variables else without_variables(value)
    if pattern != "*" and not (is_sound(pattern) and is_arn(pattern) and _is_of_vaults(pattern)):
        raise Malformed(f"{quoted(value)} is no ARN of a vault")
    return pattern


def _is_of_vaults(pattern: str) -> bool:
    parts = arn_parts(pattern)
    return parts[2] == "glacier" and (parts[5] == "*" or parts[5].startswith("vaults/"))


def _check_elements(found: dict[str, Any], known: tuple[str, ...]) -> None:
    for name in found:
        if name not in known:
            raise Malformed(f"{quoted(name)} is no element of it")


def _check_sids(statements: list[Any]) -> None:
    sids = [each["Sid"] for each in statements if "Sid" in each]
    if len(set(sids)) < len(sids):
        raise Malformed("Two statements have the same Sid")
