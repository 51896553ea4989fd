"""Job output: made when first asked for, then served whole or in ranges."""

import re
import sqlite3

from glacierkeep.local.answers import jobrows
from glacierkeep.local.answers.calls import Call
from glacierkeep.local.answers.inventories import write_inventory
from glacierkeep.local.store.clearing import settle
from glacierkeep.local.store.pieces import Pieces, Span, SpanStream
from glacierkeep.local.store.ranges import range_tree_hash, spans
from glacierkeep.local.store.state import State
from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.messages import Response

_RANGE = re.compile(r"bytes=([0-9]{1,18})-([0-9]{0,18})")


def get_job_output(call: Call) -> Response:
    """GetJobOutput: 200 with everything, or 206 with the range asked for.

    A Range that cannot be read is ignored, as the real service does (boto3 issue 2077).
    """
    job = jobrows.find_job(call)
    with call.state.reading() as db:
        if job["completes"] > call.state.moment(db) or job["failure"]:
            raise refusals.job_not_ready(job["id"])
    if job["archive"] is None:
        job = prepare(call.state, call.pieces, job)
        if job["output"] is None:
            raise refusals.job_not_found(job["id"])
        return _inventory_output(call, job)
    return _archive_output(call, job)


def prepare(state: State, pieces: Pieces, job: sqlite3.Row) -> sqlite3.Row:
    """See to it that a finished inventory job has its document; the job as it is then."""
    with state.reading() as db:
        waiting = job["completes"] > state.moment(db)
    if waiting or job["archive"] is not None or job["output"] is not None:
        return job
    _write_document(state, pieces, job)
    with state.reading() as db:
        row: sqlite3.Row = db.execute(f"{jobrows.QUERY} WHERE job = ?", (job["job"],)).fetchone() or job
    return row


def _write_document(state: State, pieces: Pieces, job: sqlite3.Row) -> None:
    place = f"{job['account']}/{job['region']}"
    with pieces.arriving(place, lambda file: settle(state, pieces, file)) as arrival:
        marker = write_inventory(state, job, jobrows.arn_of(job), arrival.stream.write)
        size = arrival.stream.tell()
        arrival.seal()
        with state.writing() as db:
            arrival.insist()
            first = db.execute(
                "UPDATE jobs SET output = ?, output_size = ?, next_marker = ?"
                " WHERE job = ? AND output IS NULL",
                (arrival.file, size, marker, job["job"]),
            ).rowcount
        if not first:
            pieces.remove(arrival.file)


def _inventory_output(call: Call, job: sqlite3.Row) -> Response:
    first, stop, headers = _range(call, job["output_size"])
    headers["Content-Type"] = "text/csv" if job["format"] == "CSV" else "application/json"
    return _response(call, headers, [Span(job["output"], first, stop - first)], stop - first)


def _archive_output(call: Call, job: sqlite3.Row) -> Response:
    first, stop, headers = _range(call, job["stop"] - job["start"])
    headers["Content-Type"] = "application/octet-stream"
    if job["archive_description"]:
        headers["x-amz-archive-description"] = job["archive_description"]
    begin, end = job["start"] + first, job["start"] + stop
    with call.state.reading() as db:
        archive = db.execute("SELECT * FROM archives WHERE archive = ?", (job["archive"],)).fetchone()
        tree_hash = job["tree_hash"] and range_tree_hash(db, archive, begin, end)
        found = spans(db, job["archive"], begin, end)
    if tree_hash:
        headers["x-amz-sha256-tree-hash"] = tree_hash
    return _response(call, headers, found, stop - first)


def _response(call: Call, headers: dict[str, str], found: list[Span], length: int) -> Response:
    status = 206 if "Content-Range" in headers else 200
    return Response(status, headers, SpanStream(call.pieces, found), length)


def _range(call: Call, size: int) -> tuple[int, int, dict[str, str]]:
    """The bytes [first, stop) of the output to send, and the headers that say so."""
    headers = {"Accept-Ranges": "bytes"}
    asked = call.request.headers.get("Range", "")
    match = _RANGE.fullmatch(asked)
    if match is None or (match[2] and int(match[2]) < int(match[1])):
        return 0, size, headers
    first = int(match[1])
    if first >= size:
        raise refusals.range_past_end(asked)
    stop = min(int(match[2]) + 1, size) if match[2] else size
    headers["Content-Range"] = f"bytes {first}-{stop - 1}/{size}"
    return first, stop, headers
