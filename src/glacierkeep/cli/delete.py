"""gk delete."""

from typing import TYPE_CHECKING

import click

from glacierkeep.cli import options
from glacierkeep.cli.epilog import epilog
from glacierkeep.errors import Exit

if TYPE_CHECKING:
    from glacierkeep.cli.wiring import Wiring
    from glacierkeep.operations.delete import Deletion

_EXITS = (Exit.DONE, Exit.FAILED, Exit.CHANGED, Exit.NO_VAULT, Exit.OUTDATED, Exit.CREDENTIALS)


@click.command(
    "delete",
    epilog=epilog("gk delete --dry-run photos/2009", "gk delete photos/2009/blurred.jpg", exits=_EXITS),
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@options.dry_run
@options.yes
@options.everywhere
@options.with_wiring
def command(wiring: "Wiring", names: tuple[str, ...]) -> None:
    """Retire versions; delete archives nothing needs any more.

    Every version of NAME is retired: it can no longer be retrieved. An archive goes only when no other file has bytes
    in it; otherwise its bytes stay, and gk says how many. Local files are never touched.
    """
    from glacierkeep.domain.records import Vault
    from glacierkeep.operations.delete import delete
    from glacierkeep.stores.store import Store

    def store_of(vault: Vault) -> Store:
        return wiring.store(wiring.vault_at(vault.address))

    def run(dry_run: bool) -> "Deletion":
        return delete(
            names,
            catalog=wiring.catalog,
            store_of=store_of,
            clock=wiring.clock,
            host=wiring.host,
            dry_run=dry_run,
            tell=wiring.listener,
        )

    if wiring.options.dry_run:
        wiring.show(run(True), _told)
        return
    if not wiring.options.yes:
        wiring.ask(_told(run(True)) + ". This cannot be undone. Go on?")
    wiring.report(run(False), _told)


def _told(done: "Deletion") -> str:
    from glacierkeep.cli.render.words import count, size

    would = "would retire" if done.dry_run else "retired"
    delete = "delete" if done.dry_run else "deleted"
    sentence = (
        f"{would} {count(done.versions, 'version')} of {count(done.files, 'file')} ({size(done.size)}) and {delete}"
        f" {count(done.archives, 'archive')} ({size(done.archive_bytes)})"
    )
    if done.kept_archives:
        stay = f"{size(done.kept_bytes)} no longer needed stay in {count(done.kept_archives, 'archive')}"
        sentence += f"; {stay} that other files need"
    return sentence
