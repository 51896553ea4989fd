"""gk upload."""

import sys
from typing import TYPE_CHECKING, Any

import click

from glacierkeep.cli import options, params, upload_abandon
from glacierkeep.cli.epilog import epilog
from glacierkeep.domain.forms import Compression
from glacierkeep.errors import Exit, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from glacierkeep.bundle.storing import Coding
    from glacierkeep.cli.choosing import ChosenVault
    from glacierkeep.cli.wiring import Wiring
    from glacierkeep.domain.forms import Sizes
    from glacierkeep.domain.records import Vault
    from glacierkeep.operations.scan import Looking
    from glacierkeep.operations.upload import UploadOutcome

_EXITS = (
    Exit.DONE,
    Exit.FAILED,
    Exit.PARTLY,
    Exit.FINDINGS,
    Exit.BUDGET,
    Exit.CHANGED,
    Exit.NO_VAULT,
    Exit.LOCKED,
    Exit.CREDENTIALS,
)


@click.command(
    "upload",
    epilog=epilog(
        "gk upload ~/photos",
        "gk upload --dry-run ~/photos",
        "gk upload --exclude '*.tmp' --exclude-from rules.txt ~/documents",
        "pg_dump shop | gk upload - --as shop.sql",
        "gk upload --abandon ~/photos",
        exits=_EXITS,
    ),
)
@click.argument(
    "paths", nargs=-1, callback=upload_abandon.required, type=params.PathName(), metavar="PATH... | -"
)
@click.option(
    "--abandon",
    is_flag=True,
    is_eager=True,
    help="End unfinished uploads: those of PATH, or all of the vault.",
)
@click.option("--as", "as_name", type=params.PathName(), help="The name for what comes from standard input.")
@click.option("--label", help="The label of a new root; otherwise the folder's name.")
@click.option(
    "--exclude",
    allow_from_autoenv=False,
    multiple=True,
    type=params.Pattern(),
    help="Leave out what matches, as in .gitignore.",
)
@click.option(
    "--exclude-from",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False),
    help="Read patterns from a file.",
)
@click.option(
    "--one-file-system/--all-file-systems",
    default=None,
    help="Do not cross into other file systems, or do.",
)
@click.option(
    "--accept-gone/--no-accept-gone",
    default=None,
    help="Record most of a root as gone, if it is, or do not; otherwise as --yes says.",
)
@click.option("--checksum", is_flag=True, help="Read every file; do not trust size, time and inode.")
@click.option("--xattrs/--no-xattrs", default=None, help="Keep extended attributes, or do not. Linux only.")
@click.option(
    "--compression",
    type=click.Choice([each.value for each in Compression]),
    help="Compress what is worth it, everything or nothing.",
)
@click.option("--compression-level", type=click.IntRange(1, 19), help="How hard to compress.")
@click.option("--jobs", type=click.IntRange(1, 64), help="How many parts are sent at once.")
@options.limit_upload
@options.max_transfer
@options.max_duration
@options.vault
@options.dry_run
@options.yes
@options.lock_wait
@options.retry_for
@options.progress_interval
@options.everywhere
@options.with_wiring
def command(
    wiring: "Wiring",
    paths: tuple[bytes, ...],
    abandon: bool,
    as_name: bytes | None,
    label: str | None,
    exclude: tuple[str, ...],
    exclude_from: tuple[str, ...],
    one_file_system: bool | None,
    accept_gone: bool | None,
    checksum: bool,
    xattrs: bool | None,
    compression: str | None,
    compression_level: int | None,
    jobs: int | None,
) -> None:
    """Archive files, folders or standard input.

    Only what is new or changed since the vault last had it is sent. Small files travel together in bundles, a big
    file is an archive of its own. What is worth it is compressed; a vault with recipients gets everything sealed.
    Broken off anywhere, the same command goes on where it stopped.

    Folders marked by CACHEDIR.TAG or .nobackup are left out.

    --abandon sends nothing: it ends what was broken off and will not be finished. Bundles go with any PATH of their
    root. Without PATH it also ends uploads that bear this catalog's id and that the catalog does not know, as after a
    restored backup, unless another gk of this catalog is sending. What another tool or catalog began is left alone.
    """
    if abandon:
        return upload_abandon.end_uploads(wiring, paths, label, as_name)
    _check_words(paths, as_name, label)
    _check_limits(wiring, as_name)
    chosen = wiring.vault()
    looking = _looking(wiring, exclude, exclude_from, one_file_system, checksum, xattrs)
    coding = _coding(wiring, chosen, compression, compression_level)
    if wiring.options.dry_run:
        return _preview(wiring, chosen, paths, label, looking, coding)
    wiring.warn_local(chosen)
    wiring.consent(chosen, "an upload")
    said = {
        "label": label,
        "looking": looking,
        "coding": coding,
        "jobs": jobs or wiring.settings.upload.jobs,
    }
    if as_name is not None:
        code = _upload_standard_input(wiring, chosen, as_name, **said)
        _copy_catalog(wiring, chosen, coding)
        wiring.leave(code)
    wiring.limits.heed()
    gone = wiring.options.yes if accept_gone is None else accept_gone

    def one(path: bytes) -> Exit:
        return _upload(wiring, chosen, path, accept_losses=gone, **said)

    codes = [_going_on(wiring, one, path) if len(paths) > 1 else one(path) for path in paths]
    _copy_catalog(wiring, chosen, coding)
    wiring.leave(*codes)


def _copy_catalog(wiring: "Wiring", chosen: "ChosenVault", coding: "Coding") -> None:
    """Bring the copy of the records in the vault up to date, unless that is not wanted or somebody asked to stop."""
    from glacierkeep.operations.catalog_copies import copy_catalog
    from glacierkeep.operations.shipping import Shipped, Shipping
    from glacierkeep.transfer.crew import Crew

    if not wiring.settings.catalog.copy_to_vault or wiring.stop():
        return
    store = wiring.store(chosen)
    with Crew(wiring.settings.upload.jobs) as crew:
        copy_catalog(
            _vault(wiring, chosen),
            catalog=wiring.catalog,
            staging=wiring.staging(),
            clock=wiring.clock,
            host=wiring.host,
            coding=coding,
            part=_sizes(chosen).part,
            shipping=Shipping(
                wiring.catalog, store, wiring.listener, wiring.stop, crew, Shipped(), wiring.limits.up
            ),
            tell=wiring.listener,
        )


def _going_on(wiring: "Wiring", one: "Callable[[bytes], Exit]", path: bytes) -> Exit:
    """Upload one of several paths; that there is nothing to read at it is no reason to leave out the others."""
    from glacierkeep.errors import NoSuchFile, RootLooksEmpty, SourceChanged
    from glacierkeep.events import Trouble

    try:
        return one(path)
    except (NoSuchFile, SourceChanged, RootLooksEmpty) as error:
        wiring.listener(Trouble(b"", error.code, str(error), error.hint))
        return Exit.PARTLY if isinstance(error, NoSuchFile) else error.exit


def _check_words(paths: tuple[bytes, ...], as_name: bytes | None, label: str | None) -> None:
    if b"-" in paths and (len(paths) > 1 or as_name is None):
        raise UsageError(
            "standard input needs a name, and comes alone",
            hint="gk upload - --as NAME; a file called - is ./-",
        )
    if as_name is not None and paths != (b"-",):
        raise UsageError("--as names what comes from standard input", hint="gk upload - --as NAME")
    if label is not None and len(paths) > 1:
        raise UsageError("--label names one root", hint="upload the folders one by one")


def _check_limits(wiring: "Wiring", as_name: bytes | None) -> None:
    if as_name is not None and (wiring.options.max_transfer or wiring.options.max_duration):
        raise UsageError(
            "standard input is stored whole or not at all: it cannot end at --max-transfer or --max-duration"
        )


def _looking(
    wiring: "Wiring",
    exclude: tuple[str, ...],
    exclude_from: tuple[str, ...],
    one_file_system: bool | None,
    checksum: bool,
    xattrs: bool | None,
) -> "Looking":
    from pathlib import Path

    from glacierkeep.bundle.rules import Rules
    from glacierkeep.bundle.xattrs import check_supported
    from glacierkeep.operations.scan import Looking

    wanted = wiring.settings.upload
    rules = Rules([*wanted.exclude, *exclude], [Path(file) for file in exclude_from])
    stay = wanted.one_file_system if one_file_system is None else one_file_system
    kept = wanted.xattrs if xattrs is None else xattrs
    if kept:
        check_supported()
    return Looking(
        rules,
        caches=not wanted.exclude_caches,
        own=wiring.own_places(),
        one_file_system=stay,
        checksum=checksum,
        xattrs=kept,
    )


def _upload(wiring: "Wiring", chosen: "ChosenVault", path: bytes, **said: Any) -> Exit:
    from glacierkeep.cli.render.upload import told
    from glacierkeep.operations.upload import upload

    outcome = upload(path, _vault(wiring, chosen), **_things(wiring, chosen), **said)
    wiring.report(outcome, told)
    if outcome.looks_empty:
        _warn_empty(wiring, outcome)
    return outcome.exit


def _upload_standard_input(wiring: "Wiring", chosen: "ChosenVault", name: bytes, **said: Any) -> Exit:
    from glacierkeep.cli.render.upload import told
    from glacierkeep.operations.standard_input import upload_standard_input

    vault = _vault(wiring, chosen)
    outcome = upload_standard_input(sys.stdin.buffer, name, vault, **_things(wiring, chosen), **said)
    wiring.report(outcome, told)
    return outcome.exit


def _vault(wiring: "Wiring", chosen: "ChosenVault") -> "Vault":
    with wiring.catalog.write() as records:
        return records.vaults.remember(str(chosen.address))


def _things(wiring: "Wiring", chosen: "ChosenVault") -> dict[str, Any]:
    """What every upload needs."""
    return {
        "catalog": wiring.catalog,
        "store": wiring.store(chosen),
        "staging": wiring.staging(),
        "clock": wiring.clock,
        "host": wiring.host,
        "sizes": _sizes(chosen),
        "take": wiring.limits.up,
        "lock_wait": wiring.options.lock_wait,
        "tell": wiring.listener,
        "stop": wiring.stop,
    }


def _preview(
    wiring: "Wiring",
    chosen: "ChosenVault",
    paths: tuple[bytes, ...],
    label: str | None,
    looking: "Looking",
    coding: "Coding",
) -> None:
    from glacierkeep.cli.render.upload import foretold
    from glacierkeep.domain.records import Vault
    from glacierkeep.operations.preview import preview

    if b"-" in paths:
        raise UsageError("standard input cannot be looked at without reading it", hint="leave out --dry-run")
    with wiring.catalog.read() as records:
        vault = records.vaults.get(str(chosen.address))
    codes = []
    for path in paths:
        outcome = preview(
            path,
            vault or Vault(0, str(chosen.address), wiring.now()),
            catalog=wiring.catalog,
            staging=wiring.staging(),
            host=wiring.host,
            looking=looking,
            sizes=_sizes(chosen),
            coding=coding,
            label=label,
            tell=wiring.listener,
            stop=wiring.stop,
        )
        wiring.show(outcome, foretold)
        if outcome.looks_empty:
            _warn_empty(wiring, outcome)
        codes.append(outcome.exit)
    wiring.leave(*codes)


def _sizes(chosen: "ChosenVault") -> "Sizes":
    from glacierkeep.domain.forms import Sizes
    from glacierkeep.domain.limits import DEFAULT_PART_SIZE

    said = chosen.settings
    return Sizes(
        said.bundle_size,
        said.bundle_threshold,
        said.part_size or DEFAULT_PART_SIZE,
        said.volume_size,
        said.bundle_members,
    )


def _coding(wiring: "Wiring", chosen: "ChosenVault", compression: str | None, level: int | None) -> "Coding":
    """In what form archives are stored. Raises NotChecked before the first sealed upload, NotSealed before one that is
    not where others were."""
    from glacierkeep.bundle.storing import Coding
    from glacierkeep.domain.forms import Squeeze
    from glacierkeep.operations.keys import require_checked
    from glacierkeep.operations.preconditions import require_nothing_sealed

    said = chosen.settings
    wanted = Compression(compression) if compression else said.compression
    squeeze = Squeeze(wanted, level or said.compression_level)
    recipients = wiring.recipients(chosen)
    if recipients is None:
        if said.recipients is None and not wiring.options.dry_run:
            require_nothing_sealed(chosen.address, catalog=wiring.catalog)
        return Coding(squeeze)
    if not wiring.options.dry_run:
        require_checked(recipients, chosen.address, catalog=wiring.catalog)
    return Coding(squeeze, recipients.seal, recipients.fingerprint)


def _warn_empty(wiring: "Wiring", outcome: "UploadOutcome") -> None:
    wiring.note(
        "root-looks-empty",
        f"{outcome.root}: most of what was archived is not there any more. Is a disk missing? Nothing is recorded as"
        " gone; if it is meant, give --yes",
    )
