"""How much may be retrieved from the vaults of an account in a region.

The developer guide ("S3 Glacier Data Retrieval Policies") says what is limited: Standard retrievals of archives, by
"the peak retrieval rate of the in-progress jobs" or by the "prorated daily" free allowance. It gives no formulas; those
here are guesses, each with its reason.
"""

import sqlite3
from calendar import monthrange
from typing import Any

from glacierkeep.local.answers.calls import Call
from glacierkeep.local.answers.orders import TIER_MS
from glacierkeep.local.store.clearing import HOUR_MS
from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.documents import Fields, members, number, objects, read_fields, text
from glacierkeep.local.wire.messages import Response
from glacierkeep.local.wire.spelling import empty_response, from_milliseconds, json_response

UNLIMITED = "None"
FREE_TIER = "FreeTier"
RATE = "BytesPerHour"
STRATEGIES = (RATE, FREE_TIER, UNLIMITED)
MAX_RATE = 2**63 - 1
"""Bytes per hour (developer guide, api-SetDataRetrievalPolicy)."""
FREE_BYTES_A_MONTH = 10 * 2**30
"""The free tier's "10 GB a month"; that a GB has 2^30 bytes is a guess."""

_DAY_MS = 24 * HOUR_MS


def get_retrieval_policy(call: Call) -> Response:
    """GetDataRetrievalPolicy: the strategy is None as long as none was set."""
    with call.state.reading() as db:
        strategy, rate = _policy(call, db)
    rule: dict[str, Any] = {"Strategy": strategy}
    if rate is not None:
        rule[RATE] = rate
    return json_response(200, {"Policy": {"Rules": [rule]}})


def set_retrieval_policy(call: Call) -> Response:
    """SetDataRetrievalPolicy: holds at once, for jobs initiated from now on."""
    strategy, rate = _rule(call)
    with call.state.writing() as db:
        db.execute(
            "INSERT OR REPLACE INTO retrieval_policies (account, region, strategy, bytes_per_hour)"
            " VALUES (?, ?, ?, ?)",
            (call.account, call.region, strategy, rate),
        )
    return empty_response(204)


def check(call: Call, db: sqlite3.Connection, tier: str, size: int) -> None:
    """Refuse a retrieval of *size* bytes that the policy in force does not allow."""
    strategy, rate = _policy(call, db)
    if tier != "Standard" or strategy == UNLIMITED:
        return
    moment = call.state.moment(db)
    if rate is not None:
        allowed = rate * TIER_MS[tier] // HOUR_MS
        since = moment - TIER_MS[tier]
    else:
        allowed = free_bytes_of_day(moment)
        since = moment - moment % _DAY_MS - 1
    if _asked_for(call, db, tier, since) + size > allowed:
        raise refusals.policy_enforced()


def free_bytes_of_day(moment: int) -> int:
    """The day's share of the month's free bytes: by the days of its month, cut off (a guess). Days are of UTC."""
    date = from_milliseconds(moment)
    return FREE_BYTES_A_MONTH // monthrange(date.year, date.month)[1]


def _asked_for(call: Call, db: sqlite3.Connection, tier: str, since: int) -> int:
    """The bytes of all retrievals of that tier initiated after *since*.

    A job is taken to retrieve at an even rate for the time its tier takes: so peak rates were reckoned while AWS
    charged for them (until 2016). The rate is highest when a job begins, and is then the bytes of the jobs in
    progress divided by that time; in both modes, also when jobs are called finished earlier.
    """
    row = db.execute(
        "SELECT coalesce(sum(stop - start), 0) FROM jobs JOIN vaults USING (vault)"
        " WHERE tier = ? AND jobs.created > ? AND account = ? AND region = ?",
        (tier, since, call.account, call.region),
    ).fetchone()
    return int(row[0])


def _policy(call: Call, db: sqlite3.Connection) -> tuple[str, int | None]:
    row = db.execute(
        "SELECT strategy, bytes_per_hour FROM retrieval_policies WHERE account = ? AND region = ?",
        (call.account, call.region),
    ).fetchone()
    return (row["strategy"], row["bytes_per_hour"]) if row else (UNLIMITED, None)


def _rule(call: Call) -> tuple[str, int | None]:
    """The one rule of the policy sent, or the refusal."""
    policy = members(read_fields(call.request.body, "Policy"), "Policy")
    if not policy:
        raise refusals.missing("Policy")
    rules = objects(policy, "Rules")
    if not rules:
        raise refusals.missing("Rules")
    if len(rules) > 1:
        raise refusals.invalid(f"Invalid Rules: {len(rules)} rules, exactly one is allowed")
    return _checked(rules[0])


def _checked(rule: Fields) -> tuple[str, int | None]:
    strategy, rate = text(rule, "Strategy"), number(rule, RATE)
    if not strategy:
        raise refusals.missing("Strategy")
    if strategy not in STRATEGIES:
        raise refusals.invalid_parameter("Strategy", strategy)
    if strategy != RATE and rate is not None:
        raise refusals.invalid(f"{RATE} is not allowed with the strategy {strategy}")
    if strategy == RATE and rate is None:
        raise refusals.missing(RATE)
    if rate is not None and not 1 <= rate <= MAX_RATE:
        raise refusals.invalid_parameter(RATE, rate)
    return strategy, rate
