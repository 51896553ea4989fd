"""gk upload --abandon."""

from typing import TYPE_CHECKING

import click

from glacierkeep.errors import UsageError

if TYPE_CHECKING:
    from glacierkeep.cli.wiring import Wiring
    from glacierkeep.operations.abandon import UploadsAbandoned


def required(ctx: click.Context, param: click.Parameter, paths: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """*paths*, which may be missing with --abandon only. A callback of Click's."""
    if not paths and not ctx.params.get("abandon"):
        raise click.MissingParameter(ctx=ctx, param=param)
    return paths


def end_uploads(wiring: "Wiring", paths: tuple[bytes, ...], label: str | None, as_name: bytes | None) -> None:
    """End the unfinished uploads of *paths*, or of the whole vault, once a person agreed."""
    if as_name is not None or (label is not None and b"-" not in paths):
        raise UsageError(
            "--abandon takes paths, or - with the --label of standard input",
            hint="gk upload --abandon PATH, or gk upload --abandon - --label LABEL",
        )
    foretold = _abandon(wiring, paths, label, dry_run=True)
    if wiring.options.dry_run:
        return wiring.show(foretold, lambda found: _told(found, everything=wiring.options.verbose > 0))
    if _anything(foretold) and not wiring.options.yes:
        wiring.ask(_told(foretold, everything=False) + ".\nThis cannot be undone. Go on?")
    done = _abandon(wiring, paths, label, dry_run=False)
    wiring.report(done, lambda found: _told(found, everything=False))
    wiring.leave(done.exit)


def _abandon(
    wiring: "Wiring", paths: tuple[bytes, ...], label: str | None, *, dry_run: bool
) -> "UploadsAbandoned":
    from glacierkeep.domain.records import Vault
    from glacierkeep.operations.abandon import abandon
    from glacierkeep.operations.roots import STANDARD_INPUT_LABEL

    chosen = wiring.vault()
    with wiring.catalog.read() as records:
        vault = records.vaults.get(str(chosen.address))
    return abandon(
        vault or Vault(0, str(chosen.address), wiring.now()),
        paths,
        catalog=wiring.catalog,
        store=wiring.store(chosen, create=False),
        staging=wiring.staging(),
        clock=wiring.clock,
        host=wiring.host,
        label=label or STANDARD_INPUT_LABEL,
        dry_run=dry_run,
        lock_wait=wiring.options.lock_wait,
        tell=wiring.listener,
        stop=wiring.stop,
    )


def _anything(found: "UploadsAbandoned") -> bool:
    return bool(found.uploads or found.sets or found.archives or found.in_doubt)


def _told(done: "UploadsAbandoned", *, everything: bool) -> str:
    from glacierkeep.cli.render.uploads import upload_lines
    from glacierkeep.cli.render.words import count, size

    if not _anything(done):
        return f"{done.vault}: nothing to end" + (", but what is being sent" if done.busy else "")
    would = "would end" if done.dry_run else "ended"
    sentence = f"{done.vault}: {would} {count(done.uploads, 'upload')} ({size(done.acknowledged)} sent)"
    if done.unrecorded:
        sentence += f", {done.unrecorded:,} of them in no record"
    if done.sets or done.archives:
        volumes = f"{count(done.archives, 'stored volume')} ({size(done.archive_bytes)})"
        delete = "delete" if done.dry_run else "deleted"
        sentence += f", and {delete} {volumes} of {count(done.sets, 'unfinished file')}"
    if done.in_doubt:
        sentence += f"; {done.in_doubt:,} may have become archives: the next inventory will tell"
    return "\n".join([*upload_lines(done.found, everything=everything), sentence])
