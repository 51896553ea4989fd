"""gk jobs."""

from typing import TYPE_CHECKING

import click

from glacierkeep.cli import options
from glacierkeep.cli.epilog import epilog
from glacierkeep.errors import Exit

if TYPE_CHECKING:
    from glacierkeep.cli.render.tables import Column
    from glacierkeep.cli.wiring import Wiring
    from glacierkeep.operations.jobs import JobListed


@click.command(
    "jobs", epilog=epilog("gk jobs", "gk jobs --limit 10 --json", exits=(Exit.DONE, Exit.OUTDATED))
)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most that many.")
@options.vault
@options.everywhere
@options.with_wiring
def command(wiring: "Wiring", limit: int) -> None:
    """List jobs, with times of completion and expiry.

    The newest first. Offline, from the catalog: gk poll asks the service how they stand.
    """
    from glacierkeep.operations.jobs import jobs

    named = wiring.named_vault()
    with wiring.catalog.read() as records:
        vault = records.vaults.get(str(named.address)) if named else None
    wiring.table(jobs(catalog=wiring.catalog, vault=vault, limit=limit), _columns(), empty="no jobs yet")


def _columns() -> "list[Column[JobListed]]":
    from glacierkeep.cli.render.tables import Column
    from glacierkeep.cli.render.words import moment, size

    return [
        Column("REQUESTED", lambda job: moment(job.requested_at)),
        Column("ACTION", lambda job: job.action),
        Column("STATE", lambda job: job.progress),
        Column("SIZE", lambda job: "-" if job.size is None else size(job.size), right=True),
        Column("TIER", lambda job: job.tier),
        Column("COMPLETED", lambda job: moment(job.completed_at)),
        Column("EXPIRES", lambda job: moment(job.expires_at)),
        Column("VAULT", lambda job: job.vault),
    ]
