"""The tables of what is kept: vaults, archives, roots, names, versions, and where their bytes lie."""

from sqlalchemy import Column, Index, LargeBinary, MetaData, Table, Text, UniqueConstraint

from glacierkeep.catalog.columns import CLUSTERED, STRICT, Big, Moment, key, refer

HEAD = "0004"
"""The revision this gk reads and writes; alembic is asked only when a catalog has another."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

catalog = Table(
    "catalog",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    **STRICT,
)

vaults = Table(
    "vaults",
    metadata,
    key(),
    Column("address", Text, nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
    Column("inventory_date", Moment),
    **STRICT,
)

archives = Table(
    "archives",
    metadata,
    key(),
    refer("vault_id", "vaults"),
    Column("archive_id", Text, nullable=False),
    Column("token", Text, index=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("size", Big, nullable=False),
    Column("tree_hash", LargeBinary, nullable=False),
    Column("md5", LargeBinary),
    Column("description", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("part_size", Big),
    Column("acknowledged_at", Moment, nullable=False),
    Column("rehashed_at", Moment),
    Column("retrieved_at", Moment),
    Column("absent_since", Moment),
    UniqueConstraint("vault_id", "archive_id"),
    Index(None, "vault_id", "tree_hash"),
    Index(None, "vault_id", "state"),
    **STRICT,
)

segments = Table(
    "segments",
    metadata,
    key(),
    refer("archive_key", "archives"),
    Column("idx", Big, nullable=False),
    Column("stored_offset", Big, nullable=False),
    Column("stored_length", Big, nullable=False),
    Column("plain_length", Big, nullable=False),
    Column("codec", Text, nullable=False, server_default="plain"),
    Column("seal", Text, nullable=False, server_default="none"),
    Column("hash", LargeBinary),
    UniqueConstraint("archive_key", "idx"),
    **STRICT,
)

roots = Table(
    "roots",
    metadata,
    key(),
    Column("label", Text, nullable=False, unique=True),
    Column("host", Text, nullable=False),
    Column("path", LargeBinary, nullable=False),
    UniqueConstraint("host", "path"),
    **STRICT,
)

runs = Table(
    "runs",
    metadata,
    key(),
    refer("root_id", "roots"),
    refer("vault_id", "vaults"),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("complete", Big, nullable=False, server_default="0"),
    Index(None, "root_id", "vault_id", "started_at"),
    **STRICT,
)

folders = Table(
    "folders",
    metadata,
    key(),
    refer("root_id", "roots"),
    refer("parent_id", "folders", nullable=True),
    Column("name", LargeBinary, nullable=False),
    Column("text", Text, nullable=False),
    UniqueConstraint("root_id", "parent_id", "name"),
    **STRICT,
)

# NULLs are never equal, so the constraint above says nothing of a root's top folder.
Index(
    "uq_folders_top",
    folders.c.root_id,
    unique=True,
    sqlite_where=folders.c.parent_id.is_(None),
    postgresql_where=folders.c.parent_id.is_(None),
)

# current_version has no foreign key: files and versions would need each other to exist first.
files = Table(
    "files",
    metadata,
    key(),
    refer("folder_id", "folders"),
    Column("name", LargeBinary, nullable=False),
    Column("text", Text, nullable=False),
    Column("current_version", Big),
    UniqueConstraint("folder_id", "name"),
    **STRICT,
)

# first_seen and gone_at repeat when first_run and absent_run began: "as of a day" needs no join,
# and an adopted version, which no run saw, has a first_seen too.
versions = Table(
    "versions",
    metadata,
    key(),
    refer("file_id", "files"),
    Column("kind", Big, nullable=False),
    Column("size", Big, nullable=False),
    Column("mtime_ns", Big, nullable=False),
    Column("mode", Big, nullable=False),
    Column("inode", Big, nullable=False),
    Column("md5", LargeBinary),
    Column("tree_hash", LargeBinary),
    Column("sha256", LargeBinary),
    Column("target", LargeBinary),
    refer("first_run", "runs", nullable=True),
    Column("first_seen", Moment, nullable=False),
    refer("absent_run", "runs", nullable=True),
    Column("gone_at", Moment),
    Column("retired_at", Moment),
    Column("adopted", Big, nullable=False, server_default="0"),
    Index(None, "file_id"),
    Index(None, "size", "tree_hash"),
    **STRICT,
)

extents = Table(
    "extents",
    metadata,
    refer("version_id", "versions", primary_key=True),
    refer("vault_id", "vaults", primary_key=True),
    Column("ordinal", Big, primary_key=True),
    refer("segment_id", "segments"),
    Column("offset", Big, nullable=False),
    Column("length", Big, nullable=False),
    Column("version_offset", Big, nullable=False),
    Index(None, "segment_id", "offset"),
    **CLUSTERED,
)
