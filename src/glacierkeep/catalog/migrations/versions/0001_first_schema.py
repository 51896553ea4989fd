"""The first schema.

Revision 0001.
"""

import sqlalchemy as sa
from alembic import op

from glacierkeep.catalog.columns import CLUSTERED, STRICT, Big

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make_archives()
    _make_segments()
    _make_names()
    _make_versions()
    _make_uploads()
    _make_jobs()
    _make_retrievals()
    _make_inventories()
    _make_journals()


def _make_archives() -> None:
    op.create_table(
        "catalog",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_catalog"),
        **STRICT,
    )
    op.create_table(
        "vaults",
        sa.Column("id", Big, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("created_at", Big, nullable=False),
        sa.Column("inventory_date", Big),
        sa.PrimaryKeyConstraint("id", name="pk_vaults"),
        sa.UniqueConstraint("address", name="uq_vaults_address"),
        **STRICT,
    )
    op.create_table(
        "archives",
        sa.Column("id", Big, nullable=False),
        sa.Column("vault_id", Big, nullable=False),
        sa.Column("archive_id", sa.Text(), nullable=False),
        sa.Column("token", sa.Text()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("size", Big, nullable=False),
        sa.Column("tree_hash", sa.LargeBinary(), nullable=False),
        sa.Column("md5", sa.LargeBinary()),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", Big, nullable=False),
        sa.Column("part_size", Big),
        sa.Column("acknowledged_at", Big, nullable=False),
        sa.Column("rehashed_at", Big),
        sa.Column("retrieved_at", Big),
        sa.Column("absent_since", Big),
        sa.PrimaryKeyConstraint("id", name="pk_archives"),
        sa.ForeignKeyConstraint(["vault_id"], ["vaults.id"], name="fk_archives_vault_id"),
        sa.UniqueConstraint("vault_id", "archive_id", name="uq_archives_vault_id_archive_id"),
        **STRICT,
    )
    op.create_index("ix_archives_token", "archives", ["token"])
    op.create_index("ix_archives_vault_id_state", "archives", ["vault_id", "state"])
    op.create_index("ix_archives_vault_id_tree_hash", "archives", ["vault_id", "tree_hash"])


def _make_segments() -> None:
    op.create_table(
        "segments",
        sa.Column("id", Big, nullable=False),
        sa.Column("archive_key", Big, nullable=False),
        sa.Column("idx", Big, nullable=False),
        sa.Column("stored_offset", Big, nullable=False),
        sa.Column("stored_length", Big, nullable=False),
        sa.Column("plain_length", Big, nullable=False),
        sa.Column("codec", sa.Text(), nullable=False, server_default="plain"),
        sa.Column("seal", sa.Text(), nullable=False, server_default="none"),
        sa.Column("hash", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_segments"),
        sa.ForeignKeyConstraint(["archive_key"], ["archives.id"], name="fk_segments_archive_key"),
        sa.UniqueConstraint("archive_key", "idx", name="uq_segments_archive_key_idx"),
        **STRICT,
    )


def _make_names() -> None:
    op.create_table(
        "roots",
        sa.Column("id", Big, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_roots"),
        sa.UniqueConstraint("host", "path", name="uq_roots_host_path"),
        sa.UniqueConstraint("label", name="uq_roots_label"),
        **STRICT,
    )
    op.create_table(
        "runs",
        sa.Column("id", Big, nullable=False),
        sa.Column("root_id", Big, nullable=False),
        sa.Column("vault_id", Big, nullable=False),
        sa.Column("started_at", Big, nullable=False),
        sa.Column("ended_at", Big),
        sa.Column("complete", Big, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.ForeignKeyConstraint(["root_id"], ["roots.id"], name="fk_runs_root_id"),
        sa.ForeignKeyConstraint(["vault_id"], ["vaults.id"], name="fk_runs_vault_id"),
        **STRICT,
    )
    op.create_index("ix_runs_root_id_vault_id_started_at", "runs", ["root_id", "vault_id", "started_at"])
    op.create_table(
        "folders",
        sa.Column("id", Big, nullable=False),
        sa.Column("root_id", Big, nullable=False),
        sa.Column("parent_id", Big),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_folders"),
        sa.ForeignKeyConstraint(["parent_id"], ["folders.id"], name="fk_folders_parent_id"),
        sa.ForeignKeyConstraint(["root_id"], ["roots.id"], name="fk_folders_root_id"),
        sa.UniqueConstraint("root_id", "parent_id", "name", name="uq_folders_root_id_parent_id_name"),
        **STRICT,
    )
    top = sa.text("parent_id IS NULL")
    op.create_index(
        "uq_folders_top", "folders", ["root_id"], unique=True, sqlite_where=top, postgresql_where=top
    )
    op.create_table(
        "files",
        sa.Column("id", Big, nullable=False),
        sa.Column("folder_id", Big, nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("current_version", Big),
        sa.PrimaryKeyConstraint("id", name="pk_files"),
        sa.ForeignKeyConstraint(["folder_id"], ["folders.id"], name="fk_files_folder_id"),
        sa.UniqueConstraint("folder_id", "name", name="uq_files_folder_id_name"),
        **STRICT,
    )


def _make_versions() -> None:
    op.create_table(
        "versions",
        sa.Column("id", Big, nullable=False),
        sa.Column("file_id", Big, nullable=False),
        sa.Column("kind", Big, nullable=False),
        sa.Column("size", Big, nullable=False),
        sa.Column("mtime_ns", Big, nullable=False),
        sa.Column("mode", Big, nullable=False),
        sa.Column("inode", Big, nullable=False),
        sa.Column("md5", sa.LargeBinary()),
        sa.Column("tree_hash", sa.LargeBinary()),
        sa.Column("sha256", sa.LargeBinary()),
        sa.Column("target", sa.LargeBinary()),
        sa.Column("first_run", Big),
        sa.Column("first_seen", Big, nullable=False),
        sa.Column("absent_run", Big),
        sa.Column("gone_at", Big),
        sa.Column("retired_at", Big),
        sa.Column("adopted", Big, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name="pk_versions"),
        sa.ForeignKeyConstraint(["absent_run"], ["runs.id"], name="fk_versions_absent_run"),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name="fk_versions_file_id"),
        sa.ForeignKeyConstraint(["first_run"], ["runs.id"], name="fk_versions_first_run"),
        **STRICT,
    )
    op.create_index("ix_versions_file_id", "versions", ["file_id"])
    op.create_index("ix_versions_size_tree_hash", "versions", ["size", "tree_hash"])
    op.create_table(
        "extents",
        sa.Column("version_id", Big, nullable=False),
        sa.Column("vault_id", Big, nullable=False),
        sa.Column("ordinal", Big, nullable=False),
        sa.Column("segment_id", Big, nullable=False),
        sa.Column("offset", Big, nullable=False),
        sa.Column("length", Big, nullable=False),
        sa.Column("version_offset", Big, nullable=False),
        sa.PrimaryKeyConstraint("version_id", "vault_id", "ordinal", name="pk_extents"),
        sa.ForeignKeyConstraint(["segment_id"], ["segments.id"], name="fk_extents_segment_id"),
        sa.ForeignKeyConstraint(["vault_id"], ["vaults.id"], name="fk_extents_vault_id"),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_extents_version_id"),
        **CLUSTERED,
    )
    op.create_index("ix_extents_segment_id_offset", "extents", ["segment_id", "offset"])


def _make_uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", Big, nullable=False),
        sa.Column("vault_id", Big, nullable=False),
        sa.Column("run_id", Big),
        sa.Column("root_id", Big),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("source", sa.LargeBinary(), nullable=False),
        sa.Column("size", Big, nullable=False),
        sa.Column("mtime_ns", Big, nullable=False),
        sa.Column("inode", Big, nullable=False),
        sa.Column("mode", Big, nullable=False),
        sa.Column("part_size", Big, nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("upload_id", sa.Text()),
        sa.Column("created_at", Big, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
        sa.ForeignKeyConstraint(["root_id"], ["roots.id"], name="fk_uploads_root_id"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_uploads_run_id"),
        sa.ForeignKeyConstraint(["vault_id"], ["vaults.id"], name="fk_uploads_vault_id"),
        sa.UniqueConstraint("vault_id", "token", name="uq_uploads_vault_id_token"),
        **STRICT,
    )
    op.create_table(
        "parts",
        sa.Column("upload_key", Big, nullable=False),
        sa.Column("start", Big, nullable=False),
        sa.Column("length", Big, nullable=False),
        sa.Column("tree_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("upload_key", "start", name="pk_parts"),
        sa.ForeignKeyConstraint(["upload_key"], ["uploads.id"], name="fk_parts_upload_key"),
        **CLUSTERED,
    )


def _make_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", Big, nullable=False),
        sa.Column("vault_id", Big, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text()),
        sa.Column("archive_key", Big),
        sa.Column("range_start", Big),
        sa.Column("range_stop", Big),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("requested_at", Big, nullable=False),
        sa.Column("completed_at", Big),
        sa.Column("expires_at", Big),
        sa.Column("message", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.ForeignKeyConstraint(["archive_key"], ["archives.id"], name="fk_jobs_archive_key"),
        sa.ForeignKeyConstraint(["vault_id"], ["vaults.id"], name="fk_jobs_vault_id"),
        sa.UniqueConstraint("vault_id", "token", name="uq_jobs_vault_id_token"),
        **STRICT,
    )
    op.create_index("ix_jobs_archive_key", "jobs", ["archive_key"])
    op.create_index("ix_jobs_progress", "jobs", ["progress"])


def _make_retrievals() -> None:
    op.create_table(
        "retrievals",
        sa.Column("id", Big, nullable=False),
        sa.Column("vault_id", Big, nullable=False),
        sa.Column("target", sa.LargeBinary(), nullable=False),
        sa.Column("overwrite", Big, nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("created_at", Big, nullable=False),
        sa.Column("finished_at", Big),
        sa.PrimaryKeyConstraint("id", name="pk_retrievals"),
        sa.ForeignKeyConstraint(["vault_id"], ["vaults.id"], name="fk_retrievals_vault_id"),
        **STRICT,
    )
    op.create_table(
        "retrieval_items",
        sa.Column("retrieval_id", Big, nullable=False),
        sa.Column("version_id", Big, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("retrieval_id", "version_id", name="pk_retrieval_items"),
        sa.ForeignKeyConstraint(["retrieval_id"], ["retrievals.id"], name="fk_retrieval_items_retrieval_id"),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_retrieval_items_version_id"),
        **CLUSTERED,
    )
    op.create_index(
        "ix_retrieval_items_retrieval_id_state_version_id",
        "retrieval_items",
        ["retrieval_id", "state", "version_id"],
    )
    op.create_table(
        "retrieval_archives",
        sa.Column("retrieval_id", Big, nullable=False),
        sa.Column("archive_key", Big, nullable=False),
        sa.PrimaryKeyConstraint("retrieval_id", "archive_key", name="pk_retrieval_archives"),
        sa.ForeignKeyConstraint(["archive_key"], ["archives.id"], name="fk_retrieval_archives_archive_key"),
        sa.ForeignKeyConstraint(
            ["retrieval_id"], ["retrievals.id"], name="fk_retrieval_archives_retrieval_id"
        ),
        **CLUSTERED,
    )
    op.create_index("ix_retrieval_archives_archive_key", "retrieval_archives", ["archive_key"])
    op.create_table(
        "retrieval_jobs",
        sa.Column("retrieval_id", Big, nullable=False),
        sa.Column("job_key", Big, nullable=False),
        sa.PrimaryKeyConstraint("retrieval_id", "job_key", name="pk_retrieval_jobs"),
        sa.ForeignKeyConstraint(["job_key"], ["jobs.id"], name="fk_retrieval_jobs_job_key"),
        sa.ForeignKeyConstraint(["retrieval_id"], ["retrievals.id"], name="fk_retrieval_jobs_retrieval_id"),
        **CLUSTERED,
    )


def _make_inventories() -> None:
    op.create_table(
        "inventories",
        sa.Column("id", Big, nullable=False),
        sa.Column("vault_id", Big, nullable=False),
        sa.Column("job_key", Big),
        sa.Column("requested_at", Big, nullable=False),
        sa.Column("date", Big),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("archives", Big, nullable=False, server_default="0"),
        sa.Column("size", Big, nullable=False, server_default="0"),
        sa.Column("full", Big, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name="pk_inventories"),
        sa.ForeignKeyConstraint(["job_key"], ["jobs.id"], name="fk_inventories_job_key"),
        sa.ForeignKeyConstraint(["vault_id"], ["vaults.id"], name="fk_inventories_vault_id"),
        **STRICT,
    )
    op.create_index("ix_inventories_vault_id_date", "inventories", ["vault_id", "date"])
    op.create_table(
        "listed",
        sa.Column("inventory_id", Big, nullable=False),
        sa.Column("archive_id", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", Big, nullable=False),
        sa.Column("size", Big, nullable=False),
        sa.Column("tree_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("inventory_id", "archive_id", name="pk_listed"),
        sa.ForeignKeyConstraint(["inventory_id"], ["inventories.id"], name="fk_listed_inventory_id"),
        **CLUSTERED,
    )
    op.create_table(
        "findings",
        sa.Column("id", Big, nullable=False),
        sa.Column("vault_id", Big, nullable=False),
        sa.Column("inventory_id", Big),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("archive_id", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("found_at", Big, nullable=False),
        sa.Column("settled_at", Big),
        sa.PrimaryKeyConstraint("id", name="pk_findings"),
        sa.ForeignKeyConstraint(["inventory_id"], ["inventories.id"], name="fk_findings_inventory_id"),
        sa.ForeignKeyConstraint(["vault_id"], ["vaults.id"], name="fk_findings_vault_id"),
        **STRICT,
    )
    op.create_index("ix_findings_vault_id_settled_at", "findings", ["vault_id", "settled_at"])


def _make_journals() -> None:
    op.create_table(
        "ledger",
        sa.Column("id", Big, nullable=False),
        sa.Column("vault_id", Big),
        sa.Column("at", Big, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("requests", Big, nullable=False),
        sa.Column("bytes", Big, nullable=False),
        sa.Column("amount", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_ledger"),
        sa.ForeignKeyConstraint(["vault_id"], ["vaults.id"], name="fk_ledger_vault_id"),
        **STRICT,
    )
    op.create_index("ix_ledger_at", "ledger", ["at"])
    op.create_table(
        "events",
        sa.Column("id", Big, nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        **STRICT,
    )
    op.create_table(
        "leases",
        sa.Column("activity", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("pid", Big, nullable=False),
        sa.Column("started_at", Big, nullable=False),
        sa.Column("heartbeat_at", Big, nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("activity", name="pk_leases"),
        **STRICT,
    )
