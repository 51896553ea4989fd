import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from glacierkeep.cli.problems import problem_of, tell_problem, wants_json
from glacierkeep.cli.report import without_secrets
from glacierkeep.cli.signals import Terminated
from glacierkeep.errors import ConfigError, Exit, Locked


def test_an_error_is_a_sentence_a_hint_and_a_code(gk) -> None:
    """What a person can do something about is said in one line, with a hint, and has its own exit code."""
    result = gk("vault", "use", "nope")
    assert result.exit_code == Exit.NO_VAULT
    assert result.stderr.splitlines()[0] == "gk: no vault is named nope"
    assert result.stderr.splitlines()[1].startswith("hint: ")
    assert result.stdout == ""


def test_an_error_is_an_object_with_json(gk) -> None:
    """With --json the error is an object on standard output, and standard error is empty."""
    result = gk("vault", "use", "nope", "--json")
    assert result.objects == [
        {
            "schema": "gk/1",
            "type": "error",
            "code": "no-vault",
            "message": "no vault is named nope",
            "hint": "name it by its address, such as glacier://eu-west-1/photos",
            "exit": 10,
        }
    ]
    assert result.stderr == ""


@pytest.mark.parametrize(
    "words", [("nonsense", "--json"), ("vault", "create", "--json"), ("--json", "ls", "--zz")]
)
def test_wrong_usage_is_an_object_with_json(gk, words: tuple[str, ...]) -> None:
    """Even where the words could not be understood, --json is honoured."""
    result = gk(*words)
    assert result.exit_code == Exit.USAGE
    assert result.objects[0]["code"] == "usage"
    assert result.stderr == ""


def test_json_after_a_double_dash_is_a_name() -> None:
    """`-- --json` names a file."""
    assert not wants_json(["upload", "--", "--json"], {})
    assert wants_json(["upload"], {"GK_JSON": "1"})


def test_no_control_character_reaches_a_terminal(gk) -> None:
    """A name in an error cannot move the cursor, start a line or set a title."""
    result = gk("vault", "use", "a\x1b]0;x\x07\nb")
    assert "\x1b" not in result.stderr
    assert "\\x1b" in result.stderr
    assert len(result.stderr.splitlines()) == 2


def test_a_bug_leaves_a_report(gk, tmp_path: Path) -> None:
    """An unforeseen error is one line, exit 70, and a report with versions, command and traceback."""
    gk.home.mkdir()
    gk.home.joinpath("log").mkdir()
    problem = problem_of(RuntimeError("unheard of"), ["upload", "x"])
    reports = list(gk.home.joinpath("log").glob("bug-*.md"))
    assert problem.exit == Exit.BUG
    assert len(reports) == 1
    assert str(reports[0]) in (problem.hint or "")
    text = reports[0].read_text()
    assert "RuntimeError: unheard of" in text
    assert "gk 'upload' 'x'" in text
    assert reports[0].stat().st_mode & 0o777 == 0o600


def test_a_bug_without_a_place_for_its_report_is_still_told(gk) -> None:
    """Where the log folder cannot be made, exit 70 and the sentence remain."""
    gk.home.write_text("a file where the folder should be")
    problem = problem_of(RuntimeError("unheard of"), [])
    assert (problem.exit, problem.hint) == (Exit.BUG, "no report could be written")


def test_reports_hold_no_credentials() -> None:
    """Keys of the environment, key ids and passwords in addresses are taken out."""
    text = "secret/123 AKIAIOSFODNN7EXAMPLE postgresql://me:pass@host/db"
    clean = without_secrets(text, {"AWS_SECRET_ACCESS_KEY": "secret/123"})
    assert clean == "<AWS_SECRET_ACCESS_KEY> <key id> postgresql://<user>@host/db"


@pytest.mark.parametrize(
    ("error", "code", "exit_code"),
    [
        (OSError(errno.ENOSPC, "x"), "disk", Exit.FAILED),
        (OSError(errno.EROFS, "x", "/f"), "disk", Exit.FAILED),
        (PermissionError(errno.EACCES, "x", "/f"), "access", Exit.FAILED),
        (FileNotFoundError(errno.ENOENT, "No such file", b"/\xff"), "file", Exit.FAILED),
        (KeyboardInterrupt(), "interrupted", Exit.INTERRUPTED),
        (Terminated(), "terminated", Exit.TERMINATED),
        (Locked("upload of photos", "pid 7 on nas"), "locked", Exit.LOCKED),
        (ConfigError("bad"), "config", Exit.NO_VAULT),
        (OSError(errno.EDOM, "strange"), "bug", Exit.BUG),
    ],
)
def test_codes_of_errors(gk, error: BaseException, code: str, exit_code: Exit) -> None:
    """Each kind of error has its word and its exit code; a full or forbidden disk is no bug."""
    problem = problem_of(error, [])
    assert (problem.code, problem.exit) == (code, exit_code)
    assert tell_problem(problem, json=False) == exit_code


def test_a_full_disk_behind_standard_output_is_told() -> None:
    """An answer that could not be written is a failure, not a success."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "glacierkeep", "config", "show"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == Exit.FAILED
    assert done.stderr.startswith(b"gk: the disk is full\nhint: make room on it")


def test_a_reader_that_goes_away_is_no_error() -> None:
    """`gk config show | head -0` is quiet and succeeds."""
    read, write = os.pipe()
    os.close(read)
    with open(write, "wb") as nobody:
        done = subprocess.run(
            [sys.executable, "-m", "glacierkeep", "config", "show"],
            stdout=nobody,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")
