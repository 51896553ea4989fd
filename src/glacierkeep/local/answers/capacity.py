"""Provisioned capacity for Expedited retrievals, and what becomes of them without."""

import sqlite3
from calendar import monthrange

from glacierkeep.local.answers.calls import Call
from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.messages import Response
from glacierkeep.local.wire.spelling import (
    CAPACITY_ID_LENGTH,
    empty_response,
    from_milliseconds,
    json_response,
    new_id,
    timestamp,
    to_milliseconds,
)

MAX_UNITS = 2
"""Units an account may hold at a time (developer guide, api-PurchaseProvisionedCapacity)."""
RETRIEVALS = 3
"""Expedited retrievals of a unit in five minutes (developer guide, the same); without any unit as many (a guess)."""
WINDOW_MS = 5 * 60_000


def purchase_provisioned_capacity(call: Call) -> Response:
    """PurchaseProvisionedCapacity: a unit for a month."""
    capacity_id = new_id(CAPACITY_ID_LENGTH)
    with call.state.writing() as db:
        moment = call.state.moment(db)
        if len(_units(call, db, moment)) >= MAX_UNITS:
            raise refusals.too_many_units(MAX_UNITS)
        db.execute(
            "INSERT INTO capacity (account, region, id, started, expires) VALUES (?, ?, ?, ?, ?)",
            (call.account, call.region, capacity_id, moment, month_after(moment)),
        )
    return empty_response(201, {"x-amz-capacity-id": capacity_id})


def list_provisioned_capacity(call: Call) -> Response:
    """ListProvisionedCapacity: the units that have not expired, as they were purchased."""
    with call.state.reading() as db:
        rows = _units(call, db, call.state.moment(db))
    units = [
        {
            "CapacityId": row["id"],
            "ExpirationDate": timestamp(row["expires"]),
            "StartDate": timestamp(row["started"]),
        }
        for row in rows
    ]
    return json_response(200, {"ProvisionedCapacityList": units})


def check(call: Call, db: sqlite3.Connection, tier: str) -> None:
    """Refuse an Expedited retrieval when there were too many lately; in realistic mode only."""
    if tier != "Expedited" or not call.realistic:
        return
    moment = call.state.moment(db)
    begun = db.execute(
        "SELECT count(*) FROM jobs JOIN vaults USING (vault)"
        " WHERE tier = ? AND jobs.created > ? AND account = ? AND region = ?",
        (tier, moment - WINDOW_MS, call.account, call.region),
    ).fetchone()[0]
    if begun >= RETRIEVALS * (1 + len(_units(call, db, moment))):
        raise refusals.short_of_capacity()


def month_after(moment: int) -> int:
    """The same time a month later, to the nearest second; on the last day of that month when it has no such day."""
    start = from_milliseconds((moment + 500) // 1000 * 1000)
    year, month = start.year + start.month // 12, start.month % 12 + 1
    day = min(start.day, monthrange(year, month)[1])
    return to_milliseconds(start.replace(year=year, month=month, day=day))


def _units(call: Call, db: sqlite3.Connection, moment: int) -> list[sqlite3.Row]:
    return db.execute(
        "SELECT * FROM capacity WHERE account = ? AND region = ? AND expires > ? ORDER BY capacity",
        (call.account, call.region, moment),
    ).fetchall()
