"""gk as a process of its own, for what cannot be seen from inside: limits, signals, memory, a second gk."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LAUNCH = str(Path(__file__).with_name("launch.py"))
_LONGEST_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Ended:
    """How a gk ended. *peak* is its greatest resident memory in bytes, if that was asked for."""

    exit_code: int
    stdout: str
    stderr: str
    peak: int = 0

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Standard output read as JSON Lines."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    def the(self, kind: str) -> dict[str, Any]:
        """The one JSON line whose type is *kind*."""
        [found] = [said for said in self.objects if said["type"] == kind]
        return found


def start(
    *args: str | bytes | Path,
    launch: tuple[str, ...] = (),
    home: Path | None = None,
    pipes: tuple[int, ...] = (),
    module: str = "glacierkeep",
) -> subprocess.Popen[bytes]:
    """A gk under way; *launch* are options of launch.py, *home* stands for GK_HOME, *module* for what runs instead."""
    environment = dict(os.environ) | ({"GK_HOME": str(home)} if home else {})
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    return subprocess.Popen(
        [sys.executable, _LAUNCH, *launch, "--", module, *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        pass_fds=pipes,
    )


@contextmanager
def held(name: str, *args: str | bytes | Path) -> Iterator[subprocess.Popen[bytes]]:
    """gk with *args*, standing still before it opens a file called *name*, until the end of the block."""
    arrived, to_arrive = os.pipe()
    to_go, go = os.pipe()
    hold = ("--hold", name, str(to_arrive), str(to_go))
    process = start(*args, launch=hold, pipes=(to_arrive, to_go))
    os.close(to_arrive)
    os.close(to_go)
    try:
        assert os.read(arrived, 1), finish(process)
        yield process
    finally:
        os.close(go)
        os.close(arrived)


def finish(process: subprocess.Popen[bytes]) -> Ended:
    """How *process* ended; it is killed if it does not in time."""
    try:
        out, err = process.communicate(timeout=_LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return Ended(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


def run(*args: str | bytes | Path, launch: tuple[str, ...] = (), home: Path | None = None) -> Ended:
    """gk with *args*, to its end."""
    return finish(start(*args, launch=launch, home=home))


def measure(*args: str | bytes | Path, notes: Path, home: Path | None = None) -> Ended:
    """gk with *args*, to its end, and its peak memory; *notes* is a folder for passing that on."""
    file = notes / "peak"
    file.unlink(missing_ok=True)
    ended = run(*args, launch=("--peak", str(file)), home=home)
    return Ended(ended.exit_code, ended.stdout, ended.stderr, int(file.read_text()))
