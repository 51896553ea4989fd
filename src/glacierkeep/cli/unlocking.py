"""Recipients and identities, as the settings want them."""

from collections.abc import Iterator

from glacierkeep.cli import terminal
from glacierkeep.cli.choosing import ChosenVault
from glacierkeep.config.settings import KeySettings, Settings
from glacierkeep.errors import ConfigError, NoIdentity
from glacierkeep.keys.commands import CommandFailed, passphrase_by
from glacierkeep.keys.recipients import NotRecipient, Recipients, SealedVault
from glacierkeep.keys.sources import CommandOutput, IdentityFile, InKeyring, Source, readable_by_others


def recipients_of(chosen: ChosenVault) -> Recipients | None:
    """What the vault's archives are sealed to; None if they are not. Raises ConfigError, which names the key."""
    if not chosen.settings.recipients:
        return None
    try:
        return Recipients.parse(chosen.settings.recipients)
    except NotRecipient as error:
        key = f"vault.{chosen.nickname}.recipients"
        raise ConfigError(f"{key}: {error}", hint=error.hint) from error


def sealed_vaults(settings: Settings) -> list[SealedVault]:
    """The configured vaults that have recipients. Raises ConfigError."""
    found = []
    for nickname, vault in settings.vaults.items():
        recipients = recipients_of(ChosenVault(vault.url, vault, nickname))
        if recipients is not None:
            found.append(SealedVault(vault.url, nickname, recipients))
    return found


def sources_of(keys: KeySettings) -> list[Source]:
    """Where identities are looked for; those that cost nothing first."""
    sources: list[Source] = [IdentityFile(file) for file in keys.identity_files]
    if keys.keyring:
        sources.append(InKeyring())
    if keys.identity_command:
        sources.append(CommandOutput(keys.identity_command))
    return sources


def ask_passphrase(keys: KeySettings, question: str) -> str:
    """The passphrase that *question* names. Raises NoIdentity."""
    if keys.passphrase_command is None:
        return terminal.secret(question)
    try:
        return passphrase_by(keys.passphrase_command)(question)
    except CommandFailed as error:
        raise NoIdentity(f"keys.passphrase_command {error}") from error


def warnings(keys: KeySettings) -> Iterator[str]:
    """A sentence about each identity file that is not as private as it should be."""
    for file in keys.identity_files:
        if readable_by_others(file):
            yield f"{file} is open to others on this machine: chmod 600 {file}"
