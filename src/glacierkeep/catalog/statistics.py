"""How much there is."""

from typing import Any

from sqlalchemy import Connection, Select, func, select

from glacierkeep.catalog.schema import archives, extents, files, folders, segments, versions
from glacierkeep.catalog.values import Totals
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.records import ArchiveState

_KEPT = (ArchiveState.PRESENT, ArchiveState.SUSPECT)


class Statistics:
    """Sums over roots and vaults; each walks what it sums, about a second per million."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def totals(self, root_id: int | None = None, vault_id: int | None = None) -> Totals:
        """Current files (not folders) and archives, of that root and in that vault; None means all.

        With a vault, a file counts if it has an extent there; with a root, an archive if it holds some
        version of the root, an older one too. Copies of the records are no archives of files and do not count.
        """
        count, size = self._connection.execute(_files(root_id, vault_id)).one()
        archived, stored = self._connection.execute(_archives(root_id, vault_id)).one()
        return Totals(int(count), int(size), int(archived), int(stored))


def _files(root_id: int | None, vault_id: int | None) -> Select[Any]:
    counted = (
        select(func.count(), func.coalesce(func.sum(versions.c.size), 0))
        .select_from(files)
        .join(versions, versions.c.id == files.c.current_version)
        .where(versions.c.kind != int(FileKind.FOLDER))
    )
    if root_id is not None:
        own = select(folders.c.id).where(folders.c.root_id == root_id)
        counted = counted.where(files.c.folder_id.in_(own))
    if vault_id is not None:
        there = select(extents.c.ordinal).where(
            extents.c.version_id == versions.c.id, extents.c.vault_id == vault_id
        )
        counted = counted.where(there.exists())
    return counted


def _archives(root_id: int | None, vault_id: int | None) -> Select[Any]:
    counted = select(func.count(), func.coalesce(func.sum(archives.c.size), 0)).where(
        archives.c.state.in_(_KEPT), archives.c.kind != "catalog"
    )
    if vault_id is not None:
        counted = counted.where(archives.c.vault_id == vault_id)
    if root_id is not None:
        used = (
            select(segments.c.archive_key)
            .join(extents, extents.c.segment_id == segments.c.id)
            .join(versions, versions.c.id == extents.c.version_id)
            .join(files, files.c.id == versions.c.file_id)
            .join(folders, folders.c.id == files.c.folder_id)
            .where(folders.c.root_id == root_id)
        )
        counted = counted.where(archives.c.id.in_(used))
    return counted
