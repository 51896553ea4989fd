"""Jobs as rows, each with its vault and the archive it is about."""

import sqlite3

from glacierkeep.local.answers import vaults
from glacierkeep.local.answers.calls import Call
from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.spelling import vault_arn

QUERY = (
    "SELECT jobs.*, archives.id AS archive_id, archives.size AS archive_size,"
    " archives.tree_hash AS archive_tree_hash, archives.description AS archive_description,"
    " account, region, name AS vault_name"
    " FROM jobs JOIN vaults ON vaults.vault = jobs.vault LEFT JOIN archives ON archives.archive = jobs.archive"
)


def arn_of(job: sqlite3.Row) -> str:
    """The ARN of the job's vault."""
    return vault_arn(job["region"], job["account"], job["vault_name"])


def find_job(call: Call) -> sqlite3.Row:
    """The job the request names, or the refusal."""
    with call.state.reading() as db:
        return find_row(call, db)


def find_row(call: Call, db: sqlite3.Connection) -> sqlite3.Row:
    """The job the request names, seen from inside a transaction, or the refusal."""
    vault = vaults.require(call, db)
    row: sqlite3.Row | None = db.execute(
        f"{QUERY} WHERE jobs.id = ? AND jobs.vault = ? AND expires > ?",
        (call.path["job"], vault["vault"], call.state.moment(db)),
    ).fetchone()
    if row is None:
        raise refusals.job_not_found(call.path["job"])
    return row
