"""gk retrieve."""

import os
from datetime import datetime
from typing import TYPE_CHECKING

import click

from glacierkeep.cli import options, params
from glacierkeep.cli.epilog import epilog
from glacierkeep.domain.service import Tier
from glacierkeep.errors import Exit, UsageError

if TYPE_CHECKING:
    from glacierkeep.cli.wiring import Wiring
    from glacierkeep.operations.retrieve import RetrievalEstimate, RetrievalOutcome

_EXITS = (
    Exit.DONE,
    Exit.FAILED,
    Exit.PARTLY,
    Exit.WAITING,
    Exit.BUDGET,
    Exit.MISMATCH,
    Exit.NO_VAULT,
    Exit.LOCKED,
    Exit.CREDENTIALS,
)


@click.command(
    "retrieve",
    epilog=epilog(
        "gk retrieve photos/2019/a.jpg",
        "gk retrieve --to /mnt/back photos/2019 'documents/*.pdf'",
        "gk retrieve --at 2026-01-31 documents/letter.txt",
        "gk retrieve archive:-aBcD...",
        exits=_EXITS,
    ),
)
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option(
    "--to",
    "target",
    type=params.PathName(),
    default=".",
    show_default="this folder",
    help="The folder below which files get their places, by their names as archived.",
)
@click.option("--at", "at", type=params.Moment(), help="As things were on that day.")
@click.option("--deleted", is_flag=True, help="Also files that are gone from disk by now.")
@click.option("--overwrite", is_flag=True, help="Replace files that are there and differ.")
@click.option(
    "--tier",
    type=click.Choice([tier.value for tier in Tier], case_sensitive=False),
    help="How fast, and how dear.",
)
@click.option(
    "--cancel", metavar="NUMBER", type=int, help="Want no more of an open retrieval (see gk status)."
)
@options.jobs
@options.limit_download
@options.max_transfer
@options.max_duration
@options.vault
@options.dry_run
@options.yes
@options.wait
@options.lock_wait
@options.retry_for
@options.progress_interval
@options.everywhere
@options.with_wiring
def command(
    wiring: "Wiring",
    names: tuple[str, ...],
    target: bytes,
    at: datetime | None,
    deleted: bool,
    overwrite: bool,
    tier: str | None,
    cancel: int | None,
    jobs: int | None,
) -> None:
    """Get files back.

    NAME is a path as archived, a folder, a glob, or archive:ID. The service is asked for what is needed; what is
    ready is placed at once, and gk poll brings the rest (exit 4 until then), or --wait waits for it. The same command
    again goes on with the same retrieval.

    Nothing is written outside the target folder, and no file that differs is overwritten unless --overwrite says so.
    """
    from glacierkeep.operations.retrieve import cancel as want_no_more
    from glacierkeep.operations.retrieve import estimate, retrieve
    from glacierkeep.operations.selection import Moment

    if bool(names) == (cancel is not None):
        raise UsageError("give NAMEs to get back, or --cancel NUMBER", hint="gk ls shows what there is")
    if cancel is not None:
        wiring.report(want_no_more(cancel, catalog=wiring.catalog), f"retrieval {cancel} is given up")
        return
    chosen = wiring.vault()
    with wiring.catalog.write() as records:
        vault = records.vaults.remember(str(chosen.address))
    speed = Tier(tier) if tier else chosen.settings.tier or Tier.STANDARD
    moment = Moment(at=at, deleted=deleted)
    if wiring.options.dry_run:
        foreseen = estimate(names, vault, catalog=wiring.catalog, host=wiring.host, tier=speed, moment=moment)
        wiring.show(foreseen, _foretold)
        return
    wiring.limits.heed()
    wiring.consent(chosen, "a retrieval")
    outcome = retrieve(
        names,
        vault,
        os.path.abspath(target),
        catalog=wiring.catalog,
        store=wiring.store(chosen),
        clock=wiring.clock,
        host=wiring.host,
        tier=speed,
        moment=moment,
        overwrite=overwrite,
        unseal=wiring.unseal,
        wait=bool(wiring.options.wait),
        lock_wait=wiring.options.lock_wait,
        fetching=wiring.fetching(jobs),
        tell=wiring.listener,
        stop=wiring.stop,
    )
    wiring.report(outcome, told)
    wiring.leave(outcome.exit)


def told(outcome: "RetrievalOutcome") -> str:
    """The sentence about how a retrieval stands."""
    from glacierkeep.cli.render.words import count, safe, size

    parts = [
        f"{count(outcome.placed, 'item')} placed in {safe(os.fsdecode(outcome.target))} ({size(outcome.size)})"
    ]
    if outcome.kept:
        parts.append(f"{outcome.kept:,} there already")
    if outcome.different:
        parts.append(
            f"{outcome.different:,} left alone, because something different is there (see --overwrite)"
        )
    if outcome.failed:
        parts.append(f"{outcome.failed:,} failed")
    if outcome.waiting:
        parts.append(f"{outcome.waiting:,} waiting for the service: gk poll brings them")
    return ", ".join(parts)


def _foretold(foreseen: "RetrievalEstimate") -> str:
    from glacierkeep.cli.render.words import count, size

    sentence = (
        f"would bring back {count(foreseen.files, 'item')}, {size(foreseen.size)}, by"
        f" {count(foreseen.jobs, 'job')} of {size(foreseen.job_bytes)} ({foreseen.tier.value})"
    )
    return sentence + (f"; {foreseen.elsewhere:,} do not lie in this vault" if foreseen.elsewhere else "")
