"""gk local."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glacierkeep.cli import local_faults, options, params
from glacierkeep.cli.epilog import epilog
from glacierkeep.cli.groups import Group
from glacierkeep.errors import Exit

if TYPE_CHECKING:
    from glacierkeep.cli.wiring import Wiring

_EXITS = (Exit.DONE, Exit.FAILED, Exit.NO_VAULT)


@dataclass(frozen=True, slots=True)
class LocalClock:
    """The local Glacier's clock: *now* is its time, *ahead* how far it is from the real one."""

    folder: Path
    now: datetime
    ahead: timedelta


@click.group("local", cls=Group, epilog=epilog("gk local status", "gk local advance 5h", exits=_EXITS))
def command() -> None:
    """Show and turn the clock of the local Glacier.

    The local Glacier is the embedded service behind `local:` vaults: everything can be tried without an
    account, and nothing leaves this machine.
    """


command.add_command(local_faults.command)


@command.command("status", epilog=epilog("gk local status", exits=_EXITS))
@options.everywhere
@options.with_wiring
def status(wiring: "Wiring") -> None:
    """Show where the local Glacier is and what time it has."""
    wiring.show(_clock(wiring), _described)


@command.command("advance", epilog=epilog("gk local advance 5h", "gk local advance 3d", exits=_EXITS))
@click.argument("duration", type=params.Duration())
@options.everywhere
@options.with_wiring
def advance(wiring: "Wiring", duration: timedelta) -> None:
    """Turn the local Glacier's clock forward by DURATION, for all its vaults.

    Jobs finish, and their output expires, as if that time had passed. It cannot be turned back.
    """
    wiring.local_service().advance(duration)
    wiring.report(_clock(wiring), _described)


def _clock(wiring: "Wiring") -> LocalClock:
    service = wiring.local_service()
    now = service.now()
    ahead = timedelta(seconds=round((now - wiring.now()).total_seconds()))
    return LocalClock(wiring.homes.local, now, ahead)


def _described(clock: LocalClock) -> str:
    from glacierkeep.cli.render.words import duration

    now = clock.now.strftime("%Y-%m-%d %H:%M:%S UTC")
    ahead = f", {duration(clock.ahead)} ahead of the real time" if clock.ahead else ""
    return f"{clock.folder}\nits time is {now}{ahead}"
