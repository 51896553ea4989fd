"""Whether a version is safe in a vault, as a condition inside a query on versions."""

from typing import Any

from sqlalchemy import BindParameter, ColumnElement, case, func, select

from glacierkeep.catalog.schema import archives, extents, segments, versions
from glacierkeep.domain.records import ArchiveState


def stored(vault_id: int | BindParameter[int]) -> ColumnElement[int]:
    """1 if the version has extents in the vault, all of them in present archives and no byte missing, else 0."""
    whole = func.sum(extents.c.length) >= versions.c.size
    trusted = func.min(case((archives.c.state == ArchiveState.PRESENT, 1), else_=0))
    found = (
        select(case((whole, trusted), else_=0))
        .select_from(extents)
        .join(segments, segments.c.id == extents.c.segment_id)
        .join(archives, archives.c.id == segments.c.archive_key)
        .where(extents.c.version_id == versions.c.id, extents.c.vault_id == vault_id)
        .correlate(versions)
        .scalar_subquery()
    )
    return func.coalesce(found, 0)


def vouched(vault_id: int | BindParameter[int]) -> ColumnElement[bool]:
    """Whether our own reading or the service's hash vouches for the version's recorded hash.

    A foreign bundle's word on its members does not; an archive's own tree hash, when the file is all of it, does.
    """
    whole_archive = (
        select(extents.c.version_id)
        .join(segments, segments.c.id == extents.c.segment_id)
        .join(archives, archives.c.id == segments.c.archive_key)
        .where(
            extents.c.version_id == versions.c.id,
            extents.c.vault_id == vault_id,
            archives.c.tree_hash == versions.c.tree_hash,
        )
        .correlate(versions)
        .exists()
    )
    result: ColumnElement[Any] = (versions.c.adopted == 0) | whole_archive
    return result
