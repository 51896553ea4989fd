"""One life on a disk that fails at one system call after another. Prints a JSON line for each: where, what was said.

    spoilt.py LIFE FOLDER CALLS ERROR MOST [FILE]

strace lets CALLS fail with ERROR, at most MOST times, spread evenly over the calls of the busiest thread; once and from
then on in turn. With FILE, a path below the folder, only calls on that file fail.
"""

import contextlib
import ctypes
import functools
import gc
import io
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apart import apart, begin_apart
from power_loss import LIVES, Home, Life, fill

from glacierkeep.cli.main import run

_MAY_TRACE, _ANYONE = 0x59616D61, -1  # linux/prctl.h: PR_SET_PTRACER, PR_SET_PTRACER_ANY
_NEVER = 65_535


@dataclass(frozen=True)
class Spoiling:
    """Which *calls* fail how, and of which *file* only."""

    calls: str
    error: str
    file: Path | None
    trace: Path

    def command(self, victim: int, when: str) -> list[str]:
        only = [] if self.file is None else ["-P", str(self.file)]
        spoil = f"inject={self.calls}:error={self.error}:when={when}"
        return [
            "strace",
            "-f",
            *only,
            "-e",
            f"trace={self.calls}",
            "-e",
            spoil,
            "-o",
            str(self.trace),
            "-p",
            str(victim),
        ]

    def calls_made(self) -> int:
        """Those of the busiest thread: strace counts each thread's own."""
        lines = self.trace.read_text(errors="replace").splitlines()
        return max(Counter(line.split()[0] for line in lines if "(" in line).values(), default=0)

    def struck(self) -> int:
        return self.trace.read_text(errors="replace").count("(INJECTED)")


def main(name: str, folder: Path, spoiling: Spoiling, most: int) -> None:
    """Spoil the life called *name* that often; work in *folder*."""
    life, home = LIVES[name], Home(folder / "life")
    os.environ |= {"GK_HOME": str(home.folder / "gk"), "GK_CATALOG_COPY_TO_VAULT": "false"}
    home.folder.mkdir()
    fill(home.root)
    life.prepare(home)
    shutil.copytree(home.folder, folder / "before", symlinks=True)
    home.gk(*life.words(home))
    life.again(home)
    assert home.wrong == [], home.wrong
    gc.collect()
    gc.freeze()
    assert threading.active_count() == 1, "a fork would copy a lock that another thread holds"
    far = _far(Home(folder / "before"))
    _spoil(life, home, spoiling, str(_NEVER))
    calls = spoiling.calls_made()
    for at in range(min(most, calls)):
        first = 1 + at * calls // min(most, calls)
        said = _spoil(life, home, spoiling, f"{first}+" if at % 2 else str(first))
        changed = _far(home) != far
        struck = spoiling.struck()
        apart(lambda: _live_on(life, home, folder / "wrong"))
        facts = {
            "at": first,
            "of": calls,
            "struck": struck,
            "changed": changed,
            **said,
            "wrong": (folder / "wrong").read_text(),
        }
        sys.stdout.write(json.dumps(facts) + "\n")
        sys.stdout.flush()


def _spoil(life: Life, home: Home, spoiling: Spoiling, when: str) -> dict[str, Any]:
    """Live the *life* from its beginning, on a disk that fails *when*; how it ended."""
    shutil.rmtree(home.folder)
    shutil.copytree(home.folder.parent / "before", home.folder, symlinks=True)
    ours, theirs = socket.socketpair()  # what goes through it is no write to a file

    def live() -> None:
        ctypes.CDLL(None).prctl(_MAY_TRACE, ctypes.c_ulong(_ANYONE), 0, 0, 0)
        theirs.recv(1)
        with (
            contextlib.redirect_stdout(io.StringIO()) as out,
            contextlib.redirect_stderr(io.StringIO()) as err,
        ):
            code = run([*life.words(home), "--json"])
        said = {"exit": code, "out": out.getvalue()[-2000:], "err": err.getvalue()[-2000:]}
        theirs.sendall(json.dumps(said).encode())

    victim = begin_apart(live)
    command = spoiling.command(victim, when)
    with ours, theirs, subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        assert strace.stderr is not None
        line = strace.stderr.readline()
        assert "attached" in line, line
        ours.sendall(b".")
        os.waitpid(victim, 0)
        theirs.close()
        strace.communicate()
        said = b"".join(iter(functools.partial(ours.recv, 65536), b""))
    return dict(json.loads(said))


def _far(home: Home) -> list[tuple[int, ...]]:
    """How many archives, uploads and jobs there are at the service."""
    state = home.folder / "gk" / "local" / "state.db"
    if not state.exists():
        return [(0, 0, 0)]
    with contextlib.closing(sqlite3.connect(state)) as opened:
        tables = [name for (name,) in opened.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        counted = [
            f"(SELECT count(*) FROM {name})" for name in ("archives", "uploads", "jobs") if name in tables
        ]
        return list(opened.execute(f"SELECT {', '.join(counted or ['0', '0', '0'])}"))


def _live_on(life: Life, home: Home, complaints: Path) -> None:
    complaints.write_text("it ended in the middle")
    try:
        life.again(home)
    except Exception as error:  # noqa: BLE001 - whatever it was, the parent is told
        home.wrong.append(repr(error))
    complaints.write_text("\n".join(home.wrong))


if __name__ == "__main__":
    _, life, folder, calls, error, most, *file = sys.argv
    spoiled = Path(folder) / file[0] if file else None
    main(life, Path(folder), Spoiling(calls, error, spoiled, Path(folder) / "trace"), int(most))
