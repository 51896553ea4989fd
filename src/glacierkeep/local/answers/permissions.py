"""Who may do what: an account may do everything with its own vaults that their policies do not deny."""

import sqlite3
from datetime import timedelta

from glacierkeep.local.answers.calls import Call
from glacierkeep.local.policies.conditions import ARCHIVE_AGE, RESOURCE_TAG
from glacierkeep.local.policies.reading import read_policy
from glacierkeep.local.policies.statements import Asked, Effect, Policy, decide
from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.spelling import inventory_timestamp

ACCESS = "vault access policy"
LOCK = "vault lock policy"

OWNERS_ONLY = frozenset(
    {
        *("AddTagsToVault", "ListTagsForVault", "RemoveTagsFromVault"),
        *("AbortVaultLock", "CompleteVaultLock", "InitiateVaultLock"),
    }
)
"""Operations on vaults whose account "must match" that of the credentials (developer guide, api-AddTagsToVault)."""

_DAY_MS = timedelta(days=1) // timedelta(milliseconds=1)
_POLICIES = (
    "SELECT :access AS kind, policy, NULL AS expires FROM access_policies WHERE vault = :vault"
    " UNION ALL SELECT :lock, policy, expires FROM locks WHERE vault = :vault"
)


def check(call: Call, db: sqlite3.Connection, vault: sqlite3.Row | None, archive_id: str | None) -> None:
    """Refuse what a policy of the *vault* denies, or what another account was not allowed.

    The policy of a lock in progress counts like that of a complete one (developer guide, vault-lock-how-to-api).
    """
    owner = call.caller.account == call.account
    if not owner and call.operation in OWNERS_ONLY:
        raise refusals.access_denied(call.account)
    policies = _policies(call, db, vault)
    effect = decide(policies, _asked(call, db, vault, archive_id)) if vault is not None and policies else None
    if effect is Effect.DENY or not (owner or effect is Effect.ALLOW):
        raise refusals.not_authorized(
            call.caller.arn,
            f"glacier:{call.operation}",
            call.arn(call.path["vault"]),
            explicit=effect is Effect.DENY,
        )


def _policies(call: Call, db: sqlite3.Connection, vault: sqlite3.Row | None) -> list[Policy]:
    if vault is None:
        return []
    rows = db.execute(_POLICIES, {"vault": vault["vault"], "access": ACCESS, "lock": LOCK}).fetchall()
    return [
        read_policy(row["kind"], row["policy"])
        for row in rows
        if row["expires"] is None or row["expires"] > call.state.moment(db)
    ]


def _asked(call: Call, db: sqlite3.Connection, vault: sqlite3.Row, archive_id: str | None) -> Asked:
    moment = call.state.moment(db)
    tags = db.execute("SELECT name, value FROM tags WHERE vault = ?", (vault["vault"],)).fetchall()
    context = {
        **_of_caller(call),
        "aws:currenttime": inventory_timestamp(moment),
        "aws:epochtime": str(moment // 1000),
        "aws:requestedregion": call.region,
        "aws:resourceaccount": call.account,
        "aws:securetransport": "false",
        "aws:viaawsservice": "false",
        **{RESOURCE_TAG + tag["name"].lower(): tag["value"] for tag in tags},
    }
    archive = db.execute(
        "SELECT created FROM archives WHERE vault = ? AND id = ? AND died IS NULL",
        (vault["vault"], archive_id),
    ).fetchone()
    if archive:
        context[ARCHIVE_AGE] = str((moment - archive["created"]) // _DAY_MS)
    return Asked(f"glacier:{call.operation}", call.arn(vault["name"]), call.caller, context)


def _of_caller(call: Call) -> dict[str, str]:
    caller = call.caller
    _, slash, user = caller.arn.partition(":user/")
    return {
        "aws:principalaccount": caller.account,
        "aws:principalarn": caller.arn,
        "aws:principalisawsservice": "false",
        "aws:principaltype": "User" if slash else "Account",
        **({"aws:username": user} if slash else {"aws:userid": caller.account}),
    }
