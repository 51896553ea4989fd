"""Which records are of a vault, as conditions inside queries."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, select

from glacierkeep.catalog.schema import archives, extents, runs, versions


def concerns(vault_id: int, rows: FromClause = versions) -> ColumnElement[bool]:
    """Whether a version of *rows* has bytes in the vault, or was recorded by a run into it."""
    lying = select(extents.c.ordinal).where(extents.c.version_id == rows.c.id, extents.c.vault_id == vault_id)
    own_run = select(runs.c.id).where(runs.c.id == rows.c.first_run, runs.c.vault_id == vault_id)
    recorded: ColumnElement[Any] = own_run.correlate(rows).exists()
    return recorded | lying.correlate(rows).exists()


def is_kept_in(vault_id: int) -> ColumnElement[bool]:
    """Whether an archive is of the vault and no catalog archive.

    Asked for of archives by their keys: adding 0 keeps SQLite from going through the vault's index instead.
    """
    return (archives.c.vault_id + 0 == vault_id) & (archives.c.kind != "catalog")
