"""Who may do what: an account may do everything with its own vaults that their policies do not deny."""

import sqlite3

from glacierkeep.local.answers.calls import Call
from glacierkeep.local.wire import refusals


def check(call: Call, db: sqlite3.Connection, vault: sqlite3.Row | None, archive_id: str | None) -> None:
    """Refuse what a policy of the *vault* denies, or what another account was not allowed."""
    if call.caller.account != call.account:
        raise refusals.access_denied(call.account)
