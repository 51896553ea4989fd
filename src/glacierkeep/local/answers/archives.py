"""Archives: upload in one request, delete; and how a request's bytes are received and checked."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from glacierkeep.local.answers import vaults
from glacierkeep.local.answers.calls import Call
from glacierkeep.local.store.clearing import discard_pieces, remove_discarded, settle
from glacierkeep.local.store.pieces import Arrival, receive
from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.messages import Response, read_body
from glacierkeep.local.wire.spelling import ARCHIVE_ID_LENGTH, empty_response, new_id

MAX_SINGLE_UPLOAD = 4 * 1024**3

_LENGTH = re.compile(r"[0-9]{1,18}")


def upload_archive(call: Call) -> Response:
    """UploadArchive: 1 byte to 4 GiB in one request."""
    with call.state.reading() as db:
        vaults.require(call, db)
    length = content_length(call)
    if not 1 <= length <= MAX_SINGLE_UPLOAD:
        raise refusals.invalid_parameter("Content-Length", length)
    description = call.archive_description()
    with arriving(call, length) as arrival:
        tree_hash = arrival.hashes.tree
        with call.state.writing() as db:
            arrival.insist()
            vault = vaults.require(call, db)
            archive, archive_id = insert_archive(call, db, vault, description, length, tree_hash)
            db.execute(
                "INSERT INTO pieces (archive, start, size, file, leaves) VALUES (?, 0, ?, ?, ?)",
                (archive, length, arrival.file, arrival.hashes.leaves),
            )
    return stored(call, archive_id, tree_hash)


def delete_archive(call: Call) -> Response:
    """DeleteArchive; deleting it once more is no error."""
    with call.state.writing() as db:
        vault = vaults.require(call, db, call.path["archive"])
        archive = find(call, db, vault, call.path["archive"])
        files = [] if archive["died"] is not None else _delete(call, db, vault, archive)
    remove_discarded(call.state, call.pieces, files)
    return empty_response(204)


def find(call: Call, db: sqlite3.Connection, vault: sqlite3.Row, archive_id: str) -> sqlite3.Row:
    """The archive of that id, deleted ones included, or the refusal."""
    row: sqlite3.Row | None = db.execute("SELECT * FROM archives WHERE id = ?", (archive_id,)).fetchone()
    if row is None:
        raise refusals.archive_not_found(archive_id)
    if row["vault"] != vault["vault"]:
        raise refusals.invalid_parameter("vault name", call.arn(vault["name"]))
    return row


def insert_archive(
    call: Call, db: sqlite3.Connection, vault: sqlite3.Row, description: str, size: int, tree_hash: str
) -> tuple[int, str]:
    """A new archive, as yet without pieces: its row number and its id."""
    change = vaults.record_change(call, db, vault, size, came=True)
    archive_id = new_id(ARCHIVE_ID_LENGTH)
    cursor = db.execute(
        "INSERT INTO archives (vault, id, description, created, size, tree_hash, born)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (vault["vault"], archive_id, description, call.state.moment(db), size, tree_hash, change),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid, archive_id


def stored(call: Call, archive_id: str, tree_hash: str) -> Response:
    """The answer that says an archive is there."""
    headers = {
        "Location": call.location(call.path["vault"], "archives", archive_id),
        "x-amz-archive-id": archive_id,
        "x-amz-sha256-tree-hash": tree_hash,
    }
    return empty_response(201, headers)


def content_length(call: Call) -> int:
    """The length announced for the body."""
    value = call.header("Content-Length")
    if not _LENGTH.fullmatch(value):
        raise refusals.invalid_parameter("Content-Length", value)
    return int(value)


@contextmanager
def arriving(call: Call, length: int) -> Iterator[Arrival]:
    """The request's body, received in full, agreeing with both hashes, durable, not yet referred to."""
    linear = call.hash_header("x-amz-content-sha256")
    tree = call.hash_header("x-amz-sha256-tree-hash")
    with call.pieces.arriving(
        call.place, lambda file: settle(call.state, call.pieces, file), length
    ) as arrival:
        received = receive(call.request.body, arrival)
        if received < length:
            raise refusals.body_cut_short(received, length)
        if read_body(call.request.body, 1):
            raise refusals.body_longer_than_announced(length)
        for expected, computed in ((linear, arrival.hashes.linear), (tree, arrival.hashes.tree)):
            if expected != computed:
                raise refusals.checksum_mismatch(expected, computed)
        arrival.seal()
        yield arrival


def _delete(call: Call, db: sqlite3.Connection, vault: sqlite3.Row, archive: sqlite3.Row) -> list[str]:
    """Delete a live archive; the files that may go. A finished retrieval keeps its bytes till it expires."""
    change = vaults.record_change(call, db, vault, archive["size"], came=False)
    moment = call.state.moment(db)
    number = archive["archive"]
    db.execute(
        "UPDATE jobs SET failure = 'The archive was deleted.' WHERE archive = ? AND completes > ?",
        (number, moment),
    )
    held = db.execute(
        "SELECT 1 FROM jobs WHERE archive = ? AND completes <= ? AND expires > ? AND failure IS NULL",
        (number, moment, moment),
    ).fetchone()
    db.execute("UPDATE archives SET died = ?, held = ? WHERE archive = ?", (change, 1 if held else 0, number))
    return [] if held else discard_pieces(db, number)
