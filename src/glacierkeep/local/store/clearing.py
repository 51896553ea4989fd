"""What is no longer needed goes: rows first, then files, so that a crash never leaves a row without bytes."""

import sqlite3
from collections.abc import Iterable
from contextlib import suppress

from glacierkeep.clock import SystemClock
from glacierkeep.local.store.pieces import Pieces
from glacierkeep.local.store.state import State

HOUR_MS = 3_600_000
UPLOAD_IDLE_MS = 24 * HOUR_MS
"""An upload may go after 24 hours without activity (developer guide, "Uploading Large Archives in Parts")."""
ENDED_UPLOAD_MS = HOUR_MS
"""How long an ended upload is remembered: the "short period" in which Complete and Abort may be repeated."""
LEFTOVER_SECONDS = 3600.0
_BATCH = 256

_RELEASED = (
    "SELECT archive FROM archives WHERE held = 1 AND NOT EXISTS"
    " (SELECT 1 FROM jobs WHERE jobs.archive = archives.archive AND expires > ?)"
)


def discard(db: sqlite3.Connection, files: Iterable[str]) -> None:
    """Note, in the transaction that drops their last mention, that *files* are to be removed."""
    db.executemany("INSERT OR IGNORE INTO discards (file) VALUES (?)", ((file,) for file in files))


def clear_discards(state: State, pieces: Pieces, *, at_least: int = 1) -> None:
    """Remove discarded files, then forget them; only when there are *at_least* that many."""
    while True:
        with state.reading() as db:
            rows = db.execute("SELECT file FROM discards LIMIT ?", (_BATCH,)).fetchall()
        if len(rows) < max(at_least, 1):
            return
        for row in rows:
            pieces.remove(row["file"])
        with state.writing() as db:
            db.executemany("DELETE FROM discards WHERE file = ?", [(row["file"],) for row in rows])


def remove_discarded(state: State, pieces: Pieces, files: Iterable[str] = ()) -> None:
    """Remove *files*, just discarded, at once; their notes are cleared in batches.

    The request has succeeded by now: what cannot be removed stays noted for the next sweep.
    """
    with suppress(OSError, sqlite3.OperationalError):
        for file in files:
            pieces.remove(file)
        clear_discards(state, pieces, at_least=_BATCH)


def settle(state: State, pieces: Pieces, file: str) -> None:
    """After a failure nobody can interpret: keep the arrived *file* if a row mentions it, else remove it."""
    with state.reading() as db:
        mentioned = is_mentioned(db, file)
    if mentioned:
        pieces.put_in_place(file)
    else:
        pieces.remove(file)


def is_mentioned(db: sqlite3.Connection, file: str) -> bool:
    """Whether any row refers to *file*."""
    queries = (
        "SELECT 1 FROM parts WHERE file = ?",
        "SELECT 1 FROM pieces WHERE file = ?",
        "SELECT 1 FROM jobs WHERE output = ?",
    )
    return any(db.execute(query, (file,)).fetchone() for query in queries)


def sweep(state: State, pieces: Pieces) -> None:
    """Let go of what has expired on the service's clock, and of what a crash left behind."""
    with state.reading() as db:
        due = _anything_due(db, state.moment(db))
    if due:
        with state.writing() as db:
            moment = state.moment(db)
            _expire_jobs(db, moment)
            _expire_uploads(db, moment)
            _release_held(db, moment)
    clear_discards(state, pieces)
    _sweep_leftovers(state, pieces)


def discard_parts(db: sqlite3.Connection, upload: int) -> list[str]:
    """Drop an upload's parts and note their files."""
    rows = db.execute("SELECT file FROM parts WHERE upload = ?", (upload,)).fetchall()
    files = [row["file"] for row in rows]
    db.execute("DELETE FROM parts WHERE upload = ?", (upload,))
    discard(db, files)
    return files


def discard_pieces(db: sqlite3.Connection, archive: int) -> list[str]:
    """Drop an archive's pieces and note their files."""
    rows = db.execute("SELECT file FROM pieces WHERE archive = ?", (archive,)).fetchall()
    files = [row["file"] for row in rows]
    db.execute("DELETE FROM pieces WHERE archive = ?", (archive,))
    discard(db, files)
    return files


def _anything_due(db: sqlite3.Connection, moment: int) -> bool:
    queries = (
        ("SELECT 1 FROM jobs WHERE expires <= ?", (moment,)),
        (
            "SELECT 1 FROM uploads WHERE touched <= ? AND (state <> 'open' OR touched <= ?)",
            (moment - ENDED_UPLOAD_MS, moment - UPLOAD_IDLE_MS),
        ),
        (_RELEASED, (moment,)),
    )
    return any(db.execute(query, values).fetchone() for query, values in queries)


def _expire_jobs(db: sqlite3.Connection, moment: int) -> None:
    rows = db.execute(
        "SELECT output FROM jobs WHERE expires <= ? AND output IS NOT NULL", (moment,)
    ).fetchall()
    discard(db, [row["output"] for row in rows])
    db.execute("DELETE FROM jobs WHERE expires <= ?", (moment,))


def _expire_uploads(db: sqlite3.Connection, moment: int) -> None:
    rows = db.execute(
        "SELECT upload FROM uploads WHERE touched <= ? OR (touched <= ? AND state <> 'open')",
        (moment - UPLOAD_IDLE_MS, moment - ENDED_UPLOAD_MS),
    ).fetchall()
    for row in rows:
        discard_parts(db, row["upload"])
        db.execute("DELETE FROM uploads WHERE upload = ?", (row["upload"],))


def _release_held(db: sqlite3.Connection, moment: int) -> None:
    """Bytes of deleted archives stay while a finished retrieval still offers them."""
    rows = db.execute(_RELEASED, (moment,)).fetchall()
    for row in rows:
        discard_pieces(db, row["archive"])
        db.execute("UPDATE archives SET held = 0 WHERE archive = ?", (row["archive"],))


def _sweep_leftovers(state: State, pieces: Pieces) -> None:
    # Files are as old as the computer's own clock says, whatever the service's is turned to.
    limit = SystemClock().now().timestamp() - LEFTOVER_SECONDS
    for file in [file for file, written in pieces.leftovers() if written < limit]:
        # Inside a writing transaction nobody can start to refer to the file meanwhile.
        with state.writing() as db:
            if is_mentioned(db, file):
                pieces.put_in_place(file)
            else:
                pieces.remove(file)
