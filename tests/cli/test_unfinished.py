"""Uploads that were broken off, as a person and a cron job meet them: gk status and gk upload --abandon."""

import os
from pathlib import Path

import pytest

from glacierkeep.domain.limits import MIB
from glacierkeep.errors import Exit
from support.runner import Gk, Result

CONFIG = """default_vault = "photos"
[vault.photos]
url = "local:photos"
part_size = "1MiB"
bundle_threshold = "1MiB"
[upload]
jobs = 1
"""
BROKEN = {"GK_LOCAL_FAULTS": "'no-longer-supported UploadMultipartPart after=2'"}


@pytest.fixture
def photos(gk: Gk, tmp_path: Path) -> Path:
    """A folder with a file of four parts in it."""
    gk.home.mkdir()
    gk.home.joinpath("config.toml").write_text(CONFIG)
    folder = tmp_path / "my photos"
    folder.mkdir()
    folder.joinpath("big.raw").write_bytes(os.urandom(4 * MIB))
    return folder


def broken_off(gk: Gk, folder: Path, label: str = "photos") -> Result:
    """An upload that ends after two parts."""
    [file] = folder.iterdir()
    return gk("upload", file, "--label", label, "-q", env=BROKEN)


def test_status_names_what_goes_on(gk: Gk, photos: Path) -> None:
    """Name, how much was sent, since when, and the command that goes on with it, quoted for a shell."""
    assert broken_off(gk, photos).exit_code != 0
    lines = gk("status").stdout.splitlines()
    at = lines.index(
        "  open       1 upload to be finished; gk upload --abandon ends what is not wanted any more"
    )
    assert lines[at + 1].startswith("    photos/big.raw: 2.0 MiB of 4.0 MiB sent, begun 20")
    assert lines[at + 1].endswith(f"; gk upload '{photos}' goes on")
    assert gk("upload", photos, "-q").exit_code == 0
    assert "upload" not in gk("status").stdout


def test_status_for_programs(gk: Gk, photos: Path) -> None:
    """With --json each unfinished upload is a line of its own."""
    broken_off(gk, photos)
    told = gk("status", "--json")
    assert told.the("status")["vaults"][0]["unfinished_uploads"] == 1
    upload = told.the("upload-listed")
    assert (upload["path"], upload["size"], upload["acknowledged"]) == ("photos/big.raw", 4 * MIB, 2 * MIB)
    assert (upload["state"], upload["resumable"], upload["uncertain"]) == ("open", True, False)


def test_status_stays_short(gk: Gk, tmp_path: Path, photos: Path) -> None:
    """Ten are shown and how many more there are; -v shows them all."""
    for at in range(12):
        folder = tmp_path / f"folder{at}"
        folder.mkdir()
        folder.joinpath("big").write_bytes(os.urandom(MIB + 1))
        gk(
            "upload",
            folder / "big",
            "-q",
            env={"GK_LOCAL_FAULTS": "'no-longer-supported UploadMultipartPart'"},
        )
    short, long = gk("status").stdout, gk("status", "-v").stdout
    assert "12 uploads to be finished" in short
    assert (short.count(" goes on"), long.count(" goes on")) == (10, 12)
    assert "    and 2 more; -v shows them all\n" in short
    assert "more" not in long.replace("any more", "")


def test_abandon_in_cron(gk: Gk, photos: Path) -> None:
    """Away from a terminal it asks for --yes and changes nothing; with it, it is silent, and again is well too."""
    broken_off(gk, photos)
    refused = gk("upload", "--abandon")
    assert (refused.exit_code, refused.stdout) == (Exit.FAILED, "")
    assert "give --yes" in refused.stderr
    assert "2.0 MiB of 4.0 MiB sent" in refused.stderr
    assert gk("status", "--json").the("upload-listed")["state"] == "open"
    for _ in range(2):
        done = gk("upload", "--abandon", "--yes")
        assert (done.exit_code, done.stdout, done.stderr) == (Exit.DONE, "", "")
    assert "upload" not in gk("status").stdout


def test_abandon_at_a_terminal(gk: Gk, photos: Path) -> None:
    """It lists what it would end and asks; a no leaves all as it is, a yes ends it and says so."""
    broken_off(gk, photos)
    no = gk("upload", "--abandon", photos, tty=True, input="n\n")
    assert no.exit_code == Exit.FAILED
    assert "photos/big.raw: 2.0 MiB of 4.0 MiB sent" in no.stdout
    assert "local:photos: would end 1 upload (2.0 MiB sent)" in no.stdout
    yes = gk("upload", "--abandon", photos, tty=True, input="y\n")
    assert yes.exit_code == Exit.DONE
    assert "local:photos: ended 1 upload (2.0 MiB sent)\n" in yes.stdout
    nothing = gk("upload", "--abandon", photos, tty=True)
    assert nothing.stdout == "local:photos: nothing to end\n"


def test_abandon_foretold(gk: Gk, photos: Path) -> None:
    """--dry-run lists what would be ended, for people and programs, and ends nothing."""
    broken_off(gk, photos)
    for _ in range(2):
        told = gk("upload", "--abandon", "--dry-run")
        assert (told.exit_code, told.stderr) == (Exit.DONE, "")
        first, second = told.stdout.splitlines()
        assert first.startswith("photos/big.raw: 2.0 MiB of 4.0 MiB sent")
        assert second == "local:photos: would end 1 upload (2.0 MiB sent)"
    lines = gk("upload", "--abandon", "--dry-run", "--json").the("uploads-abandoned")
    assert (lines["dry_run"], lines["uploads"], lines["found"][0]["path"]) == (True, 1, "photos/big.raw")


def test_words_that_make_no_sense(gk: Gk, photos: Path, tmp_path: Path) -> None:
    """Paths may be left out with --abandon only; --as and a label of no standard input do not go with it."""
    without = gk("upload")
    assert (without.exit_code, "Missing argument 'PATH... | -'" in without.stderr) == (Exit.USAGE, True)
    assert gk("upload", "--abandon", "-", "--as", "x").exit_code == Exit.USAGE
    assert gk("upload", "--abandon", photos, "--label", "x").exit_code == Exit.USAGE
    assert gk("upload", photos, "-q").exit_code == 0
    assert gk("upload", "--abandon", tmp_path).exit_code == Exit.FAILED
    assert gk("upload", "--abandon", "-").exit_code == Exit.FAILED
