import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from glacierkeep.cli.signals import Stop, Terminated, watched
from glacierkeep.errors import Exit

# A command whose operation asks whether to stop, as long operations do.
LONG = """
import sys, threading
import click
from glacierkeep.cli import main, options

@click.command("long")
@options.everywhere
@options.with_wiring
def command(wiring):
    stop = wiring.stop
    print("ready", flush=True)
    wait = threading.Event()
    while not stop():
        wait.wait(0.01)
    print("ended cleanly", flush=True)
    try:
        if STUBBORN:
            wait.wait(30)
    finally:
        wait.wait(HELD_UP)

main.root.add_command(command, "long")
main.Root.get_command = lambda self, ctx, name: command
sys.argv = ["gk", "long"]
main.main()
"""


def _start(stubborn: bool, held_up: float = 0) -> subprocess.Popen[str]:
    command = LONG.replace("STUBBORN", str(stubborn)).replace("HELD_UP", str(held_up))
    child = subprocess.Popen(
        [sys.executable, "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, Exit.INTERRUPTED), (signal.SIGTERM, Exit.TERMINATED)]
)
def test_the_first_signal_ends_cleanly(number: signal.Signals, code: Exit) -> None:
    """The operation comes to its end, the person is told how to stop at once, and the exit code says why."""
    child = _start(stubborn=False)
    child.send_signal(number)
    out, err = child.communicate(timeout=20)
    assert out == "ended cleanly\n"
    assert "press Ctrl-C again to stop at once" in err
    assert child.returncode == code


def test_the_second_signal_stops_at_once() -> None:
    """A second Ctrl-C does not wait for what is under way."""
    child = _start(stubborn=True)
    child.send_signal(signal.SIGINT)
    assert child.stdout is not None
    assert child.stdout.readline() == "ended cleanly\n"
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=20)
    assert child.returncode == Exit.INTERRUPTED
    assert err.endswith("gk: interrupted\n")


def test_nothing_holds_up_the_second_signal() -> None:
    """When something that is broken off does not end, such as a connection on which nothing moves, gk ends without."""
    child = _start(stubborn=True, held_up=300)
    child.send_signal(signal.SIGINT)
    assert child.stdout is not None
    assert child.stdout.readline() == "ended cleanly\n"
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=60)
    assert child.returncode == Exit.INTERRUPTED


def test_without_anyone_asking_the_first_signal_stops() -> None:
    """A command that never asks whether to stop is stopped by the first signal."""
    with pytest.raises(Terminated):
        Stop().receive(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        Stop().receive(signal.SIGINT)


def test_handlers_are_put_back() -> None:
    """What ran before gk in this process hears its signals again afterwards."""
    before = signal.getsignal(signal.SIGINT)
    with watched():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


def test_in_another_thread_signals_are_left_alone() -> None:
    """Only the main thread may handle signals; elsewhere gk runs without."""
    seen: list[bool] = []

    def body() -> None:
        with watched() as stop:
            seen.append(stop())

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert seen == [False]


def test_an_ignored_signal_stays_ignored() -> None:
    """Under nohup or as a background job, what the shell ignores gk ignores."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with watched() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            assert not stop()
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "2>&1 | true"])
def test_streams_that_lead_nowhere_do_not_stop_the_deed(tmp_path: Path, closed: str) -> None:
    """With a stream closed, or nobody reading, an upload is done all the same and says so by its exit code."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"a picture")
    gk = f"{sys.executable} -m glacierkeep"
    line = f"set -o pipefail; {gk} upload -v -V local:v {tmp_path}/photos {closed}"

    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    listed = subprocess.run(["bash", "-c", f"{gk} ls -r photos"], capture_output=True, text=True, check=True)

    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "photos/a.jpg" in listed.stdout
