"""Copies of a vault's records in the vault itself: what changed since the last, which were made, rebuilding.

Revision 0003.
"""

import sqlalchemy as sa
from alembic import op

from glacierkeep.catalog.columns import STRICT, Big

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _copied(table: str) -> str:
    """The highest key of *table* that was in any copy of any vault; NULL before the first."""
    return f"(SELECT CAST(value AS INTEGER) FROM catalog WHERE key = 'copied {table}')"  # noqa: S608


# A version that no copy holds yet comes with the next one, and its file with it.
_OLDER = f"(NEW.current_version IS NULL OR NEW.current_version <= {_copied('versions')})"

# Which columns of a record a copy holds and may change after it was first copied. A catalog archive is no record
# of what is kept, so it does not count.
_WATCHED = (
    ("archive", "archives", ("state", "token", "md5", "kind", "rehashed_at", "retrieved_at", "absent_since",
                             "part_size"), "NEW.kind <> 'catalog'"),
    ("version", "versions", ("md5", "sha256", "gone_at", "absent_run", "retired_at", "adopted"), None),
    ("file", "files", ("current_version",), _OLDER),
    ("root", "roots", ("host", "path", "label"), None),
    ("run", "runs", ("ended_at", "complete"), None),
)  # fmt: skip


def upgrade() -> None:
    _make_changes()
    _make_copies()
    _make_rebuilds()
    for kind, table, columns, only in _WATCHED:
        _watch(kind, table, columns, only)
    _watch_extents()


def _make_changes() -> None:
    op.create_table(
        "changes",
        sa.Column("id", Big, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", Big, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_changes"),
        sa.UniqueConstraint("kind", "key", name="uq_changes_kind_key"),
        sqlite_autoincrement=True,
        **STRICT,
    )


def _make_copies() -> None:
    op.create_table(
        "copies",
        sa.Column("id", Big, nullable=False),
        sa.Column("vault_id", Big, nullable=False),
        sa.Column("archive_key", Big),
        sa.Column("set_token", sa.Text(), nullable=False),
        sa.Column("idx", Big, nullable=False),
        sa.Column("generation", Big, nullable=False),
        sa.Column("after", Big),
        sa.Column("until_run", Big, nullable=False),
        sa.Column("until_archive", Big, nullable=False),
        sa.Column("until_segment", Big, nullable=False),
        sa.Column("until_version", Big, nullable=False),
        sa.Column("until_change", Big, nullable=False),
        sa.Column("made_at", Big, nullable=False),
        sa.Column("size", Big),
        sa.Column("closed", Big, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name="pk_copies"),
        sa.ForeignKeyConstraint(["vault_id"], ["vaults.id"], name="fk_copies_vault_id"),
        sa.ForeignKeyConstraint(["archive_key"], ["archives.id"], name="fk_copies_archive_key"),
        sa.UniqueConstraint("generation", name="uq_copies_generation"),
        **STRICT,
    )
    op.create_index("ix_copies_vault_id_generation", "copies", ["vault_id", "generation"])
    op.create_index("ix_copies_archive_key", "copies", ["archive_key"])


def _make_rebuilds() -> None:
    op.create_table(
        "rebuilds",
        sa.Column("id", Big, nullable=False),
        sa.Column("vault_id", Big, nullable=False),
        sa.Column("inventory_id", Big),
        sa.Column("set_token", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("began_at", Big, nullable=False),
        sa.Column("finished_at", Big),
        sa.PrimaryKeyConstraint("id", name="pk_rebuilds"),
        sa.ForeignKeyConstraint(["vault_id"], ["vaults.id"], name="fk_rebuilds_vault_id"),
        sa.ForeignKeyConstraint(["inventory_id"], ["inventories.id"], name="fk_rebuilds_inventory_id"),
        **STRICT,
    )
    op.create_index("ix_rebuilds_vault_id", "rebuilds", ["vault_id"])


def _watch(kind: str, table: str, columns: tuple[str, ...], only: str | None) -> None:
    """Note *kind* for a row of *table* that is in some copy and is changed in one of *columns*."""
    changed = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in columns)
    when = f"({changed})" + (f" AND {only}" if only else "")
    op.execute(
        f"CREATE TRIGGER note_{table} AFTER UPDATE OF {', '.join(columns)} ON {table}"
        f" WHEN {when} AND NEW.id <= {_copied(table)} BEGIN {_note(kind, 'NEW.id')} END"
    )


def _watch_extents() -> None:
    """Note a version that is in some copy and whose bytes lie elsewhere now."""
    for event, on, row in (
        ("inserted", "INSERT", "NEW"),
        ("moved", "UPDATE OF segment_id", "NEW"),
        ("deleted", "DELETE", "OLD"),
    ):
        op.execute(
            f"CREATE TRIGGER note_extents_{event} AFTER {on} ON extents"
            f" WHEN {row}.version_id <= {_copied('versions')}"
            f" BEGIN {_note('version', f'{row}.version_id')} END"
        )


def _note(kind: str, key: str) -> str:
    return f"INSERT OR REPLACE INTO changes (kind, key) VALUES ('{kind}', {key});"  # noqa: S608
