"""gk local."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glacierkeep.cli import local_faults, local_serve, options, params
from glacierkeep.cli.epilog import epilog
from glacierkeep.cli.groups import Group
from glacierkeep.errors import Exit, NothingToDo

if TYPE_CHECKING:
    from glacierkeep.cli.wiring import Wiring
    from glacierkeep.local import LocalGlacier

_EXITS = (Exit.DONE, Exit.FAILED, Exit.NO_VAULT)
_RESET = (
    "remove them all? The catalog goes on counting files as archived there, and does not send them there again: "
    "the next upload needs a vault of another name"
)


@dataclass(frozen=True, slots=True)
class LocalClock:
    """The local Glacier's clock: *now* is its time, *ahead* how far it is from the real one."""

    folder: Path
    now: datetime
    ahead: timedelta


@dataclass(frozen=True, slots=True)
class LocalStatus:
    """What is in the local Glacier, all regions together, and the time it has.

    *size* is that of its archives, *parts_size* of what its open *uploads* have received; *jobs* are not finished,
    *messages* wait to be published at *sns_endpoint_url*, *faults* are ordered; *served*: a server is at work on it.
    """

    folder: Path
    now: datetime
    ahead: timedelta
    vaults: int
    archives: int
    size: int
    uploads: int
    parts_size: int
    jobs: int
    messages: int
    faults: int
    sns_endpoint_url: str | None
    served: bool


@dataclass(frozen=True, slots=True)
class LocalReset:
    """The local Glacier was emptied: of so many *vaults* and *archives*, which had *size* bytes."""

    folder: Path
    vaults: int
    archives: int
    size: int


@click.group(
    "local",
    cls=Group,
    epilog=epilog("gk local serve", "gk local status", "gk local advance 5h", exits=_EXITS),
)
def command() -> None:
    """Serve, show, turn the clock of and empty the local Glacier.

    The local Glacier is the embedded service behind `local:` vaults: everything can be tried without an
    account, and nothing leaves this machine.
    """


command.add_command(local_serve.command)
command.add_command(local_faults.command)


@command.command("status", epilog=epilog("gk local status", exits=_EXITS))
@options.everywhere
@options.with_wiring
def status(wiring: "Wiring") -> None:
    """Show where the local Glacier is, what time it has, and what is in it."""
    service = wiring.local_service()
    status = LocalStatus(
        **asdict(_clock(wiring, service)),
        **asdict(service.summary()),
        sns_endpoint_url=wiring.settings.local.sns_endpoint_url,
        served=service.served(),
    )
    wiring.show(status, _described_in_full)


@command.command("advance", epilog=epilog("gk local advance 5h", "gk local advance 3d", exits=_EXITS))
@click.argument("duration", type=params.Duration())
@options.everywhere
@options.with_wiring
def advance(wiring: "Wiring", duration: timedelta) -> None:
    """Turn the local Glacier's clock forward by DURATION, for all its vaults.

    Jobs finish, and their output expires, as if that time had passed. It cannot be turned back.
    """
    service = wiring.local_service()
    service.advance(duration)
    wiring.report(_clock(wiring, service), _described)


@command.command("reset", epilog=epilog("gk local reset", "gk local reset --yes", exits=_EXITS))
@options.yes
@options.everywhere
@options.with_wiring
def reset(wiring: "Wiring") -> None:
    """Empty the local Glacier: all its vaults, with everything in them.

    Its clock is the real one again, and no fault is ordered. The file with access keys stays, and so does the
    catalog, which goes on counting files as archived in those vaults and does not send them there again: give the
    next upload a vault of another name. Refused while `gk local serve` is at work.
    """
    from glacierkeep.cli.render.words import count, size
    from glacierkeep.local.store.occupancy import Occupied

    service = wiring.local_service()
    there = service.summary()
    held = f"{count(there.vaults, 'vault')} with {count(there.archives, 'archive')} ({size(there.size)})"
    if not service.served():
        wiring.ask(f"{held} in {service.folder}: {_RESET}")
    try:
        service.reset()
    except Occupied as error:
        raise NothingToDo(str(error), hint="stop gk local serve first") from error
    wiring.report(LocalReset(service.folder, there.vaults, there.archives, there.size), f"removed {held}")


def _clock(wiring: "Wiring", service: "LocalGlacier") -> LocalClock:
    now = service.now()
    ahead = timedelta(seconds=round((now - wiring.now()).total_seconds()))
    return LocalClock(service.folder, now, ahead)


def _described(clock: LocalClock | LocalStatus) -> str:
    from glacierkeep.cli.render.words import duration

    now = clock.now.strftime("%Y-%m-%d %H:%M:%S UTC")
    ahead = f", {duration(clock.ahead)} ahead of the real time" if clock.ahead else ""
    return f"{clock.folder}\nits time is {now}{ahead}"


def _described_in_full(status: LocalStatus) -> str:
    from glacierkeep.cli.render.words import count, size

    lines = [
        _described(status),
        f"{count(status.vaults, 'vault')}, {count(status.archives, 'archive')}, {size(status.size)}",
    ]
    if status.uploads:
        lines.append(f"{count(status.uploads, 'upload')} not completed, {size(status.parts_size)}")
    if status.jobs:
        lines.append(f"{count(status.jobs, 'job')} not finished")
    if status.messages or status.sns_endpoint_url:
        where = status.sns_endpoint_url or "an endpoint, and none is configured"
        lines.append(f"{count(status.messages, 'message')} waiting for {where}")
    if status.faults:
        lines.append(f"{count(status.faults, 'fault')} ordered")
    if status.served:
        lines.append("gk local serve is at work on it")
    return "\n".join(lines)
