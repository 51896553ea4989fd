"""The documentation as tests need it: pages, fenced blocks, and transcripts that are run for real."""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

_BLOCK = re.compile(r"^```(?P<language>\S*)[^\n]*\n(?P<block>.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?")
_SHELL = re.compile(r"[|&;<>$`*]")


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a transcript, and what the page shows of its output."""

    command: str
    shown: list[str] = field(default_factory=list)


class Docs:
    """The pages of the project, by their path in the repository."""

    root = ROOT

    def read(self, page: str | Path) -> str:
        """The text of *page*."""
        return (ROOT / page).read_text("utf-8")

    def pages(self) -> list[Path]:
        """Every page for people: the README, the changelog, those for contributors, and docs/."""
        some = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / ".github").glob("*.md")]
        return [*some, *sorted((ROOT / "docs").rglob("*.md"))]

    def blocks(self, text: str, language: str) -> list[str]:
        """The fenced blocks of *text* in that *language*."""
        return [found["block"] for found in _BLOCK.finditer(text) if found["language"] == language]

    def steps(self, text: str) -> Iterator[Step]:
        """The commands of all console blocks of *text*, in order, with their output."""
        for block in self.blocks(text, "console"):
            step: Step | None = None
            for line in block.splitlines():
                if line.startswith("$ "):
                    if step:
                        yield step
                    step = Step(line[2:])
                elif step and not step.shown and step.command.endswith("\\"):
                    step = Step(step.command[:-1] + line.strip())
                elif step:
                    step.shown.append(line)
            if step:
                yield step


@pytest.fixture(scope="session")
def docs() -> Docs:
    """The pages."""
    return Docs()


@pytest.fixture
def play(docs: Docs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Follows a page word by word, in an empty folder: each command is run, each output compared."""
    desk, programs = tmp_path / "desk", tmp_path / "programs"
    desk.mkdir()
    programs.mkdir()
    gk = programs / "gk"
    gk.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m glacierkeep "$@"\n')
    gk.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(desk)

    def follow(page: str) -> None:
        code = 0
        for step in docs.steps(docs.read(page)):
            if step.command == "echo $?":
                said = f"{code}\n"
            else:
                code, said = run(step.command)
            compare(page, step, said)

    return follow


def run(command: str) -> tuple[int, str]:
    """Exit code and output of *command*: plain gk in this process, which is quicker, all else in a shell."""
    if not command.startswith("gk ") or _SHELL.search(re.sub(r"'[^']*'", "", command)):
        done = subprocess.run(
            ["bash", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )
        return done.returncode, done.stdout
    from glacierkeep.cli.main import run as run_gk

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = run_gk(shlex.split(command)[1:])
    return code, said.getvalue()


def compare(page: str, step: Step, said: str) -> None:
    """Fail unless *said* is what the page shows: `…` is anything, a time any time, blanks any number of them."""
    lines = [line for line in said.splitlines() if line.strip()]
    wanted = [line for line in step.shown if line.strip()]
    pattern = "\n".join(_pattern(line) for line in wanted)
    if not re.fullmatch(pattern, "\n".join(" ".join(line.split()) for line in lines), re.DOTALL):
        shown = "\n".join(wanted)
        pytest.fail(f"{page}: $ {step.command}\n--- the page\n{shown}\n--- gk\n{said}")


def _pattern(line: str) -> str:
    pieces = (re.escape(piece) for piece in _TIME.sub("⏲", " ".join(line.split())).split("…"))
    whole = ".*" if line.strip() == "…" else "[^\n]*"
    return whole.join(pieces).replace("⏲", _TIME.pattern)
