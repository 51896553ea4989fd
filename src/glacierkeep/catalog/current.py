"""Which version of a file is the current one, as far as one vault knows."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, select

from glacierkeep.catalog.batches import batched
from glacierkeep.catalog.concerning import concerns
from glacierkeep.catalog.schema import files, versions


def current_of(
    connection: Connection, file_ids: Iterable[int], vault_id: int, until: int
) -> dict[int, int | None]:
    """The current versions of those of *file_ids* that have a version of the vault with a key of at most *until*.

    If another vault's version is current, or a later one, it is the newest of this vault that was not retired.
    """
    known = versions.c.id <= until
    found: dict[int, int | None] = {}
    for few in batched(file_ids):
        own = select(versions.c.file_id).distinct().where(versions.c.file_id.in_(few), known)
        ours = set(connection.execute(own.where(concerns(vault_id))).scalars())
        found |= dict.fromkeys(ours)
        found |= _kept(connection, ours, known & concerns(vault_id))
    return found


def _kept(connection: Connection, file_ids: set[int], ours: ColumnElement[bool]) -> dict[int, int]:
    named = select(files.c.id, files.c.current_version).where(
        files.c.id.in_(file_ids), files.c.current_version.is_not(None)
    )
    wanted = {row.current_version: row.id for row in connection.execute(named)}
    there = select(versions.c.id).where(versions.c.id.in_(wanted), ours)
    found = {wanted[key]: key for key in connection.execute(there).scalars()}
    return found | _newest(connection, set(wanted.values()) - found.keys(), ours)


def _newest(connection: Connection, file_ids: set[int], ours: ColumnElement[bool]) -> dict[int, int]:
    """Real versions are newer than adopted ones, as in `view`."""
    if not file_ids:
        return {}
    columns = versions.c
    living = select(columns.file_id, columns.id).where(
        columns.file_id.in_(file_ids), columns.retired_at.is_(None), columns.gone_at.is_(None), ours
    )
    order = (columns.file_id, columns.adopted.desc(), columns.first_seen, columns.id)
    return {row.file_id: row.id for row in connection.execute(living.order_by(*order))}
