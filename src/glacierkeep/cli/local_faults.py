"""gk local faults."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from glacierkeep.cli import options
from glacierkeep.cli.epilog import epilog
from glacierkeep.cli.groups import Group
from glacierkeep.errors import Exit, NothingToDo, UsageError

if TYPE_CHECKING:
    from glacierkeep.cli.wiring import Wiring

_EXITS = (Exit.DONE, Exit.FAILED, Exit.NO_VAULT)


@dataclass(frozen=True, slots=True)
class LocalFault:
    """An ordered fault: the requests its rule has *met*, and those it was *done* to; null, as `id`, if configured."""

    id: int | None
    rule: str
    met: int | None = None
    done: int | None = None


@dataclass(frozen=True, slots=True)
class LocalFaultsRemoved:
    """How many faults were taken out."""

    removed: int


@click.group(
    "faults",
    cls=Group,
    invoke_without_command=True,
    epilog=epilog(
        "gk local faults",
        "gk local faults add throttle UploadArchive count=3",
        "gk local faults clear",
        exits=_EXITS,
    ),
)
@options.everywhere
@click.pass_context
def command(ctx: click.Context) -> None:
    """List the faults that the local Glacier is ordered to have, or change them.

    They are for all its vaults and for everyone who uses them, until they are removed. Listed are each rule, how
    many requests it has met, and to how many the fault was done. A rule without an ID is one of `local.faults`
    in the configuration: it comes before the others, and every command counts it anew.
    """
    if ctx.invoked_subcommand is None:
        _list()


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from glacierkeep.local.faults.rules import OPERATIONS, Kind

    return [name for name in (*Kind, *OPERATIONS) if name.startswith(incomplete)]


@command.command(
    "add",
    epilog=epilog(
        "gk local faults add throttle UploadArchive count=3",
        "gk local faults add error-500 probability=0.2 seed=7",
        "gk local faults add reset-after CompleteMultipartUpload count=1 slow GetJobOutput rate=100k",
        exits=_EXITS,
    ),
)
@click.argument("words", nargs=-1, required=True, metavar="RULE...", shell_complete=_complete)
@options.everywhere
@options.with_wiring
def add(wiring: "Wiring", words: tuple[str, ...]) -> None:
    """Order faults: what goes wrong, with which operation, how often.

    A RULE is KIND [OPERATION] [count=N] [probability=P] [seed=N] [after=N] and, for slow, rate=BYTES, for
    truncate, bytes=N, for corrupt and corrupt-upload, offset=N. Without OPERATION it is for every one.

    KIND is throttle, error-500, error-503, timeout, reset-before, reset-after, slow, truncate, corrupt,
    corrupt-upload, expire-jobs, expired-token, no-longer-supported, insufficient-capacity or policy-enforced.
    """
    from glacierkeep.local.faults.rules import split_rules

    rules = split_rules(word for said in words for word in said.split())
    try:
        orders = wiring.local_service().faults.add(rules or [""])
    except ValueError as error:
        raise UsageError(str(error)) from error
    for order in orders:
        wiring.report(LocalFault(order.number, order.line, 0, 0), f"ordered {order.number}: {order.line}")


@command.command("remove", epilog=epilog("gk local faults remove 1 2", exits=_EXITS))
@click.argument("ids", nargs=-1, required=True, type=click.IntRange(1, 2**63 - 1), metavar="ID...")
@options.everywhere
@options.with_wiring
def remove(wiring: "Wiring", ids: tuple[int, ...]) -> None:
    """Take out the faults with these IDs."""
    try:
        wiring.local_service().faults.remove(ids)
    except LookupError as error:
        raise NothingToDo(f"no fault has the id {error}", hint="gk local faults lists them") from error
    _tell_removed(wiring, len(set(ids)))


@command.command("clear", epilog=epilog("gk local faults clear", exits=_EXITS))
@options.everywhere
@options.with_wiring
def clear(wiring: "Wiring") -> None:
    """Take out all faults but those of the configuration."""
    _tell_removed(wiring, wiring.local_service().faults.clear())


@options.with_wiring
def _list(wiring: "Wiring") -> None:
    from glacierkeep.cli.render.tables import Column

    columns: list[Column[LocalFault]] = [
        Column("ID", lambda fault: _cell(fault.id), right=True),
        Column("RULE", lambda fault: fault.rule),
        Column("MET", lambda fault: _cell(fault.met), right=True),
        Column("DONE", lambda fault: _cell(fault.done), right=True),
    ]
    wiring.table(_ordered(wiring), columns, empty="no faults are ordered")


def _ordered(wiring: "Wiring") -> Iterator[LocalFault]:
    """Those of the configuration, which come first, and those in the store."""
    orders = wiring.local_service().faults.listed()
    for rule in wiring.settings.local.faults:
        yield LocalFault(None, rule)
    for order in orders:
        yield LocalFault(order.number, order.line, order.met, order.done)


def _cell(number: int | None) -> str:
    return "-" if number is None else str(number)


def _tell_removed(wiring: "Wiring", removed: int) -> None:
    from glacierkeep.cli.render.words import count

    wiring.report(LocalFaultsRemoved(removed), f"removed {count(removed, 'fault')}")
