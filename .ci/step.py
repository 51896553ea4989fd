"""Run one step: `step.py SECONDS COMMAND...`.

The command begins in a session of its own with default signals and no input. What it leaves running is ended
and told; past its time it is ended itself, with exit code 124.
"""

import ctypes
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType

PR_SET_CHILD_SUBREAPER = 36
TOO_LATE = 124
LINUX = sys.platform == "linux"


def main() -> int:
    """Run the command; its exit code."""
    seconds, command = float(sys.argv[1]), sys.argv[2:]
    # A caught signal is a default one after exec, even where this process was started with it ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, leave)
    if LINUX:
        # Orphans of the step become our children, whatever session they fled to.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    step = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        code = step.wait(seconds)
    except subprocess.TimeoutExpired:
        print(f"ci: ended after {seconds:.0f} s", file=sys.stderr)
        return TOO_LATE
    finally:
        end_the_rest(step)
    return code if code >= 0 else 128 - code


def leave(number: int, frame: FrameType | None) -> None:
    """A signal to us ends the step."""
    sys.exit(128 + number)


def end_the_rest(step: subprocess.Popen[bytes]) -> None:
    """End what is left of the step, the step included."""
    if step.returncode is not None:
        for pid in children():
            print(f"ci: the step left process {pid} running: {command_of(pid)}", file=sys.stderr)
    # The session may be empty; macOS refuses the signal to one that holds only the dead.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(step.pid, signal.SIGKILL)
    while True:
        for pid in children():
            os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def children() -> list[int]:
    """Our living children, adopted ones included; known on Linux only."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat") if LINUX else ():
        try:
            state, parent = stat.read_text("utf-8", "replace").rpartition(")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if int(parent) == os.getpid() and state != "Z":
            found.append(int(stat.parent.name))
    return found


def command_of(pid: int) -> str:
    """What *pid* was started as."""
    try:
        return (
            Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        )
    except OSError:
        return "gone meanwhile"


if __name__ == "__main__":
    sys.exit(main())
