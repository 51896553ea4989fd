"""gk key: make, choose and list keys. Checking and printing them are modules of their own."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glacierkeep.cli import key_check, key_export, options
from glacierkeep.cli.epilog import epilog
from glacierkeep.cli.groups import Group
from glacierkeep.errors import Exit, NoIdentity, UsageError

if TYPE_CHECKING:
    from glacierkeep.cli.choosing import ChosenVault
    from glacierkeep.cli.wiring import Wiring
    from glacierkeep.keys.recipients import Recipients
    from glacierkeep.operations.key_making import KeyCreated
    from glacierkeep.operations.keys import VaultKeys
    from glacierkeep.operations.recipients import RecipientsChanged

_EXITS = (Exit.DONE, Exit.FAILED, Exit.NO_VAULT, Exit.LOCKED, Exit.OUTDATED, Exit.CREDENTIALS)
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")

_EXPLAINED = (
    "archives that are sealed to a key can be opened with that key and with nothing else",
    "whoever loses every copy of it loses the archives: nobody can help, neither Amazon nor the makers of gk",
    "so print its recovery sheet (gk key export) at once, and keep it where this computer is not",
)


@click.group(
    "key",
    cls=Group,
    epilog=epilog(
        "gk key create", "gk key add main -V photos", "gk key export main", "gk key check", exits=_EXITS
    ),
)
def command() -> None:
    """Make, list, choose, print and check encryption keys.

    A vault that has recipients, which are public keys, is encrypted: its archives are sealed to all of them, and
    any one of their secret keys, the identities, opens them. The machine that uploads needs no identity.
    """


command.add_command(key_check.command)
command.add_command(key_export.command)


@command.command(
    "create",
    epilog=epilog(
        "gk key create",
        "gk key create --name travel --passphrase",
        "gk key create --to /media/stick/key.txt --yes",
        exits=(Exit.DONE, Exit.FAILED, Exit.NO_VAULT, Exit.CREDENTIALS),
    ),
)
@click.option("--name", default="main", show_default=True, help="What to call it.")
@click.option("--passphrase", is_flag=True, help="Protect the file with a passphrase, which is asked for.")
@click.option("--keyring", is_flag=True, help="Keep it in the keyring of this session instead of a file.")
@click.option(
    "--to", metavar="FILE", type=click.Path(path_type=Path), help="The new file that is to hold it."
)
@options.yes
@options.everywhere
@options.with_wiring
def create(wiring: "Wiring", name: str, passphrase: bool, keyring: bool, to: Path | None) -> None:
    """Make a key: an identity, and its public key.

    It goes to a new file in the folder `keys` beside config.toml, private to you, and gk knows of it from then on.
    Nothing is sealed to it before `gk key add` says so. Whoever loses the key loses the archives.
    """
    _check_create(name, passphrase, keyring, to)
    file = None if keyring else _absolute(to or wiring.homes.keys / f"{name}.txt")
    known = wiring.settings.keys.identity_files
    if file is not None:
        from glacierkeep.operations.key_making import check_free

        check_free(file)
    for sentence in _EXPLAINED:
        wiring.note("key-explained", sentence)
    wiring.ask(f"make the key {name}?")
    created = _make(wiring, name, file, _new_passphrase(wiring, name) if passphrase else None)
    _remember(wiring, created, known)
    wiring.show(created, _created)


@command.command(
    "add",
    epilog=epilog(
        "gk key add main -V photos",
        "gk key add age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
        "gk key add ~/.ssh/id_ed25519.pub 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB… ada@home'",
        "gk key add new --remove old -V photos",
        exits=_EXITS,
    ),
)
@click.argument("recipients", nargs=-1, metavar="[RECIPIENT]...")
@click.option("--remove", multiple=True, metavar="RECIPIENT", help="Seal nothing to this one any more.")
@options.vault
@options.yes
@options.everywhere
@options.with_wiring
def add(wiring: "Wiring", recipients: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """Let archives made from now on be sealed to RECIPIENTs too.

    A RECIPIENT is a public key (age1…, ssh-ed25519 …, ssh-rsa …), a .pub file, or the name of a key of yours. What
    is in the vault already stays as it is: archives keep the recipients they were made with, so keep old identities.
    """
    from glacierkeep.operations.keys import checked_when
    from glacierkeep.operations.recipients import RecipientsChanged, plan_change

    if not recipients and not remove:
        raise UsageError(
            "neither a recipient to add nor one to remove is named", hint="gk key list shows yours"
        )
    chosen = wiring.vault()
    name = chosen.nickname or _free_name(wiring, chosen)
    # What is wrong with those that are configured is the configuration's fault, and said so.
    wiring.recipients(chosen)
    plan = plan_change(chosen.settings.recipients or (), _meant(wiring, recipients), _meant(wiring, remove))
    if not plan.after:
        wiring.ask(f"without recipients, archives in {chosen.address} are not encrypted from now on. Go on?")
    _write(wiring, chosen, name, plan.add, plan.remove)
    if plan.remove:
        wiring.note(
            "old-archives",
            "archives that are there already keep their old recipients: keep the old identities as long as them",
        )
    after = _parsed(plan.after)
    checked = after is not None and checked_when(after, catalog=wiring.catalog) is not None
    wiring.report(RecipientsChanged(chosen.address, name, plan.after, checked), _changed)
    if after is not None and not checked:
        wiring.note("unchecked", f"before the first upload, prove that they open: gk key check -V {name}")


@command.command("list", epilog=epilog("gk key list", "gk key list --json", exits=_EXITS))
@options.everywhere
@options.with_wiring
def list_(wiring: "Wiring") -> None:
    """List what vaults are sealed to, and the identities at hand.

    No passphrase is asked for, and no secret is shown. CHECKED says when `gk key check` proved it last.
    """
    from glacierkeep.cli.render.tables import Column
    from glacierkeep.cli.render.words import moment
    from glacierkeep.cli.unlocking import sealed_vaults, warnings
    from glacierkeep.operations.keys import IdentityListed, VaultKeys, list_identities, list_vault_keys

    vaults = sealed_vaults(wiring.settings)
    held = wiring.identities.publics
    sealed: list[Column[VaultKeys]] = [
        Column("VAULT", lambda one: one.nickname or str(one.vault)),
        Column("OPENS", _opens),
        Column("CHECKED", lambda one: moment(one.checked_at)),
        Column("RECIPIENTS", lambda one: ", ".join(each.recipient for each in one.recipients)),
    ]
    identities: list[Column[IdentityListed]] = [
        Column("IDENTITY", lambda one: one.place),
        Column("PASSPHRASE", lambda one: "yes" if one.protected else "no"),
        Column("PUBLIC KEY", lambda one: one.public or "not known without the passphrase"),
    ]
    listed = list_vault_keys(vaults, held, catalog=wiring.catalog)
    wiring.table(listed, sealed, empty="no vault has recipients: gk key add encrypts one")
    wiring.table(
        list_identities(vaults, held), identities, empty="no identity is at hand: gk key create makes one"
    )
    for trouble in wiring.identities.troubles:
        wiring.note("identity-trouble", trouble)
    for warning in warnings(wiring.settings.keys):
        wiring.note("identity-readable", warning)


def _check_create(name: str, passphrase: bool, keyring: bool, to: Path | None) -> None:
    if not _NAME.fullmatch(name) or set(name) <= {"."}:
        raise UsageError(f"{name!r} is not a name for a key: 1 to 64 of a-z A-Z 0-9 _ - .")
    if keyring and (passphrase or to):
        raise UsageError(
            "--keyring goes with neither --to nor --passphrase", hint="the keyring has its own lock"
        )


def _absolute(file: Path) -> Path:
    return Path.cwd() / file.expanduser()


def _make(wiring: "Wiring", name: str, file: Path | None, passphrase: str | None) -> "KeyCreated":
    from glacierkeep.config.paths import make_private
    from glacierkeep.operations.key_making import create_in_file, create_in_keyring

    if file is None:
        return create_in_keyring(name, clock=wiring.clock)
    if file.parent == wiring.homes.keys:
        make_private(file.parent)
    return create_in_file(name, file, clock=wiring.clock, passphrase=passphrase)


def _new_passphrase(wiring: "Wiring", name: str) -> str:
    passphrase = wiring.passphrase(f"new passphrase of {name}")
    if wiring.settings.keys.passphrase_command is None and passphrase != wiring.passphrase("the same again"):
        raise NoIdentity("the two passphrases are not the same; nothing was made")
    return passphrase


def _remember(wiring: "Wiring", created: "KeyCreated", known: tuple[Path, ...]) -> None:
    from glacierkeep.config.edit import add_identity_file, set_word

    if created.file is None:
        set_word(wiring.homes.config_file, ("keys", "keyring"), "true")
    elif created.file not in known:
        add_identity_file(wiring.homes.config_file, created.file)


def _created(created: "KeyCreated") -> str:
    held = f"{created.file}" if created.file else "the keyring"
    add = f"gk key add {created.name} -V VAULT"
    steps = (
        (add, "seal the archives of a vault to it from now on"),
        (f"gk key export {created.name}", "print the recovery sheet; keep it where this computer is not"),
        ("gk key check", "prove that what is sealed can be opened"),
    )
    return "\n".join(
        (
            f"made the key {created.name} in {held}",
            f"public key  {created.public}",
            "what to do next:",
            *(f"  {command:<{len(add)}}  {what}" for command, what in steps),
        )
    )


def _meant(wiring: "Wiring", words: tuple[str, ...]) -> list[str]:
    from glacierkeep.cli.unlocking import sources_of
    from glacierkeep.operations.key_names import publics_called
    from glacierkeep.operations.recipients import resolve

    sources = sources_of(wiring.settings.keys)
    return [key for word in words for key in resolve(word, lambda name: publics_called(name, sources))]


def _free_name(wiring: "Wiring", chosen: "ChosenVault") -> str:
    name = chosen.address.name
    there = wiring.settings.vaults.get(name)
    if there is not None:
        raise UsageError(
            f"{chosen.address} is not configured, and {name} is already the name of {there.url}",
            hint=f"gk vault create {chosen.address} --name NAME gives it another",
        )
    return name


def _write(
    wiring: "Wiring", chosen: "ChosenVault", name: str, add: tuple[str, ...], remove: tuple[str, ...]
) -> None:
    from glacierkeep.config.edit import change_recipients

    change_recipients(wiring.homes.config_file, name, str(chosen.address), add=add, remove=remove)


def _parsed(texts: tuple[str, ...]) -> "Recipients | None":
    from glacierkeep.keys.recipients import Recipients

    return Recipients.parse(texts) if texts else None


def _changed(changed: "RecipientsChanged") -> str:
    if not changed.recipients:
        return f"{changed.vault} has no recipients any more"
    return "\n".join((f"{changed.vault} is sealed to:", *(f"  {one}" for one in changed.recipients)))


def _opens(vault: "VaultKeys") -> str:
    return {True: "yes", False: "no", None: "perhaps"}[vault.opens]
