"""Listeners that show how far things are: bars at a terminal, a line now and then elsewhere."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from glacierkeep.cli.render.lines import to_stderr
from glacierkeep.cli.render.tally import Progress, Tally
from glacierkeep.cli.render.words import count, safe, size
from glacierkeep.clock import Clock
from glacierkeep.domain.names import name_of, printable
from glacierkeep.events import BytesLeaving, BytesReceived, BytesSent, Event, FolderScanned, UploadPlanned

if TYPE_CHECKING:
    from rich.progress import TaskID

_MOVING = (FolderScanned, UploadPlanned, BytesLeaving, BytesSent, BytesReceived)
_NAME_WIDTH = 24


class Bars:
    """Draws one bar on standard error from the first byte on: bytes, rate, time left, files, errors so far.

    Not thread-safe by itself. *write* prints a line above the bar.
    """

    def __init__(self, *, color: bool) -> None:
        self._color = color
        self._tally = Tally()
        self._drawn: Any = None
        self._task: TaskID | None = None

    def __call__(self, event: Event) -> None:
        if not self._tally.take(event):
            return
        if self._drawn is None and isinstance(event, _MOVING):
            self._start()
        if self._drawn is not None:
            self._update(self._tally.progress(), event)

    def write(self, line: str) -> None:
        """Print *line* on standard error, above the bar if there is one."""
        if self._drawn is None:
            to_stderr(line)
            return
        from rich.text import Text

        self._drawn.console.print(Text(line), soft_wrap=True)

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._drawn is not None:
            self._drawn.stop()
            self._drawn = None

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        console = Console(stderr=True, no_color=not self._color, highlight=False)
        self._drawn = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[files]}", markup=False),
            TextColumn("{task.fields[errors]}", markup=False),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._drawn.add_task("", total=None, files="", errors="")
        self._drawn.start()

    def _update(self, progress: Progress, event: Event) -> None:
        self._drawn.update(
            self._task,
            completed=progress.moved,
            total=progress.size,
            description=_description(progress, event),
            files=count(progress.files, "file"),
            errors=count(progress.errors, "error"),
        )


class Reports:
    """Says how far things are every *interval* seconds, when an event comes. Not thread-safe by itself."""

    def __init__(self, interval: float, clock: Clock, say: Callable[[Progress], None]) -> None:
        self._interval = interval
        self._clock = clock
        self._say = say
        self._tally = Tally()
        self._last: datetime = clock.now()

    def __call__(self, event: Event) -> None:
        if self._tally.take(event) and (self._clock.now() - self._last).total_seconds() >= self._interval:
            self._last = self._clock.now()
            self._say(self._tally.progress())


def report_line(progress: Progress) -> str:
    """*progress* as one line of text."""
    of = f" of {size(progress.size)}" if progress.size is not None else ""
    counts = f"{count(progress.files, 'file')}, {count(progress.errors, 'error')}"
    return f"gk: {size(progress.moved)}{of}, {counts}"


def _description(progress: Progress, event: Event) -> str:
    if isinstance(event, FolderScanned):
        return f"{count(event.files, 'file')} seen, {event.changed:,} changed"
    name = safe(printable(name_of(progress.name)))
    return name if len(name) <= _NAME_WIDTH else name[: _NAME_WIDTH - 1] + "…"
