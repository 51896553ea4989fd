"""A listener that says on standard error, line by line, what a person should know."""

import contextlib
from collections.abc import Callable
from datetime import timedelta

import click

from glacierkeep.cli.render.words import count, duration, moment, safe, size
from glacierkeep.domain.names import printable
from glacierkeep.events import (
    ArchiveDeleted,
    ArchiveStored,
    Event,
    FileKept,
    FilePlaced,
    FindingMade,
    JobMoved,
    JobRequested,
    Noted,
    RequestAnswered,
    Retrying,
    Skipped,
    Trouble,
    UploadResumed,
)


def to_stderr(line: str) -> None:
    """Print *line* on standard error at once. That nobody reads it is no reason to leave undone what was asked for."""
    with contextlib.suppress(BrokenPipeError):
        click.echo(line, err=True)


_STORED = {"sealed": "sealed archive", "catalog": "copy of the records"}
"""What kinds of archives are called in a sentence, where the kind's own word is not enough."""


def _is_worth_a_line(failed: int) -> bool:
    """Now and then, ever more rarely: after some 3 seconds, 2 minutes, 10, 26, an hour."""
    return failed == 3 or (failed >= 8 and failed & (failed - 1) == 0)


def _retrying(event: Retrying) -> str:
    left = duration(timedelta(seconds=event.left))
    return f"gk: {safe(event.vault)}: {safe(event.reason)}; trying again for up to {left}"


class Lines:
    """Says what is wrong; what is worth knowing, unless *quiet*; what happens, if *verbose*; each file, at 2.

    *watched*: also what no archive can hold, which under cron would be the same every night, and now and then that the
    service does not answer, which may be over soon.
    """

    def __init__(
        self, *, quiet: bool, verbose: int, write: Callable[[str], None] = to_stderr, watched: bool = False
    ) -> None:
        self._quiet = quiet
        self._watched = watched
        self._verbose = verbose
        self._write = write

    def __call__(self, event: Event) -> None:
        for line in self._wrong(event) or self._worth_knowing(event) or self._happening(event):
            self._write(line)

    def _wrong(self, event: Event) -> list[str]:
        match event:
            case Trouble():
                about = f"{printable(event.path)}: " if event.path else ""
                hint = [f"hint: {safe(event.hint)}"] if event.hint else []
                return [f"gk: {about}{safe(event.sentence)}", *hint]
            case FindingMade():
                return [f"gk: {event.kind}: {safe(event.name)}: {safe(event.sentence)}"]
        return []

    def _worth_knowing(self, event: Event) -> list[str]:
        if self._quiet:
            return []
        match event:
            case Noted():
                return [f"gk: {safe(event.sentence)}"]
            case Retrying() if self._watched and _is_worth_a_line(event.failed):
                return [_retrying(event)]
            case Skipped() if self._watched or self._verbose > 0:
                return [f"gk: left out: {printable(event.path)}: {safe(event.sentence)}"]
            case FileKept(same=False):
                return [f"gk: left alone, its content differs: {printable(event.path)}"]
        return []

    def _happening(self, event: Event) -> list[str]:
        if self._verbose < 1:
            return []
        match event:
            case ArchiveStored():
                what = _STORED.get(event.kind, event.kind)
                files = f", {count(event.files, 'file')}" if event.files else ""
                stored = f"{what} of {size(event.size)}{files} in {event.vault}"
                return [f"stored {stored}: {safe(event.archive_id)}"]
            case UploadResumed():
                there = f"{size(event.sent)} of {size(event.size)}"
                return [f"going on with {printable(event.name)}: {there} are there"]
            case JobRequested():
                amount = f" of {size(event.size)}" if event.size else ""
                return [f"requested {event.action}{amount} from {event.vault} ({event.tier})"]
            case JobMoved():
                when = f" at {moment(event.completed_at)}" if event.completed_at else ""
                return [f"job of {event.vault} ({event.action}) is {event.state}{when}"]
            case ArchiveDeleted():
                return [f"deleted archive of {size(event.size)} from {event.vault}: {safe(event.archive_id)}"]
        return self._asked(event) or self._each_file(event)

    def _asked(self, event: Event) -> list[str]:
        match event:
            case Retrying():
                return [_retrying(event)]
            case RequestAnswered():
                meant = " ".join(word for word in (event.operation, event.error) if word)
                asked = f"{event.method or '?'} {safe(event.path) or '?'}"
                return [f"{asked} {event.status or 'reset'} {meant or '-'} {event.seconds:.3f} s"]
        return []

    def _each_file(self, event: Event) -> list[str]:
        if self._verbose < 2:
            return []
        match event:
            case FilePlaced():
                return [f"placed {printable(event.path)} ({size(event.size)})"]
            case FileKept():
                return [f"left alone, its content is the same: {printable(event.path)}"]
        return []
