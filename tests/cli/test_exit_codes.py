"""Every exit code of the table, as somebody really meets it."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from glacierkeep.catalog import Catalog
from glacierkeep.clock import SystemClock
from glacierkeep.errors import Exit
from glacierkeep.operations.activity import lease
from support.runner import Gk, Result
from support.stub import Stub, a_stub, refusal
from support.world import TurnedClock

TABLE = Path(__file__).parents[2] / "docs" / "reference" / "exit-codes.md"
LOCAL = ("-V", "local:photos")
ABROAD = ("-V", "glacier://us-east-1/photos", "--yes")


@dataclass
class Life:
    """A folder that was archived, and what it takes to get into trouble."""

    gk: Gk
    photos: Path
    stub: Stub

    def change(self, statement: str) -> None:
        """Change the catalog behind gk's back."""
        with closing(sqlite3.connect(self.gk.home / "catalog.db")) as opened, opened:
            opened.execute("PRAGMA ignore_check_constraints = ON")
            opened.execute(statement)

    def killed(self, number: signal.Signals) -> Result:
        """An upload from a pipe that is sent a signal, and whose pipe ends then."""
        child = subprocess.Popen(
            [sys.executable, "-m", "glacierkeep", "upload", "-", "--as", "piped", *LOCAL],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert child.stderr is not None
        first = child.stderr.readline()
        child.send_signal(number)
        out, err = child.communicate("half of", timeout=30)
        return Result(child.returncode, out, first + err)


@pytest.fixture
def life(gk: Gk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Life]:
    photos = tmp_path / "photos"
    photos.mkdir()
    photos.joinpath("a.jpg").write_bytes(b"picture")
    assert gk("upload", photos, *LOCAL).exit_code == Exit.DONE
    with a_stub() as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL_GLACIER", stub.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        yield Life(gk, photos, stub)


def _done(life: Life) -> Result:
    return life.gk("verify")


def _failed(life: Life) -> Result:
    return life.gk("delete", "photos")


def _usage(life: Life) -> Result:
    return life.gk("upload", life.photos, "--nonsense")


def _partly(life: Life) -> Result:
    life.photos.joinpath("a.jpg").write_bytes(b"something else")
    return life.gk("retrieve", "photos", "--to", life.photos.parent)


def _waiting(life: Life) -> Result:
    config = life.gk.home / "config.toml"
    config.write_text(config.read_text() + '\n[vault.slow]\nurl = "local:slow"\nrealistic = true\n')
    life.gk("upload", life.photos, "-V", "slow")
    return life.gk("retrieve", "photos", "-V", "slow", "--to", life.photos.parent / "back")


def _findings(life: Life) -> Result:
    life.photos.joinpath("a.jpg").unlink()
    return life.gk("verify")


def _mismatch(life: Life) -> Result:
    file = life.photos / "a.jpg"
    was = file.stat()
    file.write_bytes(b"rotten!")
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))
    return life.gk("verify")


def _changed(life: Life) -> Result:
    life.stub.say(refusal(500, "ServiceUnavailableException", "who knows"))
    return life.gk("upload", life.photos, *ABROAD)


def _no_vault(life: Life) -> Result:
    return life.gk("sync-inventory", "local:nowhere")


def _locked(life: Life) -> Result:
    catalog = Catalog.open(life.gk.home / "catalog.db", clock=SystemClock(), machine="another")
    try:
        with lease("root photos", catalog=catalog, clock=TurnedClock(SystemClock().now()), host="elsewhere"):
            return life.gk("upload", life.photos)
    finally:
        catalog.close()


def _outdated(life: Life) -> Result:
    life.change("UPDATE alembic_version SET version_num = '9999'")
    return life.gk("ls")


def _credentials(life: Life) -> Result:
    life.stub.say(refusal(400, "UnrecognizedClientException", "The security token is invalid"))
    return life.gk("upload", life.photos, *ABROAD)


def _refused(life: Life) -> Result:
    life.stub.say(refusal(400, "NoLongerSupportedException", "no longer supported for new accounts"))
    return life.gk("upload", life.photos, *ABROAD)


def _bug(life: Life) -> Result:
    life.change("UPDATE archives SET state = 'nonsense'")
    return life.gk("show", "photos/a.jpg")


def _interrupted(life: Life) -> Result:
    return life.killed(signal.SIGINT)


def _over_budget(life: Life) -> Result:
    life.gk("config", "set", "budget.month", "5.00")
    return life.gk("upload", *ABROAD, life.photos)


def _terminated(life: Life) -> Result:
    return life.killed(signal.SIGTERM)


WAYS: dict[Exit, Callable[[Life], Result]] = {
    Exit.DONE: _done,
    Exit.FAILED: _failed,
    Exit.USAGE: _usage,
    Exit.PARTLY: _partly,
    Exit.WAITING: _waiting,
    Exit.FINDINGS: _findings,
    Exit.BUDGET: _over_budget,
    Exit.MISMATCH: _mismatch,
    Exit.CHANGED: _changed,
    Exit.NO_VAULT: _no_vault,
    Exit.LOCKED: _locked,
    Exit.OUTDATED: _outdated,
    Exit.CREDENTIALS: _credentials,
    Exit.REFUSED: _refused,
    Exit.BUG: _bug,
    Exit.INTERRUPTED: _interrupted,
    Exit.TERMINATED: _terminated,
}


@pytest.mark.parametrize("code", WAYS)
def test_every_code_is_met(life: Life, code: Exit) -> None:
    """Each code of the table comes of a real command, and whatever is not well is said on standard error."""
    result = WAYS[code](life)
    assert result.exit_code == code, result
    if code is Exit.WAITING:
        assert (result.stdout, result.stderr) == ("", "")
    elif code is not Exit.DONE:
        assert result.stderr.startswith(("gk: ", "Usage: ")), result
        assert "Traceback" not in result.stderr


def test_the_table_is_complete() -> None:
    """The published table, the codes in use and the ways to meet them agree."""
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", TABLE.read_text(), re.MULTILINE)
    assert {int(number) for number, _ in rows} == set(map(int, Exit))
    assert set(WAYS) == set(Exit)


def test_a_broken_pipe_of_input_is_never_taken_for_its_end(life: Life) -> None:
    """Interrupted while it reads standard input, gk archives nothing of what had come."""
    life.killed(signal.SIGINT)
    assert life.gk("find", "piped", "--json").objects == []
