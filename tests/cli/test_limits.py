"""Limits of a run: how fast, how much, how long."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest

from glacierkeep.cli.limits import Limits, LiveSettings
from glacierkeep.cli.said import Said
from glacierkeep.cli.signals import Stop
from glacierkeep.cli.wiring import Wiring
from glacierkeep.config.load import load
from glacierkeep.config.settings import Settings
from glacierkeep.errors import Exit, LimitReached
from glacierkeep.transfer.allowance import Allowance, Limit
from support.clock import TurnedClock
from support.runner import Gk

KIB, MIB = 1024, 1024 * 1024


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of four files of 2 MiB each."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in "abcd":
        (folder / name).write_bytes(os.urandom(2 * MIB))
    return folder


@pytest.fixture
def parts(gk: Gk) -> Gk:
    """gk with a vault where each of the files is an archive of two parts."""
    gk.home.mkdir(exist_ok=True)
    (gk.home / "config.toml").write_text(
        'default_vault = "v"\n[vault.v]\nurl = "local:v"\nbundle_threshold = "1MiB"\npart_size = "1MiB"\n'
    )
    return gk


def stored(lines: list[dict[str, object]]) -> list[object]:
    return [
        line["archive_id"] for line in lines if line["type"] == "archive-stored" and line["kind"] == "file"
    ]


def test_an_upload_ends_at_max_transfer_and_goes_on(parts: Gk, photos: Path) -> None:
    """Each run sends about so much and ends with exit 3 and one line that says why; in the end all is there, once."""
    archives, codes = list[object](), list[int]()
    while len(codes) < 9 and codes[-1:] != [0]:
        result = parts("upload", photos, "--json", "--jobs", "1", "--max-transfer", "3MiB")
        codes.append(result.exit_code)
        archives += stored(result.objects)
        if result.exit_code:
            error = result.the("error")
            assert (error["code"], error["exit"]) == ("limit-reached", Exit.PARTLY)
            assert "the limit of 3.0 MiB (max_transfer) is reached" in error["message"]
            assert error["hint"] == "the same command goes on where this one stopped"

    assert codes == [Exit.PARTLY] * (len(codes) - 1) + [0]
    assert 2 <= len(codes) <= 4
    assert len(archives) == len(set(archives)) == 4
    assert parts("verify", photos).exit_code == 0


def test_all_done_before_the_limit_is_done(parts: Gk, photos: Path) -> None:
    """A limit that was not reached changes nothing: exit 0, and not a word about it."""
    result = parts("upload", photos, "--max-transfer", "1GB", "--max-duration", "5h")
    assert (result.exit_code, "limit" in result.stderr) == (0, False)


def test_max_duration_ends_an_upload(parts: Gk, photos: Path) -> None:
    """When the time is over, no further part is begun; without the option the same command does the rest."""
    result = parts("upload", photos, "--max-duration", "0.001")

    assert result.exit_code == Exit.PARTLY
    assert [line for line in result.stderr.splitlines() if "limit" in line] == [
        "gk: the limit of 0s (max_duration) is reached; 0 B were moved"
    ]
    assert "hint: the same command goes on where this one stopped" in result.stderr
    assert parts("upload", photos).exit_code == 0


def test_retrieve_and_poll_end_at_their_limits(parts: Gk, photos: Path, tmp_path: Path) -> None:
    """What is received counts as well; retrieve and poll go on with what is left, until all is in its place."""
    parts("upload", photos)
    command = ("retrieve", "--jobs", "1", "--to", tmp_path / "back", "photos", "--max-transfer", "1MiB")
    first = parts(*command)
    second = parts("poll", "--jobs", "1", "--json", "--max-transfer", "1MiB")
    over = parts("poll", "--max-duration", "0.001")
    last = parts("poll")

    assert (first.exit_code, "(max_transfer) is reached" in first.stderr) == (Exit.PARTLY, True)
    assert (second.exit_code, second.the("error")["code"]) == (Exit.PARTLY, "limit-reached")
    assert (over.exit_code, "(max_duration) is reached" in over.stderr) == (Exit.PARTLY, True)
    assert last.exit_code == 0
    for name in "abcd":
        assert (tmp_path / "back/photos" / name).read_bytes() == (photos / name).read_bytes()


def test_a_limit_in_the_configuration_and_in_the_environment(parts: Gk, photos: Path) -> None:
    """The file's max_transfer ends a run, the environment's counts before it, the option's before both."""
    with (parts.home / "config.toml").open("a") as file:
        file.write('[transfer]\nmax_transfer = "1MiB"\n')
    more = {"GK_TRANSFER_MAX_TRANSFER": "2GB"}

    assert "1.0 MiB (max_transfer)" in parts("upload", photos, "--jobs", "1").stderr
    option = parts("upload", photos, "--jobs", "1", "--max-transfer", "2MiB", env=more)
    assert "2.0 MiB (max_transfer)" in option.stderr
    assert parts("upload", photos, env=more).exit_code == 0


def test_standard_input_does_not_end_at_a_limit(parts: Gk) -> None:
    """A stream that was broken off could not go on: the options are refused with it, and settings leave it alone."""
    refused = parts("upload", "-", "--as", "dump", "--max-transfer", "1k", input="all or nothing")
    env = {"GK_TRANSFER_MAX_TRANSFER": "1", "GK_TRANSFER_MAX_DURATION": "0.001"}
    stored_whole = parts("upload", "-", "--as", "dump", input="all or nothing", env=env)

    assert (refused.exit_code, "whole or not at all" in refused.stderr) == (Exit.USAGE, True)
    assert stored_whole.exit_code == 0


@pytest.mark.parametrize(
    ("option", "word", "why"),
    [
        ("--limit-upload", "0", "is no limit"),
        ("--limit-upload", "08:00-10:00=1M,09:00-11:00=2M", "08:00-10:00 and 09:00-11:00 overlap"),
        ("--max-transfer", "much", "is not a size"),
        ("--max-duration", "0", "longer than no time"),
    ],
)
def test_a_limit_that_is_none_is_wrong_usage(
    parts: Gk, photos: Path, option: str, word: str, why: str
) -> None:
    """A word that is no limit is exit 2 as an option, and in the configuration exit 10 with its line."""
    assert why in (result := parts("upload", photos, option, word)).stderr
    assert result.exit_code == Exit.USAGE

    key = option.removeprefix("--").replace("-", "_")
    with (parts.home / "config.toml").open("a") as file:
        file.write(f'[transfer]\n{key} = "{word}"\n')
    assert why in (result := parts("upload", photos)).stderr
    assert "line 7" in result.stderr
    assert result.exit_code == Exit.NO_VAULT


@pytest.mark.parametrize("rate", [500 * KIB, 1 * MIB])
def test_an_upload_keeps_to_its_rate(parts: Gk, photos: Path, rate: int) -> None:
    """Real bytes take at least the real time that the limit says."""
    begun = time.monotonic()
    assert parts("upload", photos / "a", "--limit-upload", str(rate)).exit_code == 0
    assert time.monotonic() - begun >= 2 * MIB / rate - 0.3


def test_a_retrieval_keeps_to_its_rate(parts: Gk, photos: Path, tmp_path: Path) -> None:
    """Received bytes take at least the time that the limit of the configuration says."""
    parts("upload", photos / "a")
    begun = time.monotonic()
    env = {"GK_TRANSFER_LIMIT_DOWNLOAD": "1M"}
    assert parts("retrieve", "--to", tmp_path / "back", "photos/a", env=env).exit_code == 0
    assert time.monotonic() - begun >= 2 - 0.3


def test_a_limit_is_lifted_while_gk_runs(parts: Gk, photos: Path) -> None:
    """An upload that would take an hour at its limit ends soon after the limit is taken out of the configuration."""
    file = parts.home / "config.toml"
    plain = file.read_text()
    file.write_text(plain + '[transfer]\nlimit_upload = "2k"\n')
    child = subprocess.Popen(
        [sys.executable, "-m", "glacierkeep", "upload", str(photos), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    while json.loads(child.stdout.readline())["type"] != "upload-planned":
        continue
    file.write_text(plain)

    out, err = child.communicate(timeout=120)
    assert (child.returncode, err) == (0, "")
    assert len(stored([json.loads(line) for line in out.splitlines()])) == 4


def settings_of(file: Path) -> Callable[[], Settings]:
    return lambda: load(file, environment={}).settings


def test_settings_that_became_invalid_are_told_once_and_the_old_ones_hold(tmp_path: Path) -> None:
    """The file is looked at every two seconds; one with a fault changes nothing but one sentence; a good one counts."""
    file, clock, told = tmp_path / "config.toml", TurnedClock(), list[str]()
    file.write_text('[transfer]\nlimit_upload = "1M"\n')
    live = LiveSettings(file, settings_of(file), clock=clock, told=told.append)

    def limit() -> str:
        clock.turn(seconds=2)
        return str(live().transfer.limit_upload)

    file.write_text('[transfer]\nlimit_upload = "500k"\n')
    assert str(live().transfer.limit_upload) == "1M"
    assert limit() == "500k"

    file.write_text('[transfer]\nlimit_upload = "nonsense"\n')
    assert [limit(), limit(), limit()] == ["500k"] * 3
    assert len(told) == 1
    assert "the limits stay as they were" in told[0]
    assert f"{file}, line 2" in told[0]

    file.write_text('[transfer]\nlimit_upload = "2M"\n')
    assert limit() == "2M"
    file.unlink()
    assert limit() == "None"
    assert len(told) == 1


def test_bytes_flow_by_the_hours_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hours of a timetable are those of the local clocks, also after they were set to summer time."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    file = tmp_path / "config.toml"
    file.write_text('[transfer]\nlimit_upload = "08:00-09:00=1k"\n')
    try:
        for moment, slow in [
            (datetime(2026, 3, 28, 7, 30, tzinfo=UTC), True),
            (datetime(2026, 3, 28, 6, 30, tzinfo=UTC), False),
            (datetime(2026, 3, 30, 6, 30, tzinfo=UTC), True),
            (datetime(2026, 3, 30, 7, 30, tzinfo=UTC), False),
        ]:
            clock = TurnedClock(moment)
            limits = Limits(file, settings_of(file), clock=clock, stop=Stop(), note=print)
            limits.up(64 * KIB)
            assert (clock.now() - moment >= timedelta(seconds=60)) == slow
    finally:
        monkeypatch.undo()
        time.tzset()


def test_an_allowance_is_used_up_by_bytes_or_by_time() -> None:
    """Bytes of all kinds count together; time counts from the beginning; without limits nothing is ever reached."""
    clock = TurnedClock()
    allowance, free = Allowance(100, 60, clock), Allowance(None, None, clock)
    for each in (allowance, free):
        each.count(99)
    assert allowance.reached() is None
    clock.turn(seconds=60)
    assert allowance.reached() is Limit.DURATION
    allowance.count(1)
    assert allowance.reached() is Limit.TRANSFER
    assert free.reached() is None


def test_a_person_who_stops_is_told_so_whatever_limit_was_reached() -> None:
    """A limit that is reached is time to stop; once a person asks too, it is the person who stopped the run."""
    stop = Stop()
    stop.heed(lambda: Limit.TRANSFER)
    assert (stop(), stop.limited, stop.heeded) == (True, True, False)
    stop.arm().receive(2)
    assert (stop(), stop.limited, stop.heeded) == (True, False, True)


def test_a_limit_gives_way_to_what_is_more_serious(capsys: pytest.CaptureFixture[str]) -> None:
    """What a limit broke off ends with 3, also when it waited; damage keeps its own code, and the limit is told."""
    wiring = Wiring(Said(max_transfer="1k"))
    wiring.limits.heed()
    assert not wiring.stop()
    wiring.limits.up(2048)
    assert wiring.stop()

    for code in (Exit.DONE, Exit.WAITING, Exit.PARTLY):
        with pytest.raises(LimitReached, match=r"1.0 KiB \(max_transfer\) is reached; 2.0 KiB were moved"):
            wiring.leave(code)
    with pytest.raises(click.exceptions.Exit) as left:
        wiring.leave(Exit.PARTLY, Exit.MISMATCH)
    assert left.value.exit_code == Exit.MISMATCH
    assert "(max_transfer) is reached" in capsys.readouterr().err
