"""gk vault."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from glacierkeep.cli import options, params
from glacierkeep.cli.epilog import epilog
from glacierkeep.cli.groups import Group
from glacierkeep.errors import Exit, NoVault, UsageError

if TYPE_CHECKING:
    from glacierkeep.cli.choosing import ChosenVault
    from glacierkeep.cli.wiring import Wiring
    from glacierkeep.operations.vaults import VaultListed, VaultShown

_SERVICE = (Exit.DONE, Exit.FAILED, Exit.NO_VAULT, Exit.OUTDATED, Exit.CREDENTIALS, Exit.REFUSED)
_NICKNAME = re.compile(r"[A-Za-z0-9_.-]{1,255}")


@click.group(
    "vault", cls=Group, epilog=epilog("gk vault create local:photos", "gk vault list", exits=_SERVICE)
)
def command() -> None:
    """Create, list, show, choose and delete vaults."""


@command.command(
    "create",
    epilog=epilog(
        "gk vault create local:photos",
        "gk vault create glacier://eu-west-1/photos --aws-profile personal",
        exits=_SERVICE,
    ),
)
@click.argument("vault", type=params.VaultText())
@click.option("--name", "nickname", help="Its name in the configuration; otherwise the address's own.")
@click.option("--aws-profile", help="The AWS profile with the credentials for it.")
@click.option("--endpoint-url", help="Where the service answers, if not at Amazon.")
@options.everywhere
@options.with_wiring
def create(
    wiring: "Wiring", vault: str, nickname: str | None, aws_profile: str | None, endpoint_url: str | None
) -> None:
    """Make VAULT, and add it to the configuration.

    VAULT is an address such as glacier://REGION/NAME or local:NAME. One that is there already is only added.
    The first vault becomes the default.
    """
    from glacierkeep.config.edit import add_vault
    from glacierkeep.operations.vaults import create_vault

    chosen = _with(_choose(wiring, vault), aws_profile, endpoint_url)
    name = nickname or chosen.nickname or chosen.address.name
    _check_nickname(wiring, name, chosen)
    wiring.warn_local(chosen)
    created = create_vault(
        chosen.address, name, catalog=wiring.catalog, store=wiring.store(chosen, create=False)
    )
    first = wiring.loaded.file_default is None
    add_vault(wiring.homes.config_file, name, _written(chosen), default=first)
    if first:
        wiring.note("default-vault", f"{name} is the default vault from now on")
    wiring.report(created, f"created {chosen.address}")


@command.command(
    "list", epilog=epilog("gk vault list", "gk vault list --json", exits=(Exit.DONE, Exit.OUTDATED))
)
@options.everywhere
@options.with_wiring
def list_(wiring: "Wiring") -> None:
    """List the vaults that are configured or known to the catalog.

    Offline. The default vault is marked with *.
    """
    from glacierkeep.cli.render.tables import Column
    from glacierkeep.cli.render.words import moment
    from glacierkeep.operations.vaults import list_vaults

    configured = {name: vault.url for name, vault in wiring.settings.vaults.items()}
    listed = list_vaults(configured, wiring.settings.default_vault, catalog=wiring.catalog)
    columns: list[Column[VaultListed]] = [
        Column("", lambda vault: "*" if vault.default else ""),
        Column("NAME", lambda vault: vault.nickname or "-"),
        Column("KIND", lambda vault: vault.kind.value),
        Column("ADDRESS", lambda vault: str(vault.address)),
        Column("INVENTORY", lambda vault: moment(vault.inventory_date)),
    ]
    wiring.table(listed, columns, empty="no vaults yet: gk vault create local:NAME makes one to try")


@command.command("show", epilog=epilog("gk vault show", "gk vault show photos", exits=_SERVICE))
@click.argument("vault", type=params.VaultText(), required=False)
@options.vault
@options.everywhere
@options.with_wiring
def show(wiring: "Wiring", vault: str | None) -> None:
    """Ask the service about VAULT, and show what the catalog knows of it."""
    from glacierkeep.operations.vaults import show_vault

    chosen = wiring.vault(vault)
    store = wiring.store(chosen, create=False)
    wiring.show(show_vault(chosen.address, chosen.nickname, catalog=wiring.catalog, store=store), _described)


@command.command("use", epilog=epilog("gk vault use photos", exits=(Exit.DONE, Exit.NO_VAULT)))
@click.argument("vault", type=params.VaultText())
@options.everywhere
@options.with_wiring
def use(wiring: "Wiring", vault: str) -> None:
    """Let VAULT be the default."""
    from glacierkeep.cli.choosing import choose
    from glacierkeep.config.edit import set_default

    chosen = choose(vault, wiring.settings)
    name = chosen.nickname or str(chosen.address)
    set_default(wiring.homes.config_file, name)
    wiring.note("default-vault", f"{name} is the default vault from now on")


@command.command("delete", epilog=epilog("gk vault delete local:photos --yes", exits=_SERVICE))
@click.argument("vault", type=params.VaultText())
@options.yes
@options.everywhere
@options.with_wiring
def delete(wiring: "Wiring", vault: str) -> None:
    """Delete the empty VAULT.

    Refused while the catalog knows of archives in it. The service refuses too if its last inventory counted
    archives, or if anything was written since.
    """
    from glacierkeep.cli.choosing import choose
    from glacierkeep.config.edit import remove_vault
    from glacierkeep.operations.vaults import check_deletable, delete_vault

    chosen = choose(vault, wiring.settings)
    check_deletable(chosen.address, catalog=wiring.catalog)
    wiring.ask(f"delete the vault {chosen.address}?")
    deleted = delete_vault(chosen.address, catalog=wiring.catalog, store=wiring.store(chosen, create=False))
    remove_vault(wiring.homes.config_file, chosen.nickname or str(chosen.address))
    wiring.report(deleted, f"deleted {chosen.address}")


def _choose(wiring: "Wiring", text: str) -> "ChosenVault":
    from glacierkeep.cli.choosing import choose

    try:
        return choose(text, wiring.settings)
    except NoVault as error:
        hint = f"give its address: local:{text}, or glacier://REGION/{text}"
        raise NoVault(str(error), hint=hint) from error


def _with(chosen: "ChosenVault", profile: str | None, endpoint_url: str | None) -> "ChosenVault":
    settings = replace(
        chosen.settings,
        profile=profile or chosen.settings.profile,
        endpoint_url=endpoint_url or chosen.settings.endpoint_url,
    )
    return replace(chosen, settings=settings)


def _check_nickname(wiring: "Wiring", name: str, chosen: "ChosenVault") -> None:
    if not _NICKNAME.fullmatch(name):
        raise UsageError(f"{name!r} is not a name for a vault: 1 to 255 of a-z A-Z 0-9 _ - .")
    there = wiring.settings.vaults.get(name)
    if there and there.url != chosen.address:
        raise UsageError(f"{name} is already the name of {there.url}", hint="give another with --name")


def _written(chosen: "ChosenVault") -> dict[str, str]:
    given = {
        "url": str(chosen.address),
        "profile": chosen.settings.profile,
        "endpoint_url": chosen.settings.endpoint_url,
    }
    return {key: value for key, value in given.items() if value}


def _described(vault: "VaultShown") -> str:
    from glacierkeep.cli.render.words import count, moment, size

    counted = "has made no inventory yet"
    if vault.service_inventory_date:
        held = f"{count(vault.service_archives, 'archive')}, {size(vault.service_size)}"
        counted = f"{held} in its inventory of {moment(vault.service_inventory_date)}"
    known = f"{count(vault.archives, 'archive')}, {size(vault.size)}, {count(vault.files, 'file')}"
    return "\n".join(
        (
            f"{vault.address}" + (f" ({vault.nickname})" if vault.nickname else ""),
            f"created     {moment(vault.created_at)}",
            f"service     {counted}",
            f"catalog     {known}",
            f"reconciled  {moment(vault.reconciled_date)}",
        )
    )
