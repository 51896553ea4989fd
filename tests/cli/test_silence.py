"""Cron-clean: silent when all is well, one clear line when not."""

from pathlib import Path

import pytest

from glacierkeep.errors import Exit
from support.runner import Gk

NOTE = "gk: local:photos is a folder on this machine: nothing leaves it\n"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    folder.joinpath("a.jpg").write_bytes(b"picture" * 1000)
    folder.joinpath("empty").touch()
    return folder


@pytest.fixture
def slow(gk: Gk) -> Gk:
    """gk whose local vault photos takes the service's hours."""
    gk.home.mkdir()
    gk.home.joinpath("config.toml").write_text(
        'default_vault = "photos"\n[vault.photos]\nurl = "local:photos"\nrealistic = true\n'
    )
    return gk


def test_a_cron_job_hears_nothing(slow: Gk, photos: Path, tmp_path: Path) -> None:
    """upload, retrieve, poll, sync, verify and delete say nothing at all, except that local: stays on this machine."""
    back = tmp_path / "back"
    said = [
        (slow("upload", photos), Exit.DONE, NOTE),
        (slow("upload", photos), Exit.DONE, NOTE),
        (slow("verify"), Exit.DONE, ""),
        (slow("poll"), Exit.DONE, ""),
        (slow("local", "advance", "2d"), Exit.DONE, ""),
        (slow("retrieve", "photos", "--to", back), Exit.WAITING, ""),
        (slow("sync-inventory"), Exit.WAITING, ""),
        (slow("poll"), Exit.DONE, ""),
        (slow("local", "advance", "5h"), Exit.DONE, ""),
        (slow("poll"), Exit.DONE, ""),
        (slow("poll"), Exit.DONE, ""),
    ]
    for at, (result, code, stderr) in enumerate(said):
        assert (result.exit_code, result.stdout, result.stderr) == (code, "", stderr), at
    assert (back / "photos/a.jpg").read_bytes() == b"picture" * 1000


def test_deeds_at_once_are_silent_too(gk: Gk, photos: Path, tmp_path: Path) -> None:
    """With jobs that are done at once, the same: nothing but the note about the local vault."""
    for words, stderr in (
        (("upload", photos), NOTE),
        (("retrieve", "photos", "--to", tmp_path / "back", "--wait"), ""),
        (("sync-inventory", "--wait"), ""),
        (("poll",), ""),
        (("delete", "photos/a.jpg", "--yes"), ""),
    ):
        result = gk(*words, env={"GK_VAULT": "local:photos"})
        assert (result.exit_code, result.stdout, result.stderr) == (Exit.DONE, "", stderr), words


def test_quiet_leaves_out_the_note(gk: Gk, photos: Path) -> None:
    """-q says nothing at all."""
    result = gk("upload", photos, "-q", env={"GK_VAULT": "local:photos"})
    assert (result.exit_code, result.stdout, result.stderr) == (Exit.DONE, "", "")


def test_trouble_is_a_line_for_each(gk: Gk, photos: Path, tmp_path: Path) -> None:
    """What went wrong is named, a line for each; the rest is silent."""
    gk("upload", photos, "-V", "local:photos", "-q")
    back = tmp_path / "back/photos"
    back.mkdir(parents=True)
    back.joinpath("a.jpg").write_text("mine")
    result = gk("retrieve", "photos", "--to", tmp_path / "back")
    assert (result.exit_code, result.stdout) == (Exit.PARTLY, "")
    (line,) = result.stderr.splitlines()
    assert "photos/a.jpg" in line


def test_questions_are_answered_though_nobody_watches(gk: Gk, photos: Path) -> None:
    """ls, find, show, du, status and jobs are asked for their answer: that they print."""
    gk("upload", photos, "-V", "local:photos", "-q")
    for words in (("ls",), ("find", "a"), ("show", "photos/a.jpg"), ("du",), ("status",)):
        result = gk(*words)
        assert (result.exit_code, result.stderr) == (Exit.DONE, ""), words
        assert result.stdout, words


def test_no_line_of_json_but_json(slow: Gk, photos: Path, tmp_path: Path) -> None:
    """With --json everything is an object on standard output, notes and waiting included."""
    for words in (
        ("upload", photos),
        ("retrieve", "photos", "--to", tmp_path / "back"),
        ("poll",),
        ("sync-inventory",),
        ("delete", "photos", "--dry-run"),
        ("delete", "photos"),
    ):
        result = slow(*words, "--json")
        assert result.stderr == "", words
        assert all(line["schema"] == "gk/1" for line in result.objects), words
