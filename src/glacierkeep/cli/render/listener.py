"""The listener of a command, put together from what was asked for."""

import threading
from collections.abc import Callable

import click

from glacierkeep.cli.render.lines import Lines, to_stderr
from glacierkeep.cli.render.machine import line_of
from glacierkeep.cli.render.progress import Bars, Reports, report_line
from glacierkeep.clock import Clock
from glacierkeep.events import BytesLeaving, BytesReceived, BytesSent, Event, FolderScanned, Listener

_FREQUENT = (BytesLeaving, BytesSent, BytesReceived, FolderScanned)


class Telling:
    """Passes each event to *listeners* in turn, one event at a time, from whatever thread it comes."""

    def __init__(self, *listeners: Listener, close: Callable[[], None] = lambda: None) -> None:
        self._listeners = listeners
        self._lock = threading.Lock()
        self._close = close

    def __call__(self, event: Event) -> None:
        with self._lock:
            for listener in self._listeners:
                listener(event)

    def close(self) -> None:
        """Take bars away."""
        with self._lock:
            self._close()


class MachineLines:
    """Writes events as JSON Lines on standard output; those that come by the thousand are left out."""

    def __init__(self) -> None:
        self._read = True

    def __call__(self, event: Event) -> None:
        if not isinstance(event, _FREQUENT):
            self.say(event)

    def say(self, record: object) -> None:
        """One line about *record*. That nobody reads any more is no reason to break off what is under way."""
        if not self._read:
            return
        try:
            click.echo(line_of(record))
        except BrokenPipeError:
            self._read = False


def for_machines(interval: float | None, clock: Clock) -> Telling:
    """Events as JSON Lines; with *interval*, a `progress` line every so many seconds."""
    lines = MachineLines()
    return Telling(lines, *([Reports(interval, clock, lines.say)] if interval is not None else []))


def for_terminal(*, quiet: bool, verbose: int, color: bool) -> Telling:
    """Bars, and lines above them."""
    if quiet:
        return Telling(Lines(quiet=True, verbose=verbose))
    bars = Bars(color=color)
    return Telling(
        Lines(quiet=False, verbose=verbose, write=bars.write, watched=True), bars, close=bars.close
    )


def for_log(*, quiet: bool, verbose: int, interval: float | None, clock: Clock) -> Telling:
    """Lines; with *interval*, one about progress every so many seconds."""
    lines = Lines(quiet=quiet, verbose=verbose)
    if interval is None:
        return Telling(lines)
    return Telling(lines, Reports(interval, clock, lambda progress: to_stderr(report_line(progress))))
