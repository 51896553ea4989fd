"""How SQLite goes about the queries that run for every file: by index, never through a whole table."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from catalog.keeping import Kept, a_file, a_folder
from glacierkeep.catalog import KnownNames, Records
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.hashes import hash_content
from glacierkeep.domain.records import NewVersion, Piece
from glacierkeep.domain.service import Tier

LARGE = ("versions", "files", "folders", "extents", "segments", "archives", "later", "earlier", "its")
SCAN = re.compile(rf"SCAN ({'|'.join(LARGE)})\b|SEARCH folders .*\(root_id=\?\)")
"""A step through a whole table, or through all folders of a root."""


@contextmanager
def overheard() -> Iterator[list[tuple[str, object]]]:
    """The statements and parameters that go to SQLite."""
    said: list[tuple[str, object]] = []

    def hear(connection: object, cursor: object, statement: str, parameters: object, *rest: object) -> None:
        said.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        event.remove(Engine, "before_cursor_execute", hear)


def plans(path: Path, said: list[tuple[str, object]]) -> Iterator[tuple[str, list[str]]]:
    """Each statement with the steps SQLite takes for it."""
    raw = sqlite3.connect(path)
    for statement, parameters in said:
        if statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            one = parameters[0] if isinstance(parameters, list) else parameters
            steps = [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", one)]
            yield statement, steps
    raw.close()


def ask_known(kept: Kept, records: Records) -> None:
    place = (records.tree.find_folder(kept.root.root_id, b"f"), kept.vault.vault_id)
    records.tree.known_at(*place, b"a")
    list(kept.catalog.names_after(*place, KnownNames(last=b"")))
    records.tree.first_names(*place)


def ask_content(kept: Kept, records: Records) -> None:
    records.versions.same_content(kept.vault.vault_id, [hash_content(b"content")])
    records.versions.sizes_stored(kept.vault.vault_id, [1, 7, 900])


def ask_deletion(kept: Kept, records: Records) -> None:
    records.archives.begin_deletion([1, 2, 3])
    records.archives.live_bytes(1)
    records.archives.holding([1, 2])
    records.archives.deleting(kept.vault.vault_id)
    records.archives.by_token(kept.vault.vault_id, "token-1")
    records.archives.find_id("archive")
    records.versions.retire([1], kept.clock.now())


def ask_recording(kept: Kept, records: Records) -> None:
    link = NewVersion(b"f/l", FileKind.HARDLINK, 0, 1, 0o644, 7, None, b"f/a", (Piece(0, 0),), None, b"f/a")
    new = [a_file(b"f/a", b"new"), a_file(b"g/h/b"), link, a_file(b"c", pieces=(), same_as=1), a_folder(b"f")]
    place = (kept.root.root_id, kept.vault.vault_id)
    records.versions.record(kept.run, *place, 1, new)
    records.versions.record(None, *place, 1, new, adopted=True)


def ask_absence(kept: Kept, records: Records) -> None:
    records.tree.mark_gone(kept.run, kept.root.root_id, [b"f", b"g/h/b", b"x/"])
    records.tree.subfolders(1)


def ask_version(kept: Kept, records: Records) -> None:
    records.versions.get(1)
    records.versions.extents(1, kept.vault.vault_id)
    records.versions.holdings(1)


def ask_walk(kept: Kept, records: Records) -> None:
    now = kept.clock.now()
    for view in ({}, {"deleted": True}, {"history": True}, {"at": now}, {"at": now, "deleted": True}):
        list(kept.catalog.versions_below(kept.root, b"f", **view))
    list(kept.catalog.children(kept.root, b""))
    list(kept.catalog.archive_rows(kept.vault.vault_id))


def ask_search(kept: Kept, records: Records) -> None:
    list(kept.catalog.search("a", root_id=kept.root.root_id))
    list(kept.catalog.search("a", deleted=True))


def ask_retrieval(kept: Kept, records: Records) -> None:
    list(kept.catalog.retrieval_archives(1))
    list(kept.catalog.retrieval_pieces(1, 1))
    list(kept.catalog.retrieval_items(1))


QUESTIONS: list[Callable[[Kept, Records], None]] = [
    ask_known,
    ask_content,
    ask_deletion,
    ask_recording,
    ask_absence,
    ask_version,
    ask_walk,
    ask_search,
    ask_retrieval,
]


@pytest.mark.parametrize("ask", QUESTIONS, ids=lambda ask: ask.__name__)
def test_no_query_scans_a_large_table(kept: Kept, path: Path, ask: Callable[[Kept, Records], None]) -> None:
    """Every step through a table of names, versions, extents or archives is by key or index."""
    kept.record(*(a_file(b"f/%d" % at) for at in range(20)), a_file(b"f/a"), a_file(b"g/h/b"))
    with kept.catalog.write() as records:
        records.retrievals.create(kept.vault.vault_id, b"/t", False, Tier.BULK, [1, 2])
    reading = ask in (ask_walk, ask_search, ask_retrieval)
    with overheard() as said, (kept.catalog.read if reading else kept.catalog.write)() as records:
        ask(kept, records)
    scanning = [
        (statement, steps)
        for statement, steps in plans(path, said)
        if any(SCAN.search(step) for step in steps) and "max(" not in statement
    ]
    assert scanning == []
    assert len(said) > 2
