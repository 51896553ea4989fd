"""The lock of a vault: a policy that can be tried for a day, and then be made to last for ever.

Developer guide, vault-lock; a lock that has expired is as if it had never been.
"""

import sqlite3

from glacierkeep.local.answers import vaults
from glacierkeep.local.answers.access_policies import policy_sent
from glacierkeep.local.answers.calls import Call
from glacierkeep.local.answers.permissions import LOCK
from glacierkeep.local.store.clearing import HOUR_MS
from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.messages import Response
from glacierkeep.local.wire.spelling import LOCK_ID_LENGTH, empty_response, json_response, new_id, timestamp

IN_PROGRESS_MS = 24 * HOUR_MS
"""How long a lock may be in progress (developer guide, api-InitiateVaultLock)."""


def initiate_vault_lock(call: Call) -> Response:
    """InitiateVaultLock: not while there is a lock, in progress or complete."""
    policy = policy_sent(call, LOCK)
    lock_id = new_id(LOCK_ID_LENGTH)
    with call.state.writing() as db:
        vault = vaults.require(call, db)
        lock = _find(call, db, vault)
        if lock is not None:
            raise _is_locked(call, lock)
        moment = call.state.moment(db)
        db.execute(
            "INSERT OR REPLACE INTO locks (vault, id, policy, created, expires) VALUES (?, ?, ?, ?, ?)",
            (vault["vault"], lock_id, policy, moment, moment + IN_PROGRESS_MS),
        )
    return empty_response(201, {"x-amz-lock-id": lock_id})


def get_vault_lock(call: Call) -> Response:
    """GetVaultLock: 404 when there is none."""
    with call.state.reading() as db:
        lock = _require(call, db, vaults.require(call, db))
    return json_response(
        200,
        {
            "CreationDate": timestamp(lock["created"]),
            "ExpirationDate": timestamp(lock["expires"]),
            "Policy": lock["policy"],
            "State": "Locked" if lock["expires"] is None else "InProgress",
        },
    )


def abort_vault_lock(call: Call) -> Response:
    """AbortVaultLock: no error when there is none; a complete one stays."""
    with call.state.writing() as db:
        vault = vaults.require(call, db)
        lock = _find(call, db, vault)
        if lock is not None and lock["expires"] is None:
            raise _is_locked(call, lock)
        db.execute("DELETE FROM locks WHERE vault = ?", (vault["vault"],))
    return empty_response(204)


def complete_vault_lock(call: Call) -> Response:
    """CompleteVaultLock: once more with the same id is no error."""
    lock_id = call.path["lock"]
    with call.state.writing() as db:
        vault = vaults.require(call, db)
        lock = _require(call, db, vault)
        if lock["id"] != lock_id and lock["expires"] is None:
            raise _is_locked(call, lock)
        if lock["id"] != lock_id:
            raise refusals.invalid_parameter("lock ID", lock_id)
        db.execute("UPDATE locks SET expires = NULL WHERE vault = ?", (vault["vault"],))
    return empty_response(204)


def _find(call: Call, db: sqlite3.Connection, vault: sqlite3.Row) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM locks WHERE vault = ? AND (expires IS NULL OR expires > ?)",
        (vault["vault"], call.state.moment(db)),
    ).fetchone()
    return row


def _require(call: Call, db: sqlite3.Connection, vault: sqlite3.Row) -> sqlite3.Row:
    lock = _find(call, db, vault)
    if lock is None:
        raise refusals.policy_not_found(LOCK, call.arn(vault["name"]))
    return lock


def _is_locked(call: Call, lock: sqlite3.Row) -> refusals.Refusal:
    state = "locked" if lock["expires"] is None else "being locked"
    return refusals.denied(f"The vault is {state}: {call.arn(call.path['vault'])}")
