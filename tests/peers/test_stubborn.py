"""Services that refuse, fail for a while, or are not there: what gk says, and what it leaves behind."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from glacierkeep.errors import Exit
from support.runner import Gk
from support.stub import Answer, Stub, refusal

VAULT = "glacier://us-east-1/photos"
STORED = Answer(201, headers={"x-amz-archive-id": "A" * 138})
BUSY = refusal(400, "ThrottlingException", "Rate exceeded")
BROKEN = refusal(500, "ServiceUnavailableException", "Internal error")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "letters"
    folder.mkdir()
    folder.joinpath("a.txt").write_text("dear reader")
    return folder


def uploads(gk: Gk) -> tuple[int, int]:
    """How many uploads are unfinished, and how many uncertain."""
    (vault,) = gk("status", "--json").objects[0]["vaults"]
    return vault["unfinished_uploads"], vault["uncertain_uploads"]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "InvalidSignatureException"),
        (400, "UnrecognizedClientException"),
        (403, "ExpiredTokenException"),
        (403, "AccessDeniedException"),
    ],
)
def test_wrong_credentials(gk: Gk, stub: Stub, folder: Path, status: int, code: str) -> None:
    """Refused keys are exit 13, with a hint, and nothing is in doubt afterwards."""
    stub.say(refusal(status, code, "no"))
    result = gk("upload", folder, "-V", VAULT, "--yes")
    assert result.exit_code == Exit.CREDENTIALS
    assert "hint: " in result.stderr
    assert uploads(gk) == (0, 0)


def test_no_credentials(gk: Gk, stub: Stub, aws: pytest.MonkeyPatch, folder: Path) -> None:
    """Without keys nothing is sent: exit 13, and the hint says where keys come from."""
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    for words in (("upload", folder, "--yes"), ("vault", "show", VAULT), ("sync-inventory",)):
        result = gk(*words, "-V", VAULT)
        assert result.exit_code == Exit.CREDENTIALS
        assert "AWS profiles" in result.stderr
    assert stub.asked == []
    assert uploads(gk)[1] == 0


def test_an_unknown_profile(gk: Gk, stub: Stub, tmp_path: Path) -> None:
    """A profile that AWS's files lack is named."""
    gk.home.mkdir(exist_ok=True)
    gk.home.joinpath("config.toml").write_text(f'[vault.photos]\nurl = "{VAULT}"\nprofile = "nobody"\n')
    result = gk("vault", "show", "photos")
    assert result.exit_code == Exit.CREDENTIALS
    assert "nobody" in result.stderr


def test_an_account_that_came_too_late(gk: Gk, stub: Stub, folder: Path) -> None:
    """The service refuses new accounts: exit 14, and the hint names s3://."""
    message = "This API is no longer supported for new accounts. Please use Amazon S3 Glacier storage classes instead."
    stub.say(refusal(400, "NoLongerSupportedException", message))
    for words in (("vault", "create", VAULT), ("upload", folder, "-V", VAULT, "--yes")):
        result = gk(*words)
        assert result.exit_code == Exit.REFUSED
        assert "s3://" in result.stderr.split("hint:")[1]
        assert "s3://" in gk(*words, "--json").objects[-1]["hint"]
    assert uploads(gk) == (0, 0)


def test_throttled_for_a_while(gk: Gk, stub: Stub, folder: Path) -> None:
    """An upload that is turned away for a moment goes through, silently and once."""
    stub.say(BUSY, STORED)
    result = gk("upload", folder, "-V", VAULT, "--yes", "-q")
    assert (result.exit_code, result.stderr) == (Exit.DONE, "")
    assert [method for method, _ in stub.asked] == ["POST", "POST"]


def test_a_failure_after_the_fact(gk: Gk, stub: Stub, folder: Path) -> None:
    """500 for an upload leaves open whether it was done: exit 8, how to go on, and the doubt on record."""
    stub.say(BROKEN)
    result = gk("upload", folder, "-V", VAULT, "--yes")
    assert result.exit_code == Exit.CHANGED
    assert "the same command sends it again" in result.stderr
    assert len(stub.asked) == 1
    assert uploads(gk) == (0, 1)

    stub.say(STORED)
    lines = gk("upload", folder, "-V", VAULT, "--yes", "--json").objects
    (again,) = [line for line in lines if line["type"] == "upload-outcome"]
    assert (again["archives"], again["exit"]) == (1, 0)


def test_nobody_is_listening(gk: Gk, stub: Stub, aws: pytest.MonkeyPatch, folder: Path) -> None:
    """A refused connection is exit 1, nothing changed, nothing in doubt; the next run sends it."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        aws.setenv("AWS_ENDPOINT_URL_GLACIER", f"http://127.0.0.1:{unused.getsockname()[1]}")
        result = gk("upload", folder, "-V", VAULT, "--yes")
    assert result.exit_code == Exit.FAILED
    assert "nothing was asked" in result.stderr
    assert uploads(gk) == (0, 0)

    aws.setenv("AWS_ENDPOINT_URL_GLACIER", stub.url)
    stub.say(STORED)
    assert gk("upload", folder, "-V", VAULT, "--yes").exit_code == Exit.DONE


def test_errors_are_objects_too(gk: Gk, stub: Stub, folder: Path) -> None:
    """With --json the refusal is a line with a stable code, the exit code and the hint."""
    stub.say(refusal(403, "AccessDeniedException", "not you"))
    line = gk("upload", folder, "-V", VAULT, "--yes", "--json").objects[-1]
    assert (line["type"], line["code"], line["exit"]) == ("error", "credentials", 13)
    assert "not you" in line["message"]


def test_answers_that_make_no_sense(gk: Gk, stub: Stub) -> None:
    """A proxy's page or half an answer is an error of one line, never a bug report."""
    for content in (b"", b"{", b"[]", b"null", b'{"JobList":3}', b"<html>proxy</html>", b"\xff" * 99):
        stub.say(Answer(200, content))
        result = gk("vault", "show", VAULT)
        assert result.exit_code == Exit.FAILED
        assert len(result.stderr.splitlines()) <= 2


def test_a_paid_job_whose_answer_was_lost_is_not_asked_for_twice(
    gk: Gk, stub: Stub, folder: Path, tmp_path: Path
) -> None:
    """The job is found by the token in its description; it is not started, and paid, again."""
    stub.say(STORED)
    gk("upload", folder, "-V", VAULT, "--yes")
    stub.say(_jobs(), BROKEN)
    lost = gk("retrieve", "letters", "-V", VAULT, "--yes", "--to", tmp_path / "back")
    description = _token(gk)
    stub.asked.clear()
    stub.say(_jobs(description), _job(description))

    polled = gk("poll")

    assert lost.exit_code == Exit.CHANGED
    assert (polled.exit_code, polled.stdout, polled.stderr) == (Exit.DONE, "", "")
    assert [method for method, _ in stub.asked] == ["GET", "GET"]


def _token(gk: Gk) -> str:
    import sqlite3

    with sqlite3.connect(gk.home / "catalog.db") as opened:
        (token,) = opened.execute("SELECT token FROM jobs").fetchone()
    opened.close()
    return f"gk {token}"


def _job(description: str) -> Answer:
    return Answer(200, _described(description))


def _jobs(*descriptions: str) -> Answer:
    return Answer(200, {"JobList": [_described(each) for each in descriptions], "Marker": None})


def _described(description: str) -> dict[str, Any]:
    return {
        "Action": "ArchiveRetrieval",
        "ArchiveId": "A" * 138,
        "Completed": False,
        "CreationDate": "2026-11-22T10:00:00.000Z",
        "JobDescription": description,
        "JobId": "J" * 92,
        "StatusCode": "InProgress",
        "Tier": "Standard",
        "VaultARN": "arn:aws:glacier:us-east-1:012345678901:vaults/photos",
    }


def test_a_report_of_trouble_holds_no_keys(gk: Gk, stub: Stub, aws: pytest.MonkeyPatch, folder: Path) -> None:
    """Whatever is printed about a refusal, the secret key is not in it."""
    aws.setenv("AWS_SECRET_ACCESS_KEY", "T0pS3cr3t")
    stub.say(refusal(403, "InvalidSignatureException", "The signature does not match"))
    result = gk("upload", folder, "-V", VAULT, "--yes", "-vv", "--json")
    assert "T0pS3cr3t" not in json.dumps(result.objects) + result.stderr
