"""Which vault a command is about."""

from dataclasses import dataclass

from glacierkeep.config.load import Loaded, Source
from glacierkeep.config.settings import Settings, VaultSettings, plain_vault
from glacierkeep.domain.vault import VaultAddress, VaultKind, looks_like_address, parse_address
from glacierkeep.errors import ConfigError, NotYetSupported, NoVault

FALLBACK = "local:default"
"""The vault of a person at a terminal who has named none."""


@dataclass(frozen=True, slots=True)
class ChosenVault:
    """A vault and how it is used; *nickname* is its name in the configuration, if it has one."""

    address: VaultAddress
    settings: VaultSettings
    nickname: str | None = None


def choose(named: str, settings: Settings) -> ChosenVault:
    """The vault *named* by an address or a configured name. Raises NoVault, or NotYetSupported for `s3://`."""
    if named in settings.vaults:
        return _supported(ChosenVault(settings.vaults[named].url, settings.vaults[named], named))
    if not looks_like_address(named):
        there = ", ".join(sorted(settings.vaults))
        raise NoVault(
            f"no vault is named {named}",
            hint=f"configured: {there}"
            if there
            else "name it by its address, such as glacier://eu-west-1/photos",
        )
    try:
        return choose_address(parse_address(named), settings)
    except ValueError as error:
        raise NoVault(str(error)) from error


def choose_address(address: VaultAddress, settings: Settings) -> ChosenVault:
    """The vault at *address*, with the settings of the first configured vault that has it."""
    for nickname, vault in settings.vaults.items():
        if vault.url == address:
            return _supported(ChosenVault(address, vault, nickname))
    return _supported(ChosenVault(address, plain_vault(address)))


def choose_default(loaded: Loaded) -> ChosenVault | None:
    """The default vault; None if there is none. Raises NoVault or ConfigError, which says who named it."""
    name = loaded.settings.default_vault
    if name is None:
        return None
    try:
        return choose(name, loaded.settings)
    except NoVault as error:
        origin = loaded.origins[("default_vault",)]
        raise ConfigError(f"{origin.name}: {error}", hint=error.hint) from error


def named_by_environment(loaded: Loaded) -> bool:
    """Whether GK_VAULT names the vault."""
    origin = loaded.origins.get(("default_vault",))
    return origin is not None and origin.source is Source.ENVIRONMENT


def none_named() -> NoVault:
    """The error for a command that has no vault."""
    return NoVault(
        "no vault is named",
        hint="give -V glacier://REGION/NAME, set GK_VAULT, or run: gk config set default_vault ADDRESS",
    )


def _supported(chosen: ChosenVault) -> ChosenVault:
    if chosen.address.kind is VaultKind.S3:
        raise NotYetSupported(
            f"{chosen.address}: s3:// vaults come in a later release",
            hint="glacier:// and local: vaults work",
        )
    return chosen
