"""Multipart uploads: initiate, list, complete, abort."""

import sqlite3

from glacierkeep.local.answers import vaults
from glacierkeep.local.answers.archives import insert_archive, stored
from glacierkeep.local.answers.calls import Call, write_marker
from glacierkeep.local.store.clearing import (
    ENDED_UPLOAD_MS,
    UPLOAD_IDLE_MS,
    discard_parts,
    remove_discarded,
)
from glacierkeep.local.store.treehash import MIB, tree_root
from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.messages import Response
from glacierkeep.local.wire.spelling import (
    UPLOAD_ID_LENGTH,
    empty_response,
    json_response,
    new_id,
    timestamp,
)

MIN_PART_SIZE = MIB
MAX_PART_SIZE = 4 * 1024 * MIB
MAX_PAGE = 50


def initiate_multipart_upload(call: Call) -> Response:
    """InitiateMultipartUpload: a part size of 2**n MiB, 1 MiB to 4 GiB."""
    part_size = _part_size(call)
    description = call.archive_description()
    upload_id = new_id(UPLOAD_ID_LENGTH)
    with call.state.writing() as db:
        vault = vaults.require(call, db)
        moment = call.state.moment(db)
        db.execute(
            "INSERT INTO uploads (vault, id, description, part_size, created, touched)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (vault["vault"], upload_id, description, part_size, moment, moment),
        )
    headers = {
        "Location": call.location(call.path["vault"], "multipart-uploads", upload_id),
        "x-amz-multipart-upload-id": upload_id,
    }
    return empty_response(201, headers)


def list_multipart_uploads(call: Call) -> Response:
    """ListMultipartUploads: the open ones."""
    limit, start = call.limit(MAX_PAGE), call.marker()
    with call.state.reading() as db:
        vault = vaults.require(call, db)
        rows = db.execute(
            "SELECT * FROM uploads WHERE vault = ? AND upload >= ? AND state = 'open' AND touched > ?"
            " ORDER BY upload LIMIT ?",
            (vault["vault"], start, call.state.moment(db) - UPLOAD_IDLE_MS, limit + 1),
        ).fetchall()
    marker = write_marker(rows[limit]["upload"]) if len(rows) > limit else None
    page = [describe_upload(call, row) for row in rows[:limit]]
    return json_response(200, {"Marker": marker, "UploadsList": page})


def complete_multipart_upload(call: Call) -> Response:
    """CompleteMultipartUpload; repeated within an hour it gives the same archive again."""
    size = call.number_header("x-amz-archive-size")
    tree_hash = call.hash_header("x-amz-sha256-tree-hash")
    with call.state.writing() as db:
        vault = vaults.require(call, db)
        upload = _find(call, db, vault)
        if upload["state"] == "completed":
            archive_id = _completed_before(db, upload, size, tree_hash)
        elif upload["state"] == "aborted":
            raise refusals.upload_not_found(upload["id"])
        else:
            archive_id = _complete(call, db, vault, upload, size, tree_hash)
    return stored(call, archive_id, tree_hash)


def abort_multipart_upload(call: Call) -> Response:
    """AbortMultipartUpload; repeated within an hour it is no error, on a completed upload it is."""
    files: list[str] = []
    with call.state.writing() as db:
        upload = _find(call, db, vaults.require(call, db))
        if upload["state"] == "completed":
            raise refusals.upload_not_found(upload["id"])
        if upload["state"] == "open":
            files = discard_parts(db, upload["upload"])
            _end(call, db, upload, "aborted", None)
    remove_discarded(call.state, call.pieces, files)
    return empty_response(204)


def find_open(call: Call, db: sqlite3.Connection) -> sqlite3.Row:
    """The open upload the request names, or the refusal."""
    upload = _find(call, db, vaults.require(call, db))
    if upload["state"] != "open":
        raise refusals.upload_not_found(upload["id"])
    return upload


def describe_upload(call: Call, upload: sqlite3.Row) -> dict[str, object]:
    """An upload as listings show it."""
    return {
        "ArchiveDescription": upload["description"] or None,
        "CreationDate": timestamp(upload["created"]),
        "MultipartUploadId": upload["id"],
        "PartSizeInBytes": upload["part_size"],
        "VaultARN": call.arn(call.path["vault"]),
    }


def _find(call: Call, db: sqlite3.Connection, vault: sqlite3.Row) -> sqlite3.Row:
    upload_id = call.path["upload"]
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM uploads WHERE id = ? AND vault = ?", (upload_id, vault["vault"])
    ).fetchone()
    if row is None or _lapsed(row, call.state.moment(db)):
        raise refusals.upload_not_found(upload_id)
    return row


def _lapsed(upload: sqlite3.Row, moment: int) -> bool:
    kept = UPLOAD_IDLE_MS if upload["state"] == "open" else ENDED_UPLOAD_MS
    return bool(upload["touched"] + kept <= moment)


def _part_size(call: Call) -> int:
    value = call.header("x-amz-part-size")
    size = int(value) if value.isascii() and value.isdigit() and len(value) <= 18 else 0
    if not MIN_PART_SIZE <= size <= MAX_PART_SIZE or size & (size - 1):
        raise refusals.invalid_part_size(value)
    return size


def _complete(
    call: Call, db: sqlite3.Connection, vault: sqlite3.Row, upload: sqlite3.Row, size: int, tree_hash: str
) -> str:
    parts = db.execute(
        "SELECT start, size, tree_hash FROM parts WHERE upload = ? ORDER BY start", (upload["upload"],)
    ).fetchall()
    _check_parts(parts, size, tree_hash)
    archive, archive_id = insert_archive(call, db, vault, upload["description"], size, tree_hash)
    db.execute(
        "INSERT INTO pieces (archive, start, size, file, leaves)"
        " SELECT ?, start, size, file, leaves FROM parts WHERE upload = ? ORDER BY start",
        (archive, upload["upload"]),
    )
    db.execute("DELETE FROM parts WHERE upload = ?", (upload["upload"],))
    _end(call, db, upload, "completed", archive)
    return archive_id


def _check_parts(parts: list[sqlite3.Row], size: int, tree_hash: str) -> None:
    """Refuse parts that do not make up exactly the archive described."""
    end = 0
    for part in parts:
        if part["start"] != end:
            raise refusals.invalid(f"Missing content range: bytes {end}-{part['start'] - 1}")
        end += part["size"]
    if not parts:
        raise refusals.invalid("No parts have been uploaded for the multipart upload")
    if end != size:
        raise refusals.invalid_parameter("x-amz-archive-size", size)
    # Part sizes of 2**n MiB make each part's hash a node of the archive's tree.
    if tree_root(b"".join(bytes.fromhex(part["tree_hash"]) for part in parts)).hex() != tree_hash:
        raise refusals.invalid_parameter("x-amz-sha256-tree-hash", tree_hash)


def _completed_before(db: sqlite3.Connection, upload: sqlite3.Row, size: int, tree_hash: str) -> str:
    row = db.execute("SELECT * FROM archives WHERE archive = ?", (upload["archive"],)).fetchone()
    if row["size"] != size:
        raise refusals.invalid_parameter("x-amz-archive-size", size)
    if row["tree_hash"] != tree_hash:
        raise refusals.invalid_parameter("x-amz-sha256-tree-hash", tree_hash)
    return str(row["id"])


def _end(call: Call, db: sqlite3.Connection, upload: sqlite3.Row, state: str, archive: int | None) -> None:
    db.execute(
        "UPDATE uploads SET state = ?, archive = ?, touched = ? WHERE upload = ?",
        (state, archive, call.state.moment(db), upload["upload"]),
    )
