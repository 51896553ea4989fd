"""The service's published numbers, each with its source. All sizes in bytes."""

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

LEAF = MIB
"""A leaf of the tree hash. Developer guide, "Computing checksums"."""

MAX_SINGLE_UPLOAD = 4 * GIB
"""Largest archive of one UploadArchive request. Developer guide, "Uploading an archive"."""

MIN_PART_SIZE = MIB
MAX_PART_SIZE = 4 * GIB
MAX_PARTS = 10_000
"""Parts are 2^n MiB. Developer guide, "Uploading large archives in parts", quick facts."""

MAX_ARCHIVE = MAX_PART_SIZE * MAX_PARTS
"""40,000 GiB. The same page."""

MAX_DESCRIPTION = 1024
"""Bytes of an archive's or a job's description, 0x20 to 0x7E. API reference, UploadArchive."""

ARCHIVE_OVERHEAD = 32 * KIB
"""Billed beside each archive, and counted in a vault's size. Pricing page; DescribeVault captures."""

OUTPUT_LIFE_HOURS = 24
"""A finished job's output is kept at least this long. API reference, GetJobOutput."""

UPLOAD_LIFE_HOURS = 24
"""An upload that is idle so long may be forgotten. Developer guide, "Uploading large archives in parts"."""

JOBS_LISTED_AT_ONCE = 50
"""In one answer to ListJobs. API reference, ListJobs."""

SINGLE_REQUEST_LIMIT = MIB
"""Ours: a bigger archive goes by multipart, because a single request cannot be repeated safely."""

DEFAULT_PART_SIZE = 32 * MIB
"""Ours: each request is paid for. In parts of 8 MiB they would cost more than a month of storage, in these a quarter of
that (pricing page: 0.03 USD per 1,000 requests, 0.0036 USD per GB and month). What is lost when a connection breaks is
at most a part."""

BLOCK = 4 * MIB
"""Ours: read and hashed at once. A part that is no bigger is held in memory until it is acknowledged; a bigger one is
hashed in one reading, block by block, and sent in a second."""
