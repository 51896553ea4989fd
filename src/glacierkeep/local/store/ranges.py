"""Stored archives seen as bytes: where a range lies on disk, and its tree hash."""

import sqlite3

from glacierkeep.local.store.pieces import Span
from glacierkeep.local.store.treehash import DIGEST_SIZE, MIB, is_tree_hash_aligned, leaf_count, tree_root


def spans(db: sqlite3.Connection, archive: int, start: int, stop: int) -> list[Span]:
    """Where bytes [*start*, *stop*) of an archive lie, in order."""
    rows = db.execute(
        "SELECT start, size, file FROM pieces WHERE archive = ? AND start < ? AND start + size > ?"
        " ORDER BY start",
        (archive, stop, start),
    )
    found = []
    for row in rows:
        first, last = max(start, row["start"]), min(stop, row["start"] + row["size"])
        found.append(Span(row["file"], first - row["start"], last - first))
    return found


def range_tree_hash(db: sqlite3.Connection, archive: sqlite3.Row, start: int, stop: int) -> str | None:
    """The tree hash of bytes [*start*, *stop*), if they are a whole subtree of the archive's tree."""
    if not is_tree_hash_aligned(start, stop, archive["size"]):
        return None
    if (start, stop) == (0, archive["size"]):
        return str(archive["tree_hash"])
    return tree_root(_leaves(db, archive["archive"], start // MIB, leaf_count(stop))).hex()


def _leaves(db: sqlite3.Connection, archive: int, first: int, end: int) -> bytes:
    """The digests of leaves [*first*, *end*); pieces begin at whole MiB, so leaves never straddle them."""
    rows = db.execute(
        "SELECT start, leaves FROM pieces WHERE archive = ? AND start < ? AND start + size > ?"
        " ORDER BY start",
        (archive, end * MIB, first * MIB),
    )
    digests = bytearray()
    for row in rows:
        skip = row["start"] // MIB
        digests += row["leaves"][max(first - skip, 0) * DIGEST_SIZE : (end - skip) * DIGEST_SIZE]
    return bytes(digests)
