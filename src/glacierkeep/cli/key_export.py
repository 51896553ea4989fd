"""gk key export."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glacierkeep.cli import options, terminal
from glacierkeep.cli.epilog import epilog
from glacierkeep.errors import Exit, NeedsYes, UsageError

if TYPE_CHECKING:
    from glacierkeep.cli.wiring import Wiring


@click.command(
    "export",
    epilog=epilog(
        "gk key export",
        "gk key export main --html --to sheet.html",
        "gk key export main --yes | lp",
        exits=(Exit.DONE, Exit.FAILED, Exit.NO_VAULT, Exit.CREDENTIALS),
    ),
)
@click.argument("name", required=False)
@click.option("--to", metavar="FILE", type=click.Path(path_type=Path), help="A new file, private to you.")
@click.option("--html", is_flag=True, help="A page to print from a browser, with a QR code that is drawn.")
@click.option("--unprotected", is_flag=True, help="Ask for the passphrase, so that the sheet needs none.")
@options.yes
@options.everywhere
@options.with_wiring
def command(wiring: "Wiring", name: str | None, to: Path | None, html: bool, unprotected: bool) -> None:
    """Write the recovery sheet of a key, to print and to keep elsewhere.

    It holds the secret key in lines that can be typed back and as a QR code, and says how to use it without gk. For a
    key that is protected by a passphrase it holds the protected form, which is worth nothing without the passphrase.
    """
    from glacierkeep.cli.unlocking import sources_of
    from glacierkeep.operations.key_names import find_keep
    from glacierkeep.operations.key_sheets import SheetWritten, make_sheet, write_private

    _check_place(wiring, to)
    keep = find_keep(name, sources_of(wiring.settings.keys))
    sheet, protected = make_sheet(
        keep,
        vaults_of=lambda public: _sealed_to(wiring, public),
        date=wiring.now(),
        html=html,
        ask=wiring.passphrase if unprotected else None,
    )
    _warn(wiring, protected)
    if to is None:
        click.echo(sheet.decode("utf-8"), nl=False)
        return
    write_private(to, sheet)
    written = SheetWritten(keep.name, to, protected)
    wiring.report(written, f"wrote the recovery sheet of {keep.name} to {to}; print it, then remove the file")


def _check_place(wiring: "Wiring", to: Path | None) -> None:
    if to is not None:
        return
    if wiring.options.json:
        raise UsageError("a sheet is no JSON", hint="give --to FILE")
    if not wiring.options.yes and not terminal.out_is_terminal():
        raise NeedsYes("the sheet holds the secret key", hint="give --to FILE, or --yes to print it here")


def _sealed_to(wiring: "Wiring", public: str | None) -> list[str]:
    from glacierkeep.cli.unlocking import sealed_vaults

    vaults = sealed_vaults(wiring.settings)
    return [str(vault.address) for vault in vaults if public in vault.recipients.texts]


def _warn(wiring: "Wiring", protected: bool) -> None:
    sys.stdout.flush()
    if protected:
        sentence = (
            "the sheet is worth nothing without the passphrase of the key: keep that too, and elsewhere"
        )
        wiring.note("sheet-protected", f"{sentence} (--unprotected makes a sheet that needs none)")
    else:
        wiring.note("sheet-secret", "the sheet holds the secret key: whoever sees it can open the archives")
