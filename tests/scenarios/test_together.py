"""Several gk at once, and gk broken off: nothing is harmed, and the next run goes on."""

import signal
import subprocess
from pathlib import Path

import pytest

from support.compare import differences
from support.process import finish, held, run, start
from support.runner import Gk

VAULT = "local:together"
CONFIG = f"""
default_vault = "together"
[vault.together]
url = "{VAULT}"
part_size = 1048576
bundle_threshold = 2097152
"""


@pytest.fixture
def root(tmp_path: Path, gk: Gk) -> Path:
    """A folder whose files are read in this order: first, held, last. The first and the last are archives."""
    gk.home.mkdir()
    (gk.home / "config.toml").write_text(CONFIG)
    root = tmp_path / "root"
    root.mkdir()
    (root / "first").write_bytes(b"1" * (2 << 20))
    (root / "held").write_bytes(b"2" * 1000)
    (root / "last").write_bytes(b"3" * (3 << 20))
    return root


def test_a_second_upload_of_one_root_is_refused(root: Path) -> None:
    """While one gk uploads a root, another one for it exits 11 and says who is at it; the first is not disturbed."""
    with held("held", "upload", root) as first:
        second = run("upload", root, "--json")

    assert second.exit_code == 11
    assert second.objects[-1]["code"] == "locked"
    assert str(first.pid) in second.objects[-1]["message"]
    assert finish(first).exit_code == 0


def test_a_second_upload_waits_if_told(root: Path) -> None:
    """With --lock-wait the second waits for the first, and then finds nothing left to send."""
    with held("held", "upload", root) as first:
        second = start("upload", root, "--lock-wait", "60", "--json")
    ended = finish(second)

    assert finish(first).exit_code == 0
    assert ended.exit_code == 0
    outcome = ended.the("upload-outcome")
    assert (outcome["archives"], outcome["unchanged"]) == (0, 3)


def test_another_root_is_uploaded_meanwhile(root: Path) -> None:
    """Two uploads of different roots do not wait for each other."""
    other = root.with_name("other")
    other.mkdir()
    (other / "file").write_bytes(b"f")

    with held("held", "upload", root) as first:
        second = run("upload", other)

    assert (second.exit_code, finish(first).exit_code) == (0, 0)


def test_poll_runs_beside_an_upload(root: Path, gk: Gk, tmp_path: Path) -> None:
    """`gk poll` collects what is ready, and `gk ls` and `gk status` answer, while an upload stands in the middle."""
    earlier = root.with_name("earlier")
    earlier.mkdir()
    (earlier / "file").write_bytes(b"f" * 5000)
    assert gk("upload", earlier).exit_code == 0
    with (gk.home / "config.toml").open("a") as config:
        config.write("realistic = true\n")
    assert gk("retrieve", "earlier", "--to", tmp_path / "back").exit_code == 4

    with held("held", "upload", root) as first:
        assert gk("local", "advance", "6h").exit_code == 0
        polled = gk("poll", "--json")
        listed = gk("ls", "-r", "root", "--json")
        status = gk("status")

    assert (polled.exit_code, listed.exit_code, status.exit_code) == (0, 0, 0), (polled, listed, status)
    assert differences(earlier, tmp_path / "back" / "earlier") == []
    assert "root/first" in [said["path"] for said in listed.objects]
    assert finish(first).exit_code == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_cleanly_and_the_next_run_goes_on(
    root: Path, gk: Gk, tmp_path: Path, number: int, code: int
) -> None:
    """The first Ctrl-C or SIGTERM ends an upload after what is under way; the next run sends just the rest."""
    with held("held", "upload", root) as process:
        process.send_signal(number)
    ended = finish(process)

    assert ended.exit_code == code
    assert "Traceback" not in ended.stderr
    again = gk("upload", root, "--json").the("upload-outcome")
    assert (again["exit"], again["unchanged"]) == (0, 1)
    assert gk("retrieve", "root", "--to", tmp_path / "back").exit_code == 0
    assert differences(root, tmp_path / "back" / "root") == []
    assert list((gk.home / "staging").iterdir()) == []


@pytest.mark.parametrize(
    "numbers", [(signal.SIGINT, signal.SIGINT), (signal.SIGKILL,)], ids=["twice", "killed"]
)
def test_ended_at_once_the_next_run_goes_on(
    root: Path, gk: Gk, tmp_path: Path, numbers: tuple[int, ...]
) -> None:
    """The second Ctrl-C, or a kill, ends gk at once; nothing keeps the next run from finishing the work."""
    with held("held", "upload", root) as process:
        for number in numbers:
            process.send_signal(number)
            _await_answer(process, number)
        ended = finish(process)

    assert ended.exit_code == (130 if signal.SIGINT in numbers else -signal.SIGKILL)
    again = gk("upload", root, "--json").the("upload-outcome")
    assert (again["exit"], again["unchanged"]) == (0, 1)
    assert gk("retrieve", "root", "--to", tmp_path / "back").exit_code == 0
    assert differences(root, tmp_path / "back" / "root") == []


def _await_answer(process: subprocess.Popen[bytes], number: int) -> None:
    """Read what gk says to a signal, so that the next one is the next."""
    assert process.stderr is not None
    while number == signal.SIGINT and (line := process.stderr.readline()):
        if b"press Ctrl-C again" in line or b"interrupted" in line:
            return


def test_a_retrieval_broken_off_is_finished_by_poll(gk: Gk, root: Path, tmp_path: Path) -> None:
    """A retrieval ended by Ctrl-C before its files are placed is brought to its end by `gk poll`."""
    assert gk("upload", root).exit_code == 0

    with held(".glacierkeep-partial", "retrieve", "root", "--to", tmp_path / "back") as process:
        process.send_signal(signal.SIGINT)
    ended = finish(process)

    assert ended.exit_code == 130
    assert gk("poll").exit_code == 0
    assert differences(root, tmp_path / "back" / "root") == []
