"""Inventory documents, written page by page: a million archives never lie in memory."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from itertools import islice

from glacierkeep.local.answers.calls import read_marker, write_marker
from glacierkeep.local.answers.orders import date_milliseconds
from glacierkeep.local.store.state import State
from glacierkeep.local.wire.spelling import inventory_timestamp

PAGE = 1000
CSV_HEADER = "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash\n"


def write_inventory(state: State, job: sqlite3.Row, arn: str, write: Callable[[bytes], object]) -> str | None:
    """Write the document a job asked for; the marker of the page after it, if there is one."""
    rows = _archives(state, job)
    page = rows if job["item_limit"] is None else islice(rows, job["item_limit"])
    for chunk in _csv(page) if job["format"] == "CSV" else _json(page, arn, job["snapshot_date"]):
        write(chunk.encode("ascii"))
    following = next(rows, None)
    return write_marker(following["archive"]) if following is not None else None


def quote(text: str) -> str:
    r"""A CSV field as the service writes it: quotes become ``\"``, backslashes stay as they are."""
    if not any(mark in text for mark in ',"\\'):
        return text
    return '"' + text.replace('"', '\\"') + '"'


def _json(rows: Iterator[sqlite3.Row], arn: str, date: int) -> Iterator[str]:
    yield f'{{"VaultARN":{json.dumps(arn)},"InventoryDate":"{inventory_timestamp(date)}","ArchiveList":['
    separator = ""
    for row in rows:
        # Only a description can hold what JSON must escape.
        yield (
            f'{separator}{{"ArchiveId":"{row["id"]}","ArchiveDescription":{json.dumps(row["description"])},'
            f'"CreationDate":"{inventory_timestamp(row["created"])}","Size":{row["size"]},'
            f'"SHA256TreeHash":"{row["tree_hash"]}"}}'
        )
        separator = ","
    yield "]}"


def _csv(rows: Iterator[sqlite3.Row]) -> Iterator[str]:
    yield CSV_HEADER
    for row in rows:
        created = inventory_timestamp(row["created"])
        yield f"{row['id']},{quote(row['description'])},{created},{row['size']},{row['tree_hash']}\n"


def _archives(state: State, job: sqlite3.Row) -> Iterator[sqlite3.Row]:
    """The archives of the job's snapshot within its filter, by key, one short transaction a page."""
    start = date_milliseconds(job["start_date"]) if job["start_date"] else 0
    end = date_milliseconds(job["end_date"]) if job["end_date"] else 2**62
    position = read_marker(job["marker"]) if job["marker"] else 0
    while True:
        with state.reading() as db:
            rows = db.execute(
                "SELECT archive, id, description, created, size, tree_hash FROM archives"
                " WHERE vault = ? AND archive >= ? AND born <= ? AND (died IS NULL OR died > ?)"
                " AND created >= ? AND created < ? ORDER BY archive LIMIT ?",
                (job["vault"], position, job["snapshot"], job["snapshot"], start, end, PAGE),
            ).fetchall()
        yield from rows
        if len(rows) < PAGE:
            return
        position = rows[-1]["archive"] + 1
