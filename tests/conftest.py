"""What every test has: a home of its own, no credentials, and gk to call."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.runner import Gk, Runner
from support.world import World, a_world

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Run in the background of a script, the tests would start programs that cannot hear Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests counted is shown, beside what they found."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    counted = [
        f"{report.nodeid.rpartition('::')[2]}: {name}: {value}"
        for report in reports
        if report.when == "call"
        for name, value in report.user_properties
    ]
    if counted:
        terminalreporter.section("counted")
        terminalreporter.line("\n".join(sorted(counted)))


@pytest.fixture(autouse=True)
def guarded_home(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """No test sees a developer's home, credentials or settings."""
    for name in list(os.environ):
        if name.startswith(("GK_", "AWS_", "XDG_", "_GK_")) or name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GK_HOME", str(tmp_path / "gk"))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("TERM", "xterm")
    # What fails for good is to fail soon.
    monkeypatch.setenv("GK_TRANSFER_RETRY_FOR", "1s")
    return home


@pytest.fixture
def gk(guarded_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gk:
    """Runs gk in this process; see Gk."""
    return Runner(tmp_path / "gk", monkeypatch)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A catalog, a vault and a clock, with jobs that are done at once; see World."""
    with a_world(tmp_path / "world") as made:
        yield made


@pytest.fixture
def slow_world(tmp_path: Path) -> Iterator[World]:
    """As `world`, with jobs and inventories that take the real service's hours."""
    with a_world(tmp_path / "world", realistic=True) as made:
        yield made


@pytest.fixture
def quick_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder for many small files: in memory, where the system has such a place, since each is synced alone."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)
