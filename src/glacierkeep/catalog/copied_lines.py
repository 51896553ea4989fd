"""Rows of the catalog as lines of a copy; `domain/copied.py` reads them back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from glacierkeep.catalog.columns import to_microseconds
from glacierkeep.domain.copies import LONGEST_TEXT, CopyHeader, write_line
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.names import is_utf8, to_b64

Line = tuple[str, bytes]
"""A record's kind, and its line."""


def header_line(header: CopyHeader) -> bytes:
    """The first line of a copy."""
    said = {
        "catalog": header.catalog, "vault": header.vault, "generation": header.generation,
        "set": header.set_token, "index": header.index, "after": header.after, "schema": header.schema,
        "made_at": _moment(header.made_at), "inventory_date": _moment(header.inventory_date),
    }  # fmt: skip
    return b'{"gk":1,' + write_line("catalog", said)[1:]


def end_line(counts: Mapping[str, int]) -> bytes:
    """The last line: how many records of each kind there were."""
    return write_line("end", {"records": dict(counts)})


def root_line(row: Row[Any]) -> Line:
    """The line of a root."""
    return _line("root", {"id": row.id, "label": row.label, "host": row.host, **_named("path", row.path)})


def run_line(row: Row[Any]) -> Line:
    """The line of a run."""
    times = {"started_at": _moment(row.started_at), "ended_at": _moment(row.ended_at)}
    return _line("run", {"id": row.id, "root": row.root_id, **times, "complete": row.complete or None})


def folder_line(key: int, root_id: int, parent: int | None, name: bytes) -> Line:
    """The line of a folder; without a parent it is the root's own."""
    return _line("folder", {"id": key, "root": root_id, "parent": parent, **_named("name", name)})


def file_line(key: int, folder_id: int, name: bytes, current: int | None) -> Line:
    """The line of a file; its versions follow, *current* among them."""
    return _line("file", {"id": key, "folder": folder_id, **_named("name", name), "current": current})


def archive_line(row: Row[Any]) -> Line:
    """The line of an archive; its segments follow."""
    said = {
        "id": row.id, "archive_id": row.archive_id, "token": row.token, "kind": row.kind, "state": row.state,
        "size": row.size, "tree_hash": row.tree_hash.hex(), "md5": _hex(row.md5), "description": row.description,
        "created_at": _moment(row.created_at), "part_size": row.part_size,
        "acknowledged_at": _moment(row.acknowledged_at), "rehashed_at": _moment(row.rehashed_at),
        "retrieved_at": _moment(row.retrieved_at), "absent_since": _moment(row.absent_since),
    }  # fmt: skip
    return _line("archive", said)


def segment_line(row: Row[Any]) -> Line:
    """The line of a segment of the archive before it."""
    said = {
        "id": row.id, "archive": row.archive_key, "idx": row.idx, "stored_offset": row.stored_offset,
        "stored_length": row.stored_length, "plain_length": row.plain_length, "codec": row.codec,
        "seal": row.seal, "hash": _hex(row.hash),
    }  # fmt: skip
    return _line("segment", said)


def version_line(row: Row[Any], first_run: int | None, absent_run: int | None) -> Line:
    """The line of a version of the file before it; its extents follow."""
    said = {
        "id": row.id, "file": row.file_id, "kind": FileKind(row.kind).word, "size": row.size,
        "mtime_ns": row.mtime_ns, "mode": row.mode, "inode": row.inode, "md5": _hex(row.md5),
        "tree_hash": _hex(row.tree_hash), "sha256": _hex(row.sha256), "first_run": first_run,
        "first_seen": _moment(row.first_seen), "absent_run": absent_run, "gone_at": _moment(row.gone_at),
        "retired_at": _moment(row.retired_at), "adopted": row.adopted or None,
        **(_named("target", row.target) if row.target is not None else {}),
    }  # fmt: skip
    return _line("version", said)


def extent_line(row: Row[Any]) -> Line:
    """The line of an extent of the version before it."""
    said = {
        "version": row.version_id, "ordinal": row.ordinal, "segment": row.segment_id, "offset": row.offset,
        "length": row.length, "version_offset": row.version_offset,
    }  # fmt: skip
    return _line("extent", said)


def _line(kind: str, said: dict[str, Any]) -> Line:
    return kind, write_line(kind, said)


def _named(key: str, name: bytes) -> dict[str, object]:
    """A name as the field *key*, or as base64 in `key_b64` if it is not UTF-8 or long."""
    return (
        {key: name.decode()} if len(name) <= LONGEST_TEXT and is_utf8(name) else {f"{key}_b64": to_b64(name)}
    )


def _hex(digest: bytes | None) -> str | None:
    return None if digest is None else digest.hex()


def _moment(moment: datetime | None) -> int | None:
    return None if moment is None else to_microseconds(moment)
