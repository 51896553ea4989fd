"""--retry-for, transfer.retry_for, and what is told of a request that is made again."""

from pathlib import Path

import pytest

from glacierkeep.cli.building import patience_of
from glacierkeep.cli.said import BRIEF, Said
from glacierkeep.cli.wiring import Wiring
from glacierkeep.config.settings import Settings, TransferSettings
from glacierkeep.domain.patience import USUAL, Patience
from glacierkeep.errors import Exit
from support.runner import Gk


@pytest.mark.parametrize(
    ("said", "configured", "expected"),
    [
        (None, None, USUAL),
        (None, 5.0, Patience(retry_for=5.0, for_credentials=True)),
        (7200.0, 5.0, Patience(retry_for=7200.0, for_credentials=True)),
        (0.0, None, Patience(retry_for=0.0, for_credentials=True)),
        (BRIEF, None, Patience(retry_for=BRIEF)),
        (BRIEF, 5.0, Patience(retry_for=5.0)),
        (BRIEF, 7200.0, Patience(retry_for=BRIEF)),
    ],
)
def test_how_long(said: float | None, configured: float | None, expected: Patience) -> None:
    """The option wins over the configuration, that over ten minutes; commands that move no files take 30 s at most."""
    settings = Settings(transfer=TransferSettings(retry_for=configured))
    assert patience_of(said, settings) == expected


def test_downloads_that_break_off_are_repeated_as_long() -> None:
    """What is said of requests holds for outputs that break off while they are read."""
    with Wiring(Said(retry_for=7200.0)) as wiring:
        assert wiring.fetching(None).patience == Patience(retry_for=7200.0, for_credentials=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "letters"
    folder.mkdir()
    folder.joinpath("a.txt").write_text("dear reader")
    return folder


def upload(gk: Gk, folder: Path, *more: str, rule: str, tty: bool = False) -> tuple[int, list[str], str]:
    """Exit code, types of JSON lines, and standard error of an upload with a fault on order."""
    env = {"GK_LOCAL_FAULTS": f"'{rule}'"}
    result = gk("upload", folder, "-V", "local:photos", "--yes", *more, env=env, tty=tty)
    kinds = [line["type"] for line in result.objects] if "--json" in more else []
    return result.exit_code, kinds, result.stderr


def test_every_pause_is_a_line(gk: Gk, folder: Path) -> None:
    """With --json each pause is told, with its reason and how long it goes on."""
    env = {"GK_LOCAL_FAULTS": "'error-500 CreateVault count=2'"}
    result = gk("upload", folder, "-V", "local:photos", "--json", env=env)
    told = [line for line in result.objects if line["type"] == "retrying"]
    assert result.exit_code == Exit.DONE
    assert [(line["failed"], line["vault"], line["code"]) for line in told] == [
        (1, "local:photos", "busy"),
        (2, "local:photos", "busy"),
    ]
    assert 0 < told[0]["seconds"] < told[0]["left"] <= 1.0


def test_what_is_got_over_is_not_told_under_cron(gk: Gk, folder: Path) -> None:
    """A failure that passes leaves nothing on standard error; with -v it does."""
    code, _, stderr = upload(gk, folder, "-q", rule="throttle CreateVault count=4")
    assert (code, stderr) == (Exit.DONE, "")
    code, _, stderr = upload(gk, folder, "-v", rule="throttle CreateVault count=2")
    assert stderr.count("trying again for up to") == 2


def test_it_ends(gk: Gk, folder: Path) -> None:
    """With no time to spare there are two tries, and the error is that of the last one."""
    code, kinds, _ = upload(gk, folder, "--retry-for", "0", "--json", rule="error-500 CreateVault")
    assert (code, kinds.count("retrying"), kinds[-1]) == (Exit.FAILED, 1, "error")


def test_a_note_at_a_terminal(gk: Gk, folder: Path) -> None:
    """At a terminal a person is told what fails and for how long it is tried, once it has failed for a while."""
    env = {"GK_LOCAL_FAULTS": "'error-500 CreateVault count=4'", "GK_TRANSFER_RETRY_FOR": "10m"}
    result = gk("upload", folder, "-V", "local:photos", env=env, tty=True)
    assert result.exit_code == Exit.DONE
    assert result.stdout.count("trying again for up to 9m 59s") == 1


@pytest.mark.parametrize("word", ["soon", "-1", "5y"])
def test_words_that_are_no_duration(gk: Gk, folder: Path, word: str) -> None:
    """Anything but a length of time is a usage error."""
    assert gk("upload", folder, "-V", "local:photos", f"--retry-for={word}").exit_code == Exit.USAGE
