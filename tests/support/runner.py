"""gk as a person or a cron job meets it: the real command, in this process."""

import io
import json
import os
import pty
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest


@dataclass(frozen=True, slots=True)
class Result:
    """What a command left behind. At a terminal everything is in *stdout*."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Standard output read as JSON Lines."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    def the(self, kind: str) -> dict[str, Any]:
        """The one JSON line whose type is *kind*."""
        [found] = [said for said in self.objects if said["type"] == kind]
        return found


class Gk(Protocol):
    """How tests call gk."""

    home: Path

    def __call__(
        self,
        *args: str | bytes | Path,
        input: str | bytes | None = None,
        tty: bool = False,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Result: ...


class Runner:
    """Calls gk in this process; see Gk."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self._monkeypatch = monkeypatch

    def __call__(
        self,
        *args: str | bytes | Path,
        input: str | bytes | None = None,
        tty: bool = False,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Result:
        from glacierkeep.cli.main import run

        words = [os.fsdecode(arg) for arg in args]
        typed = input.encode() if isinstance(input, str) else input or b""
        with self._monkeypatch.context() as patch:
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            if cwd is not None:
                patch.chdir(cwd)
            return (at_terminal if tty else _away)(lambda: run(words), typed)


def _away(command: Callable[[], int], typed: bytes) -> Result:
    """Without a terminal: three streams that are none, as under cron."""
    streams = (_text(io.BytesIO(typed)), _text(io.BytesIO()), _text(io.BytesIO()))
    with _streams(*streams):
        code = command()
    out, err = (_written(stream) for stream in streams[1:])
    return Result(code, out, err)


def at_terminal(command: Callable[[], int], typed: bytes) -> Result:
    """All three streams are one pseudo terminal; *typed* is typed ahead."""
    master, slave = pty.openpty()
    shown: list[bytes] = []
    reader = threading.Thread(target=_read_all, args=(master, shown))
    reader.start()
    try:
        os.write(master, typed)
        with (
            open(os.dup(slave), encoding="utf-8") as stdin,
            open(os.dup(slave), "w", encoding="utf-8") as stdout,
            open(os.dup(slave), "w", encoding="utf-8") as stderr,
            _streams(stdin, stdout, stderr),
        ):
            code = command()
    finally:
        os.close(slave)
        reader.join()
        os.close(master)
    return Result(code, b"".join(shown).decode(errors="replace").replace("\r\n", "\n"), "")


def _read_all(master: int, shown: list[bytes]) -> None:
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # Linux's way to say that the last one has hung up
            return
        if not piece:
            return
        shown.append(piece)


@contextmanager
def _streams(stdin: Any, stdout: Any, stderr: Any) -> Iterator[None]:
    before = sys.stdin, sys.stdout, sys.stderr
    sys.stdin, sys.stdout, sys.stderr = stdin, stdout, stderr
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = before


def _text(raw: io.BytesIO) -> io.TextIOWrapper:
    return io.TextIOWrapper(raw, encoding="utf-8", newline="")


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    raw = stream.buffer
    assert isinstance(raw, io.BytesIO)
    return raw.getvalue().decode("utf-8", "replace")
