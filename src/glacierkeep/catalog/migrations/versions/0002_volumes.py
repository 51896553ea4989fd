"""Volumes: big files and streams that go as a set of archives, and how far their retrieval has come.

Revision 0002.
"""

import sqlalchemy as sa
from alembic import op

from glacierkeep.catalog.columns import CLUSTERED, STRICT, Big

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "volume_sets",
        sa.Column("id", Big, nullable=False),
        sa.Column("vault_id", Big, nullable=False),
        sa.Column("root_id", Big, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("size", Big),
        sa.Column("mtime_ns", Big, nullable=False),
        sa.Column("inode", Big, nullable=False),
        sa.Column("volume_size", Big, nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("created_at", Big, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_volume_sets"),
        sa.ForeignKeyConstraint(["root_id"], ["roots.id"], name="fk_volume_sets_root_id"),
        sa.ForeignKeyConstraint(["vault_id"], ["vaults.id"], name="fk_volume_sets_vault_id"),
        sa.UniqueConstraint("vault_id", "token", name="uq_volume_sets_vault_id_token"),
        **STRICT,
    )
    op.create_table(
        "volumes",
        sa.Column("set_id", Big, nullable=False),
        sa.Column("idx", Big, nullable=False),
        sa.Column("archive_key", Big, nullable=False),
        sa.Column("offset", Big, nullable=False),
        sa.Column("length", Big, nullable=False),
        sa.Column("content_offset", Big, nullable=False),
        sa.Column("tree_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("set_id", "idx", name="pk_volumes"),
        sa.ForeignKeyConstraint(["archive_key"], ["archives.id"], name="fk_volumes_archive_key"),
        sa.ForeignKeyConstraint(["set_id"], ["volume_sets.id"], name="fk_volumes_set_id"),
        **CLUSTERED,
    )
    op.create_table(
        "retrieval_arrivals",
        sa.Column("retrieval_id", Big, nullable=False),
        sa.Column("version_id", Big, nullable=False),
        sa.Column("archive_key", Big, nullable=False),
        sa.PrimaryKeyConstraint("retrieval_id", "version_id", "archive_key", name="pk_retrieval_arrivals"),
        sa.ForeignKeyConstraint(["archive_key"], ["archives.id"], name="fk_retrieval_arrivals_archive_key"),
        sa.ForeignKeyConstraint(
            ["retrieval_id"], ["retrievals.id"], name="fk_retrieval_arrivals_retrieval_id"
        ),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_retrieval_arrivals_version_id"),
        **CLUSTERED,
    )
