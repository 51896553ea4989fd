"""Vaults: create, describe, list, delete; and how a vault's changes and inventories are counted."""

import re
import sqlite3
from typing import Any

from glacierkeep.local.answers import permissions
from glacierkeep.local.answers.calls import Call
from glacierkeep.local.store.clearing import HOUR_MS, discard, discard_parts, remove_discarded
from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.messages import Response
from glacierkeep.local.wire.spelling import empty_response, json_response, timestamp

MAX_VAULTS = 1000
MAX_PAGE = 10
ARCHIVE_OVERHEAD = 32 * 1024
"""Bytes the service adds to each archive in SizeInBytes (botocore's ListVaults example)."""

FIRST_INVENTORY_MS = 12 * HOUR_MS
NEXT_INVENTORY_MS = 24 * HOUR_MS

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,255}")


def create_vault(call: Call) -> Response:
    """CreateVault; once more is no error and changes nothing."""
    name = call.path["vault"]
    if not _NAME.fullmatch(name):
        raise refusals.invalid_parameter("vault name", name)
    if call.caller.account != call.account:
        raise refusals.access_denied(call.account)
    with call.state.writing() as db:
        if find_row(call, db, name) is None:
            _insert(call, db, name)
    return empty_response(201, {"Location": call.location(name)})


def describe_vault(call: Call) -> Response:
    """DescribeVault: the figures are those of the last inventory."""
    refresh_inventories(call)
    with call.state.reading() as db:
        return json_response(200, _description(call, require(call, db)))


def list_vaults(call: Call) -> Response:
    """ListVaults, in ASCII order; the marker is the ARN of the first vault of the next page."""
    limit = call.limit(MAX_PAGE)
    start = _name_of_marker(call)
    refresh_inventories(call)
    with call.state.reading() as db:
        rows = db.execute(
            "SELECT * FROM vaults WHERE account = ? AND region = ? AND name >= ? ORDER BY name LIMIT ?",
            (call.account, call.region, start, limit + 1),
        ).fetchall()
    marker = call.arn(rows[limit]["name"]) if len(rows) > limit else None
    page = [_description(call, row) for row in rows[:limit]]
    return json_response(200, {"Marker": marker, "VaultList": page})


def delete_vault(call: Call) -> Response:
    """DeleteVault: only when empty at the last inventory and not written to since."""
    with call.state.writing() as db:
        vault = require(call, db)
        vault = renew_inventory(call, db, vault)
        if vault["inventory_count"] or vault["changes"] != vault["inventory_changes"]:
            raise refusals.vault_not_empty(call.arn(vault["name"]))
        files = _discard_all(db, vault["vault"])
        db.execute("DELETE FROM vaults WHERE vault = ?", (vault["vault"],))
    remove_discarded(call.state, call.pieces, files)
    return empty_response(204)


def require(call: Call, db: sqlite3.Connection, archive_id: str | None = None) -> sqlite3.Row:
    """The vault the request names, if its policies let the caller do this (to that archive); or the refusal."""
    name = call.path["vault"]
    row = find_row(call, db, name) if _NAME.fullmatch(name) else None
    permissions.check(call, db, row, archive_id)
    if row is None:
        raise refusals.vault_not_found(call.arn(name) if _NAME.fullmatch(name) else name)
    return row


def find_row(call: Call, db: sqlite3.Connection, name: str) -> sqlite3.Row | None:
    """The vault of that name, if there is one."""
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM vaults WHERE account = ? AND region = ? AND name = ?",
        (call.account, call.region, name),
    ).fetchone()
    return row


def record_change(call: Call, db: sqlite3.Connection, vault: sqlite3.Row, size: int, *, came: bool) -> int:
    """Count an archive of *size* bytes that *came* or went; the number of the change."""
    if call.realistic:
        renew_inventory(call, db, vault)
    moment = call.state.moment(db)
    sign = 1 if came else -1
    row = db.execute(
        "UPDATE vaults SET changes = changes + 1, first_change = coalesce(first_change, ?), last_change = ?,"
        " archive_count = archive_count + ?, archive_bytes = archive_bytes + ?"
        " WHERE vault = ? RETURNING changes",
        (moment, moment, sign, sign * (size + ARCHIVE_OVERHEAD), vault["vault"]),
    ).fetchone()
    return int(row["changes"])


def refresh_inventories(call: Call) -> None:
    """Make the inventories that are due, so that what is read next is what the service would know."""
    with call.state.reading() as db:
        due = _due_vaults(call, db)
    for vault in due:
        with call.state.writing() as db:
            row = db.execute("SELECT * FROM vaults WHERE vault = ?", (vault,)).fetchone()
            if row is not None:
                renew_inventory(call, db, row)


def renew_inventory(call: Call, db: sqlite3.Connection, vault: sqlite3.Row) -> sqlite3.Row:
    """Make this vault's inventory if one is due, as of the moment it was due; the vault as it is then.

    Called before each change too, so the state now is the state at that moment.
    """
    moment = call.state.moment(db)
    date = moment if not call.realistic else next_inventory(vault)
    if vault["changes"] == vault["inventory_changes"] or date is None or date > moment:
        return vault
    return make_inventory(db, vault["vault"], date)


def make_inventory(db: sqlite3.Connection, vault: int, date: int) -> sqlite3.Row:
    """Take the vault's state as its inventory of *date*."""
    row: sqlite3.Row = db.execute(
        "UPDATE vaults SET inventory_date = ?, inventory_changes = changes,"
        " inventory_count = archive_count, inventory_bytes = archive_bytes WHERE vault = ? RETURNING *",
        (date, vault),
    ).fetchone()
    return row


def next_inventory(vault: sqlite3.Row) -> int | None:
    """When the inventory after the last change is made: 12 hours after the first one, then daily."""
    if vault["first_change"] is None:
        return None
    first = int(vault["first_change"]) + FIRST_INVENTORY_MS
    since = int(vault["last_change"]) - first
    return first if since < 0 else first + (since // NEXT_INVENTORY_MS + 1) * NEXT_INVENTORY_MS


def _due_vaults(call: Call, db: sqlite3.Connection) -> list[int]:
    moment = call.state.moment(db)
    rows = db.execute(
        "SELECT * FROM vaults WHERE account = ? AND region = ? AND changes <> inventory_changes",
        (call.account, call.region),
    )
    return [
        row["vault"] for row in rows if not call.realistic or (next_inventory(row) or moment + 1) <= moment
    ]


def _insert(call: Call, db: sqlite3.Connection, name: str) -> None:
    count = db.execute(
        "SELECT count(*) FROM vaults WHERE account = ? AND region = ?", (call.account, call.region)
    ).fetchone()[0]
    if count >= MAX_VAULTS:
        raise refusals.too_many_vaults(MAX_VAULTS)
    db.execute(
        "INSERT INTO vaults (account, region, name, created) VALUES (?, ?, ?, ?)",
        (call.account, call.region, name, call.state.moment(db)),
    )


def _description(call: Call, vault: sqlite3.Row) -> dict[str, Any]:
    return {
        "CreationDate": timestamp(vault["created"]),
        "LastInventoryDate": timestamp(vault["inventory_date"]),
        "NumberOfArchives": vault["inventory_count"],
        "SizeInBytes": vault["inventory_bytes"],
        "VaultARN": call.arn(vault["name"]),
        "VaultName": vault["name"],
    }


def _name_of_marker(call: Call) -> str:
    marker = call.query.get("marker", "")
    prefix = call.arn("")
    if not marker:
        return ""
    if not marker.startswith(prefix) or not _NAME.fullmatch(marker[len(prefix) :]):
        raise refusals.invalid_parameter("marker", marker)
    return marker[len(prefix) :]


def _discard_all(db: sqlite3.Connection, vault: int) -> list[str]:
    """Note every file that goes with the vault: open uploads, held archives, job outputs."""
    uploads = db.execute("SELECT upload FROM uploads WHERE vault = ?", (vault,)).fetchall()
    files = [file for row in uploads for file in discard_parts(db, row["upload"])]
    rows = db.execute(
        "SELECT file FROM pieces JOIN archives USING (archive) WHERE vault = ?"
        " UNION ALL SELECT output FROM jobs WHERE vault = ? AND output IS NOT NULL",
        (vault, vault),
    ).fetchall()
    discard(db, [row[0] for row in rows])
    return files + [row[0] for row in rows]
