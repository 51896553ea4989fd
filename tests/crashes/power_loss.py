"""One recorded run, its disk laid out as power cuts may leave it, and lived on with. Prints a JSON line for each.

power_loss.py LIFE FOLDER SEED STATES
"""

import contextlib
import gc
import io
import json
import os
import random
import sqlite3
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apart import apart
from judging import judge
from powerless import MOODS, after_power_loss, at_risk
from recording import record

from glacierkeep.cli.main import run
from glacierkeep.errors import Exit
from support.compare import differences

_KIB = 1024
_CONFIG = """default_vault = "photos"
[catalog]
copy_to_vault = false
[vault.photos]
url = "local:photos"
part_size = 1048576
bundle_size = 2097152
bundle_threshold = 1048576
compression = "off"
"""


@dataclass
class Home:
    """A folder with a home in it, what is archived beside it, and what was wrong."""

    folder: Path
    wrong: list[str] = field(default_factory=list)
    doubts: int = 0

    @property
    def root(self) -> Path:
        return self.folder.parent / "photos"

    @property
    def piped(self) -> Path:
        """What comes from standard input."""
        return self.root / "sub" / "b"

    @property
    def back(self) -> Path:
        return self.folder / "back"

    def gk(self, *words: str) -> list[dict[str, Any]]:
        """What gk says; it must end with 0, or with findings."""
        with (
            contextlib.redirect_stdout(io.StringIO()) as said,
            contextlib.redirect_stderr(io.StringIO()) as told,
            self.piped.open() as sys.stdin,
        ):
            code = run([*words, "--json"])
        if code not in (Exit.DONE, Exit.FINDINGS):
            self.wrong.append(
                f"{words[0]} ended with {code}: {said.getvalue()[-600:]} {told.getvalue()[-600:]}"
            )
        return [json.loads(line) for line in said.getvalue().splitlines()]


@dataclass(frozen=True)
class Life:
    """*prepare* comes before, *words* are recorded, *again* is done after the power loss."""

    prepare: Callable[[Home], None]
    words: Callable[[Home], tuple[str, ...]]
    again: Callable[[Home], None]


# Lives


def _upload(home: Home) -> tuple[str, ...]:
    return "upload", str(home.root)


def _first_upload(home: Home) -> tuple[str, ...]:
    return *_upload(home), "-V", "local:photos"


def _upload_again(home: Home) -> None:
    home.gk(*_first_upload(home))
    judge(home)
    home.gk("retrieve", "photos", "--to", str(home.back))
    home.wrong += differences(home.root, home.back / "photos")


def _uploaded(home: Home) -> None:
    _settled(home)
    home.gk(*_upload(home))
    for number in range(3):
        (home.root / f"later-{number}").write_bytes(random.Random(number).randbytes(700 * _KIB))
    (home.root / "gone").unlink()


def _retrieve(home: Home) -> tuple[str, ...]:
    return "retrieve", "photos", "--to", str(home.back)


def _retrieve_again(home: Home) -> None:
    home.gk("poll")
    if not _wished(home):
        home.gk(*_retrieve(home))
    home.wrong += differences(home.root, home.back / "photos")
    if {path.name for path in home.back.iterdir()} - {"photos", ".glacierkeep-partial"}:
        home.wrong.append(f"in the target lies {os.listdir(home.back)}")
    judge(home)


def _wished(home: Home) -> bool:
    """Whether the wish is known: then nobody has to say it again."""
    with contextlib.closing(sqlite3.connect(home.folder / "gk" / "catalog.db")) as catalog:
        [(known,)] = catalog.execute("SELECT count(*) FROM retrievals")
    return bool(known)


def _settled(home: Home) -> None:
    (home.folder / "gk").mkdir()
    (home.folder / "gk" / "config.toml").write_text(_CONFIG)


def _stored(home: Home) -> None:
    _settled(home)
    home.gk(*_upload(home))


def _pipe(home: Home) -> tuple[str, ...]:
    return "upload", "-", "--as", "dump.tar"


def _pipe_again(home: Home) -> None:
    home.gk(*_pipe(home))
    judge(home)
    home.gk("retrieve", "stdin/dump.tar", "--to", str(home.back))
    if (home.back / "stdin" / "dump.tar").read_bytes() != home.piped.read_bytes():
        home.wrong.append("the stream came back as another")


def _set(home: Home) -> tuple[str, ...]:
    return "config", "set", "upload.jobs", "2"


def _set_again(home: Home) -> None:
    home.gk("config", "validate")
    found = (home.folder / "gk" / "config.toml").read_text()
    if found.strip() not in (_CONFIG.strip(), _CONFIG + "\n[upload]\njobs = 2"):
        home.wrong.append(f"the configuration became {found!r}")
    home.gk(*_set(home))


def _pass(home: Home) -> None:
    """There is nothing yet."""


LIVES = {
    "first-upload": Life(_pass, _first_upload, _upload_again),
    "upload": Life(_uploaded, _upload, _upload_again),
    "retrieve": Life(_stored, _retrieve, _retrieve_again),
    "standard-input": Life(_stored, _pipe, _pipe_again),
    "config": Life(_settled, _set, _set_again),
}


def main(name: str, folder: Path, seed: int, states: int) -> None:
    """Record the life called *name*, and live on after *states* power losses; work in *folder*."""
    life, home, dice = LIVES[name], Home(folder / "life"), random.Random(seed)
    os.environ |= {"GK_HOME": str(home.folder / "gk"), "GK_CATALOG_COPY_TO_VAULT": "false"}
    home.folder.mkdir()
    fill(home.root)
    life.prepare(home)
    command = [sys.executable, "-m", "glacierkeep", *life.words(home)]
    before, deeds, code = record(command, home.folder, folder / "trace", home.piped)
    assert (code, home.wrong) == (0, []), (code, home.wrong)
    far = str(home.folder / "gk" / "local")
    risked = at_risk(before, deeds, (far, str(home.folder / "gk" / "staging" / "")))
    sys.stdout.write(json.dumps({"at": len(deeds), "mood": "done", "wrong": "\n".join(risked)}) + "\n")
    moments = [at for at, deed in enumerate(deeds) if not deed.path.startswith(far)]
    after_power_loss(before, deeds, far, "kept", dice).lay(home.folder)
    _rehearse(life, home)
    for number in range(states):
        at, mood = dice.choice(moments) + 1, list(MOODS)[number % len(MOODS)]
        after_power_loss(before, deeds[:at], far, mood, dice).lay(home.folder)
        apart(lambda: _live_on(life, home, folder / "wrong"))
        last = f"{deeds[at - 1].kind} {Path(deeds[at - 1].path).name}"
        said = {
            "at": at,
            "of": len(deeds),
            "last": last,
            "mood": mood,
            "wrong": (folder / "wrong").read_text(),
        }
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


def _rehearse(life: Life, home: Home) -> None:
    life.again(home)
    assert home.wrong == [], home.wrong
    gc.collect()
    gc.freeze()
    assert threading.active_count() == 1, "a fork would copy a lock that another thread holds"


def _live_on(life: Life, home: Home, complaints: Path) -> None:
    complaints.write_text("it ended in the middle")
    try:
        _open(home)
        life.again(home)
    except Exception as error:  # noqa: BLE001 - whatever it was, the parent is told
        home.wrong.append(repr(error))
    complaints.write_text("\n".join(home.wrong))


def _open(home: Home) -> None:
    """The catalog, if it is there, is whole."""
    path = home.folder / "gk" / "catalog.db"
    if path.exists():
        with contextlib.closing(sqlite3.connect(path)) as catalog:
            said = catalog.execute("PRAGMA integrity_check").fetchall()
        if said != [("ok",)]:
            home.wrong.append(f"the catalog is damaged: {said[:3]}")


def fill(root: Path) -> None:
    """A file of two parts, a bundle of two parts, one of a single request, and what needs no bytes."""
    (root / "sub" / "empty").mkdir(parents=True)
    dice = random.Random(8)
    for name, size in (("big", 1100), ("a", 700), ("sub/b", 800), ("sub/c", 600), ("gone", 1)):
        (root / name).write_bytes(dice.randbytes(size * _KIB))
    (root / "nothing").touch()
    (root / "link").symlink_to("sub")
    os.link(root / "a", root / "twin")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
