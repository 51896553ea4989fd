"""Parts of a multipart upload: upload, list."""

import re
import sqlite3

from glacierkeep.local.answers.archives import arriving, content_length
from glacierkeep.local.answers.calls import Call, write_marker
from glacierkeep.local.answers.uploads import describe_upload, find_open
from glacierkeep.local.store.clearing import discard, remove_discarded
from glacierkeep.local.store.pieces import Arrival
from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.messages import Response
from glacierkeep.local.wire.spelling import empty_response, json_response

MAX_PARTS = 10_000
MAX_PAGE = 50

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/\*")


def upload_multipart_part(call: Call) -> Response:
    """UploadMultipartPart; the same range again replaces what was there.

    A part that is too short is taken, and CompleteMultipartUpload refused later, as in the real service.
    """
    with call.state.reading() as db:
        upload = find_open(call, db)
    start, length = _range(call, upload["part_size"])
    with arriving(call, length) as arrival:
        tree_hash = arrival.hashes.tree
        with call.state.writing() as db:
            arrival.insist()
            replaced = _put(call, db, start, arrival)
    remove_discarded(call.state, call.pieces, replaced)
    return empty_response(204, {"x-amz-sha256-tree-hash": tree_hash})


def list_parts(call: Call) -> Response:
    """ListParts, by range."""
    limit, start = call.limit(MAX_PAGE), call.marker()
    with call.state.reading() as db:
        upload = find_open(call, db)
        rows = db.execute(
            "SELECT start, size, tree_hash FROM parts WHERE upload = ? AND start >= ? ORDER BY start LIMIT ?",
            (upload["upload"], start, limit + 1),
        ).fetchall()
    marker = write_marker(rows[limit]["start"]) if len(rows) > limit else None
    parts = [
        {
            "RangeInBytes": f"{row['start']}-{row['start'] + row['size'] - 1}",
            "SHA256TreeHash": row["tree_hash"],
        }
        for row in rows[:limit]
    ]
    return json_response(200, {**describe_upload(call, upload), "Marker": marker, "Parts": parts})


def _range(call: Call, part_size: int) -> tuple[int, int]:
    """Start and length of the part, from a Content-Range that fits Content-Length and part size."""
    content_range = call.header("Content-Range")
    match = _CONTENT_RANGE.fullmatch(content_range)
    length = content_length(call)
    if match is None or int(match[2]) < int(match[1]):
        raise refusals.invalid_parameter("Content-Range", content_range)
    start = int(match[1])
    if int(match[2]) + 1 - start != length:
        raise refusals.incompatible_range(content_range, "Content-Length", length)
    if start % part_size or length > part_size:
        raise refusals.incompatible_range(content_range, "x-amz-part-size", part_size)
    number = start // part_size + 1
    if number > MAX_PARTS:
        raise refusals.too_many_parts(number)
    return start, length


def _put(call: Call, db: sqlite3.Connection, start: int, arrival: Arrival) -> list[str]:
    """Record the part; the file it replaces, if any."""
    upload = find_open(call, db)["upload"]
    rows = db.execute("SELECT file FROM parts WHERE upload = ? AND start = ?", (upload, start)).fetchall()
    replaced = [str(row["file"]) for row in rows]
    discard(db, replaced)
    hashes = arrival.hashes
    db.execute(
        "INSERT OR REPLACE INTO parts (upload, start, size, tree_hash, file, leaves)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (upload, start, hashes.size, hashes.tree, arrival.file, hashes.leaves),
    )
    db.execute("UPDATE uploads SET touched = ? WHERE upload = ?", (call.state.moment(db), upload))
    return replaced
