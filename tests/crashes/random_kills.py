"""Real gk commands, ended by a signal at random moments until so many were. Prints a JSON line for each home.

    random_kills.py FOLDER SEED KILLS

A moment is either a number of bytes that went to and from a local Glacier over HTTP, or a number of things that
Python's audit hooks saw in the command's own process: nothing here waits for time to pass.
"""

import contextlib
import gc
import io
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apart import apart, begin_apart
from judging import judge
from lethal import Gun, lethal

from glacierkeep.cli.main import run
from glacierkeep.errors import Exit
from support.compare import differences

MIB = 1 << 20
_KIB = 1024
_STEPS = {"upload": 1200, "retrieve": 5000, "poll": 3000}
_WEIGHT = 4 * MIB
"""Moments are drawn below these: about half of what an undisturbed command comes to."""
_SIGNALS = (signal.SIGKILL,) * 5 + (signal.SIGTERM, signal.SIGINT)
_CONFIG = """
default_vault = "photos"
[catalog]
copy_to_vault = false
[vault.photos]
url = "glacier://us-east-1/{vault}"
part_size = 1048576
bundle_size = 2097152
bundle_threshold = 1048576
volume_size = 16777216
compression = "off"
"""


@dataclass
class Home:
    """A home with its own vault, what is archived from it, and what was wrong."""

    folder: Path
    gun: Gun
    dice: random.Random
    kills: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    doubts: int = 0

    @property
    def vault(self) -> str:
        return self.folder.name

    def gk(self, *words: str, stdin: Path = Path(os.devnull)) -> list[dict[str, Any]]:
        """A gk that nobody disturbs; its lines. It must end with 0, or, as the last line says, with findings."""
        status = apart(lambda: self._live(words, stdin))
        lines = [json.loads(line) for line in (self.folder / "out").read_text().splitlines()]
        if os.waitstatus_to_exitcode(status) not in (Exit.DONE, Exit.FINDINGS):
            self.wrong.append(f"{words[0]} ended with {status}: {self._said()}")
        return lines

    def kill(self, *words: str, stdin: Path = Path(os.devnull), weight: int = _WEIGHT) -> None:
        """A gk that is ended at a random moment, or ends before."""
        number, begun = self.dice.choice(_SIGNALS), os.pipe()
        by_bytes = self.dice.random() < 0.7
        steps = 0 if by_bytes else self.dice.randrange(1, _STEPS[words[0]])

        def live() -> int:
            os.read(begun[0], 1)
            return self._live(words, stdin, steps=steps, number=number)

        victim = begin_apart(live)
        if by_bytes:
            self.gun.aim(victim, number, self.dice.randrange(weight))
        os.write(begun[1], b".")
        os.waitid(os.P_PID, victim, os.WEXITED | os.WNOWAIT)
        self.gun.rest()
        code = os.waitstatus_to_exitcode(os.waitpid(victim, 0)[1])
        for end in begun:
            os.close(end)
        if code in (-number, Exit.INTERRUPTED, Exit.TERMINATED):
            self.kills["standard input" if words[1:2] == ("-",) else words[0]] += 1
        if code not in (-number, Exit.DONE, Exit.INTERRUPTED, Exit.TERMINATED):
            self.wrong.append(f"{words}, ended by {number}: {code}: {self._said()}")

    def _said(self) -> str:
        return "".join((self.folder / name).read_text()[-1000:] for name in ("out", "err"))

    def _live(self, words: tuple[str, ...], stdin: Path, steps: int = 0, number: int = 0) -> int:
        os.environ["GK_HOME"] = str(self.folder / "gk")
        for at, name in enumerate((stdin, self.folder / "out", self.folder / "err")):
            opened = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC if at else os.O_RDONLY, 0o600)
            os.dup2(opened, at)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
        if steps:
            _end_after(steps, number)
        return run([*words, "--json"])


def _end_after(steps: int, number: int) -> None:
    left, lock = [steps], threading.Lock()

    def hear(event: str, facts: tuple[Any, ...]) -> None:
        with lock:
            left[0] -= 1
            over = left[0] == 0
        if over:
            os.kill(os.getpid(), number)

    sys.addaudithook(hear)


# Lives


def _folder(home: Home) -> None:
    """A folder of files and bundles, uploaded and had back, killed at both."""
    root, back = home.folder / "photos", home.folder / "back"
    _fill(root, home.dice)
    for _ in range(home.dice.randint(4, 7)):
        home.kill("upload", str(root))
    home.gk("upload", str(root))
    judge(home)
    _judge_parts(home)
    wish = ("retrieve", "photos", "--to", str(back))
    for _ in range(home.dice.randint(2, 4)):
        home.kill(*wish)
        home.kill("poll")
    home.gk("poll")
    home.gk(*wish)
    home.wrong += differences(root, back / "photos")
    judge(home)


def _stream(home: Home) -> None:
    """Standard input that fits a volume, or does not."""
    content = home.folder / "content"
    size = home.dice.choice([700 * _KIB, 3 * MIB, 17 * MIB])
    content.write_bytes(home.dice.randbytes(size))
    words = ("upload", "-", "--as", "dump.tar")
    for _ in range(home.dice.randint(4, 6)):
        home.kill(*words, stdin=content, weight=size)
        _all_or_nothing(home, content)
    home.gk(*words, stdin=content)
    if not _all_or_nothing(home, content):
        home.wrong.append("the stream is not there")
    judge(home)


def _all_or_nothing(home: Home, content: Path) -> bool:
    """Whether the stream is there; if it is, then whole."""
    listed = [line for line in home.gk("find", "dump.tar") if line.get("path") == "stdin/dump.tar"]
    back = home.folder / "back"
    if listed:
        home.gk("retrieve", "stdin/dump.tar", "--to", str(back))
        if (back / "stdin" / "dump.tar").read_bytes() != content.read_bytes():
            home.wrong.append("the stream came back as another")
        shutil.rmtree(back)
    return bool(listed)


def _fill(root: Path, dice: random.Random) -> None:
    (root / "sub" / "empty").mkdir(parents=True)
    for number in range(dice.randint(1, 3)):
        (root / f"big-{number}").write_bytes(dice.randbytes(dice.randint(MIB, 3 * MIB)))
    for number in range(dice.randint(2, 8)):
        (root / "sub" / f"small-{number}").write_bytes(dice.randbytes(dice.randint(0, 900 * _KIB)))
    (root / "link").symlink_to("sub")
    os.link(root / "big-0", root / "twin")


# What must hold


def _judge_parts(home: Home) -> None:
    """What the service took in as parts is what lies there: none was sent twice."""
    with contextlib.closing(sqlite3.connect(home.folder / "gk" / "catalog.db")) as catalog:
        [(size,)] = catalog.execute("SELECT coalesce(sum(size), 0) FROM archives WHERE size > ?", (MIB,))
    if home.gun.granted(home.vault) != size:
        home.wrong.append(f"{home.gun.granted(home.vault)} bytes were sent in parts, {size} are there")


def _environment(url: str, folder: Path) -> None:
    os.environ |= {
        "AWS_ENDPOINT_URL_GLACIER": url,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_CONFIG_FILE": str(folder / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "GK_YES": "1",
    }


def _rehearse(home: Home) -> None:
    """Everything once in this process, so that it is imported and built before the forks."""
    _fill(home.folder / "photos", random.Random(0))
    os.environ["GK_HOME"] = str(home.folder / "gk")
    with contextlib.redirect_stdout(io.StringIO()) as said:
        for words in (
            ("upload", str(home.folder / "photos")),
            ("retrieve", "photos", "--to", str(home.folder / "back")),
            ("sync-inventory",),
            ("poll",),
            ("find", "small"),
            ("status",),
        ):
            assert run([*words, "--json"]) == 0, said.getvalue()
    gc.collect()
    gc.freeze()
    assert threading.active_count() == 1, "a fork would copy a lock that another thread holds"


def _prepare(home: Home) -> None:
    (home.folder / "gk").mkdir(parents=True)
    (home.folder / "gk" / "config.toml").write_text(_CONFIG.format(vault=home.vault))
    home.gk("vault", "create", "glacier://us-east-1/" + home.vault)


def main(folder: Path, seed: int, kills: int) -> None:
    """Kill that often; homes lie in *folder*."""
    dice, killed = random.Random(seed), 0
    with lethal(folder / "glacier") as gun:
        _environment(gun.url, folder)
        _prepare(rehearsal := Home(folder / "rehearsal", gun, dice))
        _rehearse(rehearsal)
        number = 0
        while killed < kills:
            home = Home(folder / f"home-{number}", gun, dice)
            _prepare(home)
            try:
                (_stream if number % 3 == 2 else _folder)(home)
            except (OSError, ValueError) as error:
                home.wrong.append(repr(error))
            killed += home.kills.total()
            sys.stdout.write(json.dumps({"home": number, "kills": home.kills, "wrong": home.wrong}) + "\n")
            sys.stdout.flush()
            number += 1
            shutil.rmtree(home.folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
