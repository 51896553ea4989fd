"""The tables of what is under way, found and spent: uploads, jobs, retrievals, inventories, copies, leases."""

from sqlalchemy import Column, Index, LargeBinary, Table, Text, UniqueConstraint

from glacierkeep.catalog.columns import CLUSTERED, STRICT, Big, Moment, key, refer
from glacierkeep.catalog.schema import metadata

whole = metadata
"""The description of every table, once this module is imported."""

uploads = Table(
    "uploads",
    metadata,
    key(),
    refer("vault_id", "vaults"),
    refer("run_id", "runs", nullable=True),
    refer("root_id", "roots", nullable=True),
    Column("token", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("source", LargeBinary, nullable=False),
    Column("size", Big, nullable=False),
    Column("mtime_ns", Big, nullable=False),
    Column("inode", Big, nullable=False),
    Column("mode", Big, nullable=False),
    Column("part_size", Big, nullable=False),
    Column("description", Text, nullable=False),
    Column("upload_id", Text),
    Column("created_at", Moment, nullable=False),
    Column("moved_at", Moment),
    UniqueConstraint("vault_id", "token"),
    **STRICT,
)

parts = Table(
    "parts",
    metadata,
    refer("upload_key", "uploads", primary_key=True),
    Column("start", Big, primary_key=True),
    Column("length", Big, nullable=False),
    Column("tree_hash", LargeBinary, nullable=False),
    **CLUSTERED,
)

# A file or stream whose volumes are under way; gone once its version is recorded. *size* NULL: a stream.
volume_sets = Table(
    "volume_sets",
    metadata,
    key(),
    refer("vault_id", "vaults"),
    refer("root_id", "roots"),
    Column("token", Text, nullable=False),
    Column("path", LargeBinary, nullable=False),
    Column("size", Big),
    Column("mtime_ns", Big, nullable=False),
    Column("inode", Big, nullable=False),
    Column("volume_size", Big, nullable=False),
    Column("form", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("vault_id", "token"),
    **STRICT,
)

# *offset* and *length*: which bytes of the file; *content_offset*: where in the archive's plain content they begin.
volumes = Table(
    "volumes",
    metadata,
    refer("set_id", "volume_sets", primary_key=True),
    Column("idx", Big, primary_key=True),
    refer("archive_key", "archives"),
    Column("offset", Big, nullable=False),
    Column("length", Big, nullable=False),
    Column("content_offset", Big, nullable=False),
    Column("tree_hash", LargeBinary, nullable=False),
    **CLUSTERED,
)

jobs = Table(
    "jobs",
    metadata,
    key(),
    refer("vault_id", "vaults"),
    Column("token", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("progress", Text, nullable=False),
    Column("job_id", Text),
    refer("archive_key", "archives", nullable=True),
    Column("range_start", Big),
    Column("range_stop", Big),
    Column("tier", Text, nullable=False),
    Column("requested_at", Moment, nullable=False),
    Column("completed_at", Moment),
    Column("expires_at", Moment),
    Column("message", Text, nullable=False, server_default=""),
    UniqueConstraint("vault_id", "token"),
    Index(None, "progress"),
    Index(None, "archive_key"),
    **STRICT,
)

retrievals = Table(
    "retrievals",
    metadata,
    key(),
    refer("vault_id", "vaults"),
    Column("target", LargeBinary, nullable=False),
    Column("overwrite", Big, nullable=False),
    Column("tier", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("finished_at", Moment),
    **STRICT,
)

retrieval_items = Table(
    "retrieval_items",
    metadata,
    refer("retrieval_id", "retrievals", primary_key=True),
    refer("version_id", "versions", primary_key=True),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Index(None, "retrieval_id", "state", "version_id"),
    **CLUSTERED,
)

# Which archives a retrieval needs: found once at its creation instead of at each page.
retrieval_archives = Table(
    "retrieval_archives",
    metadata,
    refer("retrieval_id", "retrievals", primary_key=True),
    refer("archive_key", "archives", primary_key=True),
    Index(None, "archive_key"),
    **CLUSTERED,
)

retrieval_jobs = Table(
    "retrieval_jobs",
    metadata,
    refer("retrieval_id", "retrievals", primary_key=True),
    refer("job_key", "jobs", primary_key=True),
    **CLUSTERED,
)

# Of a version that lies in several archives: the bytes in that one are in its partial file.
retrieval_arrivals = Table(
    "retrieval_arrivals",
    metadata,
    refer("retrieval_id", "retrievals", primary_key=True),
    refer("version_id", "versions", primary_key=True),
    refer("archive_key", "archives", primary_key=True),
    **CLUSTERED,
)

inventories = Table(
    "inventories",
    metadata,
    key(),
    refer("vault_id", "vaults"),
    refer("job_key", "jobs", nullable=True),
    Column("requested_at", Moment, nullable=False),
    Column("date", Moment),
    Column("state", Text, nullable=False),
    Column("archives", Big, nullable=False, server_default="0"),
    Column("size", Big, nullable=False, server_default="0"),
    Column("full", Big, nullable=False, server_default="0"),
    Index(None, "vault_id", "date"),
    **STRICT,
)

listed = Table(
    "listed",
    metadata,
    refer("inventory_id", "inventories", primary_key=True),
    Column("archive_id", Text, primary_key=True),
    Column("description", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("size", Big, nullable=False),
    Column("tree_hash", LargeBinary, nullable=False),
    **CLUSTERED,
)

findings = Table(
    "findings",
    metadata,
    key(),
    refer("vault_id", "vaults"),
    refer("inventory_id", "inventories", nullable=True),
    Column("kind", Text, nullable=False),
    Column("archive_id", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("found_at", Moment, nullable=False),
    Column("settled_at", Moment),
    Index(None, "vault_id", "settled_at"),
    **STRICT,
)

ledger = Table(
    "ledger",
    metadata,
    key(),
    refer("vault_id", "vaults", nullable=True),
    Column("at", Moment, nullable=False),
    Column("what", Text, nullable=False),
    Column("requests", Big, nullable=False),
    Column("bytes", Big, nullable=False),
    Column("amount", Text),
    Index(None, "at"),
    **STRICT,
)

events = Table(
    "events",
    metadata,
    key(),
    Column("at", Moment, nullable=False),
    Column("kind", Text, nullable=False),
    Column("detail", Text, nullable=False),
    **STRICT,
)

leases = Table(
    "leases",
    metadata,
    Column("activity", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("machine", Text, nullable=False),
    Column("pid", Big, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("heartbeat_at", Moment, nullable=False),
    Column("nonce", Text, nullable=False),
    **STRICT,
)

# Filled by triggers, which a migration makes: what of the records in some copy was changed since, newest last.
changes = Table(
    "changes",
    metadata,
    key(),
    Column("kind", Text, nullable=False),
    Column("key", Big, nullable=False),
    UniqueConstraint("kind", "key"),
    sqlite_autoincrement=True,
    **STRICT,
)

# *idx*: 0 is a full copy. *after*: the generation of the copy it goes on from. *archive_key* and *size* are known once
# the vault acknowledged it. *closed*: no increment may follow.
copies = Table(
    "copies",
    metadata,
    key(),
    refer("vault_id", "vaults"),
    refer("archive_key", "archives", nullable=True),
    Column("set_token", Text, nullable=False),
    Column("idx", Big, nullable=False),
    Column("generation", Big, nullable=False, unique=True),
    Column("after", Big),
    Column("until_run", Big, nullable=False),
    Column("until_archive", Big, nullable=False),
    Column("until_segment", Big, nullable=False),
    Column("until_version", Big, nullable=False),
    Column("until_change", Big, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("size", Big),
    Column("closed", Big, nullable=False, server_default="0"),
    Index(None, "vault_id", "generation"),
    Index(None, "archive_key"),
    **STRICT,
)

rebuilds = Table(
    "rebuilds",
    metadata,
    key(),
    refer("vault_id", "vaults"),
    refer("inventory_id", "inventories", nullable=True),
    Column("set_token", Text),
    Column("state", Text, nullable=False),
    Column("began_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Index(None, "vault_id"),
    **STRICT,
)
