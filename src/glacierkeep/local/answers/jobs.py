"""Jobs: initiate, describe, list. A job's state follows from the clock; nothing runs in the background."""

import sqlite3
from typing import Any

from glacierkeep.local.answers import archives, capacity, jobrows, outputs, retrieval_policies, vaults
from glacierkeep.local.answers.calls import Call, write_marker
from glacierkeep.local.answers.orders import TIER_MS, ArchiveOrder, InventoryOrder, read_order
from glacierkeep.local.store.clearing import HOUR_MS
from glacierkeep.local.store.ranges import range_tree_hash
from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.messages import Response
from glacierkeep.local.wire.spelling import (
    JOB_ID_LENGTH,
    empty_response,
    json_response,
    new_id,
    timestamp,
)

MAX_PAGE = 50
INVENTORY_MS = 4 * HOUR_MS
OUTPUT_MS = 24 * HOUR_MS
"""How long a finished job and its output last."""


def initiate_job(call: Call) -> Response:
    """InitiateJob: an archive retrieval or an inventory retrieval."""
    order = read_order(call)
    job_id = new_id(JOB_ID_LENGTH)
    with call.state.writing() as db:
        vault = vaults.require(call, db, order.archive_id if isinstance(order, ArchiveOrder) else None)
        if isinstance(order, ArchiveOrder):
            _retrieve_archive(call, db, vault, job_id, order)
        else:
            _retrieve_inventory(call, db, vault, job_id, order)
    headers = {"Location": call.location(call.path["vault"], "jobs", job_id), "x-amz-job-id": job_id}
    return empty_response(202, headers)


def describe_job(call: Call) -> Response:
    """DescribeJob."""
    outputs.prepare(call.state, call.pieces, jobrows.find_job(call))
    with call.state.reading() as db:
        return json_response(200, describe(jobrows.find_row(call, db), call.state.moment(db)))


def list_jobs(call: Call) -> Response:
    """ListJobs, in the order of initiation, filtered by state if asked."""
    condition = _filter(call)
    limit, start = call.limit(MAX_PAGE), call.marker()
    with call.state.reading() as db:
        moment = call.state.moment(db)
        vault = vaults.require(call, db)
        rows = db.execute(
            f"{jobrows.QUERY} WHERE jobs.vault = :vault AND job >= :start AND expires > :now AND {condition}"
            " ORDER BY job LIMIT :limit",
            {"vault": vault["vault"], "start": start, "now": moment, "limit": limit + 1},
        ).fetchall()
    marker = write_marker(rows[limit]["job"]) if len(rows) > limit else None
    page = [describe(outputs.prepare(call.state, call.pieces, row), moment) for row in rows[:limit]]
    return json_response(200, {"JobList": page, "Marker": marker})


def _retrieve_archive(
    call: Call, db: sqlite3.Connection, vault: sqlite3.Row, job_id: str, order: ArchiveOrder
) -> None:
    archive = archives.find(call, db, vault, order.archive_id)
    if archive["died"] is not None:
        raise refusals.archive_not_found(order.archive_id)
    start, stop = order.bytes_of(archive["size"])
    retrieval_policies.check(call, db, order.tier, stop - start)
    capacity.check(call, db, order.tier)
    moment = call.state.moment(db)
    completes = moment + (TIER_MS[order.tier] if call.realistic else 0)
    db.execute(
        "INSERT INTO jobs (vault, id, description, sns_topic, created, completes, expires,"
        " tier, archive, start, stop, tree_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(vault["vault"], job_id, order.description, order.sns_topic),
            *(moment, completes, completes + OUTPUT_MS),
            *(order.tier, archive["archive"], start, stop, range_tree_hash(db, archive, start, stop)),
        ),
    )


def _retrieve_inventory(
    call: Call, db: sqlite3.Connection, vault: sqlite3.Row, job_id: str, order: InventoryOrder
) -> None:
    moment = call.state.moment(db)
    vault = vaults.renew_inventory(call, db, vault)
    if vault["inventory_date"] is None:
        if call.realistic:
            raise refusals.inventory_not_found(call.arn(vault["name"]))
        vault = vaults.make_inventory(db, vault["vault"], moment)
    completes = moment + (INVENTORY_MS if call.realistic else 0)
    db.execute(
        "INSERT INTO jobs (vault, id, description, sns_topic, created, completes, expires, format,"
        " start_date, end_date, item_limit, marker, snapshot, snapshot_date)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(vault["vault"], job_id, order.description, order.sns_topic),
            *(moment, completes, completes + OUTPUT_MS, order.format),
            *(order.start_date, order.end_date, order.limit, order.marker),
            *(vault["inventory_changes"], vault["inventory_date"]),
        ),
    )


def _filter(call: Call) -> str:
    status = call.query.get("statuscode", "")
    completed = call.query.get("completed", "")
    states = {
        "": "TRUE",
        "InProgress": "completes > :now",
        "Succeeded": "completes <= :now AND failure IS NULL",
        "Failed": "completes <= :now AND failure IS NOT NULL",
    }
    ends = {"": "TRUE", "true": "completes <= :now", "false": "completes > :now"}
    if status not in states:
        raise refusals.invalid(f"The job status code is not valid: {status}")
    if completed not in ends:
        raise refusals.invalid_parameter("completed", completed)
    return f"({states[status]}) AND ({ends[completed]})"


def describe(job: sqlite3.Row, moment: int) -> dict[str, Any]:
    """A job as DescribeJob, ListJobs and messages to topics show it; its document must be prepared."""
    completed = job["completes"] <= moment
    status = "InProgress" if not completed else "Failed" if job["failure"] else "Succeeded"
    return {
        "Completed": completed,
        "CompletionDate": timestamp(job["completes"]) if completed else None,
        "CreationDate": timestamp(job["created"]),
        "JobDescription": job["description"],
        "JobId": job["id"],
        "JobOutputPath": None,
        "OutputLocation": None,
        "SNSTopic": job["sns_topic"],
        "SelectParameters": None,
        "StatusCode": status,
        "StatusMessage": (job["failure"] or "Succeeded") if completed else None,
        "VaultARN": jobrows.arn_of(job),
        **(_archive_fields(job) if job["archive"] is not None else _inventory_fields(job)),
    }


def _archive_fields(job: sqlite3.Row) -> dict[str, Any]:
    return {
        "Action": "ArchiveRetrieval",
        "ArchiveId": job["archive_id"],
        "ArchiveSHA256TreeHash": job["archive_tree_hash"],
        "ArchiveSizeInBytes": job["archive_size"],
        "InventoryRetrievalParameters": None,
        "InventorySizeInBytes": None,
        "RetrievalByteRange": f"{job['start']}-{job['stop'] - 1}",
        "SHA256TreeHash": job["tree_hash"],
        "Tier": job["tier"],
    }


def _inventory_fields(job: sqlite3.Row) -> dict[str, Any]:
    limit = job["item_limit"]
    return {
        "Action": "InventoryRetrieval",
        "ArchiveId": None,
        "ArchiveSHA256TreeHash": None,
        "ArchiveSizeInBytes": None,
        "InventoryRetrievalParameters": {
            "EndDate": job["end_date"],
            "Format": job["format"],
            "Limit": None if limit is None else str(limit),
            "Marker": job["next_marker"],
            "StartDate": job["start_date"],
        },
        "InventorySizeInBytes": job["output_size"],
        "RetrievalByteRange": None,
        "SHA256TreeHash": None,
        "Tier": None,
    }
