"""gk key check."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glacierkeep.cli import options, terminal
from glacierkeep.cli.epilog import epilog
from glacierkeep.domain.vault import VaultAddress
from glacierkeep.errors import Exit, NoIdentity, NothingToDo, UsageError
from glacierkeep.events import Trouble

if TYPE_CHECKING:
    from glacierkeep.cli.wiring import Wiring
    from glacierkeep.keys.identities import Identities
    from glacierkeep.keys.recipients import SealedVault
    from glacierkeep.operations.keys import KeysChecked

_LONGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class ChallengeWritten:
    """A sealed word was written to *file*; `--answer` takes the word."""

    vault: VaultAddress
    fingerprint: str
    file: Path


@dataclass(frozen=True, slots=True)
class SheetRead:
    """What was typed from a recovery sheet is as printed; *public* is None if only the passphrase would tell."""

    public: str | None
    protected: bool


@click.command(
    "check",
    epilog=epilog(
        "gk key check",
        "gk key check -V photos --identity /media/stick/key.txt",
        "gk key check -V photos --challenge challenge.age",
        "gk key check -V photos --answer 0h6zk3v2x8m4q9tr",
        "gk key check --sheet -",
        exits=(
            Exit.DONE,
            Exit.FAILED,
            Exit.MISMATCH,
            Exit.NO_VAULT,
            Exit.LOCKED,
            Exit.OUTDATED,
            Exit.CREDENTIALS,
        ),
    ),
)
@click.option(
    "--identity",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Open with this file; it is only read.",
)
@click.option("--challenge", metavar="FILE", help="Seal a word into this new file, or - for standard output.")
@click.option("--answer", metavar="WORD", help="The word that was in the challenge, or - to be asked for it.")
@click.option(
    "--sheet", metavar="FILE", help="Read what was typed from a recovery sheet, - from standard input."
)
@options.vault
@options.everywhere
@options.with_wiring
def command(
    wiring: "Wiring", identity: Path | None, challenge: str | None, answer: str | None, sheet: str | None
) -> None:
    """Prove that what vaults are sealed to can be opened.

    Without -V, for every vault that has recipients. Random bytes are sealed and opened with the identities at hand.
    That it went well is written down: the first encrypted upload needs it. On a machine that has public keys only,
    --challenge writes a file; open it where the identity is (age -d -i KEY FILE), and --answer takes the word in it.
    """
    if sum(way is not None for way in (identity, challenge, answer, sheet)) > 1:
        raise UsageError("--identity, --challenge, --answer and --sheet are different ways: choose one")
    if challenge is not None:
        _challenge(wiring, challenge)
    elif answer is not None:
        _answer(wiring, answer)
    elif sheet is not None:
        _sheet(wiring, sheet)
    else:
        _check(wiring, _identities(wiring, identity))


def _identities(wiring: "Wiring", file: Path | None) -> "Identities":
    from glacierkeep.cli.unlocking import warnings
    from glacierkeep.keys.identities import Identities
    from glacierkeep.keys.sources import IdentityFile

    for warning in warnings(wiring.settings.keys) if file is None else ():
        wiring.note("identity-readable", warning)
    return Identities([IdentityFile(file)], ask=wiring.passphrase) if file else wiring.identities


def _check(wiring: "Wiring", identities: "Identities") -> None:
    targets = _targets(wiring)
    failed = _failures(wiring, identities, targets)
    if len(failed) == len(targets) == 1:
        raise failed[0]
    for error in failed:
        wiring.listener(Trouble(b"", error.code, str(error), error.hint))
    if failed:
        wiring.leave(Exit.CREDENTIALS)


def _failures(
    wiring: "Wiring", identities: "Identities", targets: "Sequence[SealedVault]"
) -> list[NoIdentity]:
    """Check each of *targets*, and say which passed; the errors of the others."""
    from glacierkeep.operations.keys import check

    failed = []
    for target in targets:
        try:
            passed = check(
                target.address, target.recipients, identities, catalog=wiring.catalog, clock=wiring.clock
            )
        except NoIdentity as error:
            failed.append(error)
        else:
            wiring.report(passed, _passed)
    return failed


def _challenge(wiring: "Wiring", file: str) -> None:
    from glacierkeep.operations.key_sheets import write_private
    from glacierkeep.operations.keys import challenge

    if file == "-" and wiring.options.json:
        raise UsageError("a challenge is no JSON", hint="give --challenge FILE")
    target = _one_target(wiring)
    path = None if file == "-" else Path(file)

    def write(sealed: bytes) -> None:
        if path is None:
            click.echo(sealed.decode("ascii"), nl=False)
        else:
            write_private(path, sealed)

    challenge(target.recipients, write=write, catalog=wiring.catalog)
    if path is not None:
        written = ChallengeWritten(target.address, target.recipients.fingerprint, path)
        wiring.report(
            written, f"open it where the identity is: age -d -i KEY {file}; then: gk key check --answer WORD"
        )


def _answer(wiring: "Wiring", word: str) -> None:
    from glacierkeep.operations.keys import answer

    target = _one_target(wiring)
    if word == "-":
        if terminal.someone_there():
            click.echo("gk: the word in the challenge: ", nl=False, err=True)
        word = sys.stdin.buffer.readline().decode("utf-8", "replace")
    passed = answer(target.address, target.recipients, word, catalog=wiring.catalog, clock=wiring.clock)
    wiring.report(passed, _passed)


def _sheet(wiring: "Wiring", file: str) -> None:
    from glacierkeep.keys.sheet import SheetMistyped
    from glacierkeep.operations.key_sheets import from_sheet

    identities = from_sheet(_typed(file), wiring.passphrase)
    [held] = identities.publics or [None]
    if held is None:
        raise SheetMistyped("what was typed is no key: some letter of it is wrong")
    wiring.report(SheetRead(held.public, held.protected), "the sheet is as printed")
    targets = _targets(wiring, needed=False)
    failed = _failures(wiring, identities, targets)
    if targets and len(failed) == len(targets):
        raise failed[0]


def _typed(file: str) -> str:
    if file != "-":
        with open(file, "rb") as opened:
            return opened.read(_LONGEST).decode("utf-8", "replace")
    if terminal.someone_there():
        click.echo("gk: type the numbered lines and the last one, then Ctrl-D", err=True)
    return sys.stdin.buffer.read(_LONGEST).decode("utf-8", "replace")


def _targets(wiring: "Wiring", *, needed: bool = True) -> "list[SealedVault]":
    """The vault that is named, or all that have recipients. Raises NothingToDo if none has and one is *needed*."""
    from glacierkeep.cli.unlocking import sealed_vaults

    if wiring.named_vault() is not None:
        return [_one_target(wiring)]
    found = sealed_vaults(wiring.settings)
    if needed and not found:
        raise NothingToDo("no vault has recipients", hint="gk key add gives one some")
    return found


def _one_target(wiring: "Wiring") -> "SealedVault":
    from glacierkeep.keys.recipients import SealedVault

    chosen = wiring.vault()
    recipients = wiring.recipients(chosen)
    if recipients is None:
        raise NothingToDo(f"{chosen.address} has no recipients", hint="gk key add gives it some")
    return SealedVault(chosen.address, chosen.nickname or chosen.address.name, recipients)


def _passed(checked: "KeysChecked") -> str:
    return f"what is sealed for {checked.vault} can be opened"
