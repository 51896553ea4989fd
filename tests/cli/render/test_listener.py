import json
import os
import threading
from contextlib import suppress

import pytest

from glacierkeep.cli.render.lines import Lines
from glacierkeep.cli.render.listener import for_log, for_machines, for_terminal
from glacierkeep.events import (
    ArchiveStored,
    BytesReceived,
    BytesSent,
    Event,
    FileKept,
    FilePlaced,
    FindingMade,
    FolderScanned,
    JobRequested,
    Noted,
    Trouble,
    UploadPlanned,
)
from support.clock import TurnedClock

TROUBLE = Trouble(b"a\nb\xff", "unreadable", "cannot be read", "look at its mode")
STORED = ArchiveStored("local:a", "ID", "bundle", 2048, 3, "d")


def _lines(event: Event, *, quiet: bool = False, verbose: int = 0) -> list[str]:
    said: list[str] = []
    Lines(quiet=quiet, verbose=verbose, write=said.append)(event)
    return said


def test_what_is_wrong_is_always_said() -> None:
    """Trouble is a line with the printable name, and its hint; -q does not silence it."""
    said = ["gk: a\\nb\\xff: cannot be read", "hint: look at its mode"]
    assert _lines(TROUBLE, quiet=True) == said
    assert _lines(FindingMade("missing", "a", "not listed"), quiet=True) == ["gk: missing: a: not listed"]


def test_what_happens_is_said_when_asked() -> None:
    """Silence by default; archives at -v, files at -vv."""
    assert _lines(STORED) == []
    assert _lines(STORED, verbose=1) == ["stored bundle of 2.0 KiB, 3 files in local:a: ID"]
    assert _lines(FilePlaced(b"a", 5), verbose=1) == []
    assert _lines(FilePlaced(b"a", 5), verbose=2) == ["placed a (5 B)"]
    assert _lines(Noted("x", "a note")) == ["gk: a note"]
    assert _lines(Noted("x", "a note"), quiet=True) == []
    assert _lines(FileKept(b"a", same=False)) == ["gk: left alone, its content differs: a"]
    assert _lines(FileKept(b"a", same=True)) == []


def test_json_leaves_out_what_comes_by_the_thousand(capsys: pytest.CaptureFixture[str]) -> None:
    """Events are lines on standard output, byte counts only with an interval."""
    clock = TurnedClock()
    tell = for_machines(None, clock)
    for event in (UploadPlanned(3, 10), BytesSent(b"a", 5, 10, 5), STORED, TROUBLE):
        tell(event)
    out = capsys.readouterr()
    assert [json.loads(line)["type"] for line in out.out.splitlines()] == [
        "upload-planned",
        "archive-stored",
        "trouble",
    ]
    assert out.err == ""


def test_progress_at_intervals(capsys: pytest.CaptureFixture[str]) -> None:
    """With --progress-interval there is one report per interval, in lines or as objects."""
    for machine in (False, True):
        clock = TurnedClock()
        tell = (
            for_machines(60, clock) if machine else for_log(quiet=False, verbose=0, interval=60, clock=clock)
        )
        tell(UploadPlanned(3, 4096))
        for at in range(1, 5):
            clock.sleep(30)
            tell(BytesSent(b"a", 0, 0, at * 1024))
    out = capsys.readouterr()
    assert out.err.splitlines() == [
        "gk: 2.0 KiB of 4.0 KiB, 0 files, 0 errors",
        "gk: 4.0 KiB of 4.0 KiB, 0 files, 0 errors",
    ]
    progress = [json.loads(line) for line in out.out.splitlines()][1:]
    assert [(one["type"], one["moved"], one["size"]) for one in progress] == [
        ("progress", 2048, 4096),
        ("progress", 4096, 4096),
    ]


def test_without_an_interval_a_log_stays_silent(capsys: pytest.CaptureFixture[str]) -> None:
    """Under cron nothing is said while all is well."""
    tell = for_log(quiet=False, verbose=0, interval=None, clock=TurnedClock())
    for event in (UploadPlanned(1, 1), BytesSent(b"a", 1, 1, 1), STORED, FolderScanned(1, 1)):
        tell(event)
    out = capsys.readouterr()
    assert (out.out, out.err) == ("", "")


def test_many_threads_tell_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Lines told from several threads are whole."""
    tell = for_machines(None, TurnedClock())
    threads = [threading.Thread(target=lambda: [tell(TROUBLE) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 200
    assert {json.loads(line)["type"] for line in lines} == {"trouble"}


def test_a_reader_that_goes_away_does_not_break_off_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """When nobody reads the JSON lines any more, telling goes on quietly."""
    read, write = os.pipe()
    os.close(read)
    nobody = open(write, "w", buffering=1)  # noqa: SIM115 - closing it fails, too
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", nobody)
        tell = for_machines(None, TurnedClock())
        tell(STORED)
        tell(STORED)
    with suppress(BrokenPipeError):
        nobody.close()


def test_a_bar_at_a_terminal(gk_terminal) -> None:
    """At a terminal a bar shows bytes, files and errors, and lines of trouble stand above it."""

    def body() -> None:
        tell = for_terminal(quiet=False, verbose=0, color=False)
        tell(FolderScanned(10, 2))
        tell(UploadPlanned(2, 4 * 1024**2))
        tell(BytesSent(b"photos/\x1b[2Ja.jpg", 0, 0, 2 * 1024**2))
        tell(ArchiveStored("local:a", "ID", "bundle", 5, 2, ""))
        tell(TROUBLE)
        tell.close()

    shown = gk_terminal(body)
    assert "2.0/4.0 MiB" in shown
    assert "2 files" in shown
    assert "1 error" in shown
    assert "gk: a\\nb\\xff: cannot be read" in shown
    assert "\x1b[2J" not in shown


def test_a_bar_of_a_retrieval(gk_terminal) -> None:
    """What is received is set against what the jobs bring."""

    def body() -> None:
        tell = for_terminal(quiet=False, verbose=0, color=False)
        tell(JobRequested("local:a", "j", "archive", 2048, "Bulk"))
        tell(BytesReceived("j", 1024, 2048, 1024))
        tell(FilePlaced(b"a", 1024))
        tell.close()

    shown = gk_terminal(body)
    assert "1.0/2.0 KiB" in shown
    assert "1 file" in shown


def test_no_bar_when_quiet(gk_terminal) -> None:
    """-q draws nothing even at a terminal."""

    def body() -> None:
        tell = for_terminal(quiet=True, verbose=0, color=False)
        tell(UploadPlanned(2, 10))
        tell.close()

    assert gk_terminal(body) == ""
