"""Rows of versions and extents become records."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from glacierkeep.catalog.batches import batched
from glacierkeep.catalog.places import FolderPaths
from glacierkeep.catalog.schema import extents, files, segments, versions
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.names import join
from glacierkeep.domain.records import Extent, Version


def select_versions() -> Select[Any]:
    """Versions with the name and folder they belong to, as read_version wants them."""
    columns = versions.c
    return select(
        columns.id, columns.file_id, columns.kind, columns.size, columns.mtime_ns, columns.mode, columns.md5,
        columns.tree_hash, columns.target, columns.first_seen, columns.gone_at, columns.retired_at,
        columns.adopted, files.c.name, files.c.folder_id, files.c.current_version,
    ).join(files, files.c.id == columns.file_id)  # fmt: skip


def read_version(row: Row[Any], root_id: int, folder: bytes) -> Version:
    """The record of a row of select_versions; *folder* is the path of its folder, label first."""
    return Version(
        version_id=row.id,
        file_id=row.file_id,
        root_id=root_id,
        path=join(folder, row.name),
        kind=FileKind(row.kind),
        size=row.size,
        mtime_ns=row.mtime_ns,
        mode=row.mode,
        md5=row.md5,
        tree_hash=row.tree_hash,
        target=row.target,
        first_seen=row.first_seen,
        gone_at=row.gone_at,
        retired_at=row.retired_at,
        adopted=bool(row.adopted),
        current=row.id == row.current_version,
    )


def read_versions(connection: Connection, rows: Iterable[Row[Any]], paths: FolderPaths) -> list[Version]:
    """The records of rows of select_versions from any folders."""
    found = list(rows)
    known = paths.load(connection, {row.folder_id for row in found})
    return [read_version(row, *known[row.folder_id]) for row in found]


def versions_by_key(connection: Connection, keys: Iterable[int], paths: FolderPaths) -> dict[int, Version]:
    """The versions of *keys* that exist."""
    found: dict[int, Version] = {}
    for few in batched(keys):
        rows = connection.execute(select_versions().where(versions.c.id.in_(few)))
        found |= {version.version_id: version for version in read_versions(connection, rows, paths)}
    return found


def select_extents() -> Select[Any]:
    """Extents with their segments, as read_extent wants them."""
    return select(
        extents.c.version_id, extents.c.ordinal, segments.c.archive_key, segments.c.idx, segments.c.codec,
        segments.c.seal, segments.c.stored_offset, segments.c.stored_length, extents.c.offset, extents.c.length,
        extents.c.version_offset, segments.c.plain_length, segments.c.hash,
    ).join(segments, segments.c.id == extents.c.segment_id)  # fmt: skip


def read_extent(row: Row[Any]) -> Extent:
    """The record of a row of select_extents."""
    return Extent(*tuple(row))
