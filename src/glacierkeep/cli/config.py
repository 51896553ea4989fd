"""gk config."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glacierkeep.cli import options
from glacierkeep.cli.epilog import epilog
from glacierkeep.cli.groups import Group
from glacierkeep.errors import Exit

if TYPE_CHECKING:
    from glacierkeep.cli.wiring import Wiring
    from glacierkeep.config.keys import Key

_EXITS = (Exit.DONE, Exit.FAILED, Exit.NO_VAULT)
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")
_SIZES = ("part_size", "bundle_size", "bundle_threshold", "max_transfer")


@dataclass(frozen=True, slots=True)
class Setting:
    """A key of the configuration, its value, and where that came from: *where* names file and line, or variable."""

    key: str
    value: object
    origin: str
    where: str


@dataclass(frozen=True, slots=True)
class SendingMemory:
    """No setting, but what follows from them: sending holds at most *most* bytes of archives in memory."""

    jobs: int
    most: int


@dataclass(frozen=True, slots=True)
class ConfigValid:
    """A config.toml without fault."""

    file: Path
    vaults: int


@click.group(
    "config",
    cls=Group,
    epilog=epilog("gk config show --origin", "gk config set budget.month 5.00", exits=_EXITS),
)
def command() -> None:
    """Show, change and check the configuration."""


@command.command("show", epilog=epilog("gk config show", "gk config show --origin upload.jobs", exits=_EXITS))
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--origin", is_flag=True, help="Say where each value came from.")
@options.vault
@options.everywhere
@options.with_wiring
def show(wiring: "Wiring", keys: tuple[str, ...], origin: bool) -> None:
    """Show what is in force: options over environment over file over defaults.

    The last line is no setting: it says how much memory sending takes with them at most.
    """
    from glacierkeep.cli.render.tables import Column

    settings = [setting for setting in _in_force(wiring) if not keys or setting.key in keys]
    _check_names(keys, {setting.key for setting in settings})
    columns = [Column[Setting]("KEY", lambda one: one.key), Column[Setting]("VALUE", _text_of)]
    if origin:
        columns.append(Column("ORIGIN", lambda one: one.where or one.origin))
    wiring.table(settings, columns)
    if not keys:
        wiring.show(_sending_memory(wiring), _memory_told)


def _sending_memory(wiring: "Wiring") -> SendingMemory:
    from glacierkeep.domain.parts import held_bound

    jobs = wiring.settings.upload.jobs
    return SendingMemory(jobs, held_bound(jobs))


def _memory_told(memory: SendingMemory) -> str:
    from glacierkeep.cli.render.words import count
    from glacierkeep.config.quantities import write_size

    most, jobs = write_size(memory.most), count(memory.jobs, "job")
    return f"\nSending holds at most {most} of archives in memory ({jobs}), whatever their size."


def _complete_key(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from glacierkeep.config.keys import dotted, plain_keys

    return [name for name in map(dotted, plain_keys()) if name.startswith(incomplete)]


@command.command(
    "set",
    epilog=epilog(
        "gk config set budget.month 5.00",
        "gk config set vault.photos.tier Bulk",
        "gk config set upload.exclude '*.tmp .cache'",
        exits=_EXITS,
    ),
)
@click.argument("key", shell_complete=_complete_key)
@click.argument("value")
@options.everywhere
@options.with_wiring
def set_(wiring: "Wiring", key: str, value: str) -> None:
    """Set KEY to VALUE in config.toml.

    Comments are kept, and nothing is written unless the result is valid. A list is written as words, quoted
    as in a shell.
    """
    from glacierkeep.config.edit import set_word
    from glacierkeep.config.keys import split_key

    set_word(wiring.homes.config_file, split_key(key), value)


@command.command("path", epilog=epilog("gk config path", "gk config path --json", exits=(Exit.DONE,)))
@options.everywhere
@options.with_wiring
def path(wiring: "Wiring") -> None:
    """Print where config.toml is; with --json, where everything is."""
    wiring.show(wiring.homes, str(wiring.homes.config_file))


@command.command("validate", epilog=epilog("gk config validate", exits=_EXITS))
@options.everywhere
@options.with_wiring
def validate(wiring: "Wiring") -> None:
    """Check config.toml, its profiles included."""
    from glacierkeep.cli.building import local_wishes
    from glacierkeep.config.load import check_text, read_text

    file = wiring.homes.config_file
    loaded = check_text(read_text(file), file)
    local_wishes(loaded, {})
    wiring.report(ConfigValid(file, len(loaded.settings.vaults)), f"{file} is valid")


def _in_force(wiring: "Wiring") -> Iterator[Setting]:
    from glacierkeep.config.keys import VAULT, dotted, plain_keys

    vault_keys: list[Key] = [("vault", name, last) for name in wiring.settings.vaults for last in VAULT]
    for key in plain_keys() + vault_keys:
        origin, where = _origin(wiring, key)
        yield Setting(dotted(key), _shown(_value(wiring.settings, key)), origin, where)


def _value(settings: Any, key: "Key") -> Any:
    if key[0] == "vault":
        return getattr(settings.vaults[key[1]], key[2])
    for name in key:
        settings = getattr(settings, name)
    return settings


def _shown(value: Any) -> object:
    """*value* without a password, and without a secret key that was put in the place of a public one."""
    from glacierkeep.domain.timetable import Timetable
    from glacierkeep.keys.secrecy import without_secret_keys

    if isinstance(value, tuple):
        return tuple(map(_shown, value))
    if isinstance(value, Timetable):
        return str(value)
    return without_secret_keys(_USER_INFO.sub("***@", value)) if isinstance(value, str) else value


def _origin(wiring: "Wiring", key: "Key") -> tuple[str, str]:
    from glacierkeep.config.keys import split_key
    from glacierkeep.config.lines import find_line
    from glacierkeep.config.load import Source, read_text

    origin = wiring.loaded.origins.get(key)
    if origin is None:
        return Source.DEFAULT.value, ""
    if origin.source is not Source.FILE:
        return origin.source.value, origin.name
    file = wiring.homes.config_file
    return origin.source.value, f"{file}:{find_line(read_text(file), split_key(origin.name))}"


def _text_of(setting: Setting) -> str:
    from glacierkeep.config.quantities import write_size

    value = setting.value
    if value is None or value == ():
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and setting.key.endswith(_SIZES):
        return write_size(value)
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _check_names(asked: tuple[str, ...], found: set[str]) -> None:
    from glacierkeep.config.keys import split_key
    from glacierkeep.config.load import unknown_key

    for key in asked:
        if key not in found:
            raise unknown_key(split_key(key))
