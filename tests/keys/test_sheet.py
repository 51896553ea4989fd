import base64
import contextlib
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.errors import Exit
from glacierkeep.keys.sheet import Sheet, SheetMistyped, armored, as_html, as_text, read_typed, typed_lines
from support.keys import Pair

SECRET = "AGE-SECRET-KEY-1X4AEF6E49JJC5GAZEM7DYKP8TEXRHR3DGT9P4NFX9X8AQPRTKFJS9CEKPY"
NOW = datetime(2026, 1, 31, tzinfo=UTC)
FORMATS = Path(__file__).parents[1] / "fixtures" / "formats"


def sheet_of(secret: str, public: str | None = None) -> Sheet:
    return Sheet("main", public, secret, ["glacier://eu-west-1/photos"], NOW)


def test_it_fits_on_paper() -> None:
    """But for the QR code the sheet is ASCII in 72 columns, and says what it is, for which vault, and how to use it."""
    text = as_text(sheet_of(SECRET, "age1" + "q" * 58))
    prose, _, code = text.partition("The same key as a QR code:\n")
    assert prose.isascii()
    assert max(map(len, text.splitlines())) <= 72
    for words in (
        "2026-01-31",
        "glacier://eu-west-1/photos",
        "age1qqqq",
        "age -d -i key.txt",
        "nobody can help",
    ):
        assert words in prose
    assert set(code) <= set(" ▀▄█\n")


@pytest.mark.parametrize("archive", ["bundle-sealed.tar", "bundle-sealed-compressed.tar"])
def test_an_archive_is_opened_as_the_sheet_says(tmp_path: Path, archive: str) -> None:
    """The lines that the sheet shows, typed in a shell, open an archive with tar, age and zstd."""
    tmp_path.joinpath("key.txt").write_bytes(FORMATS.joinpath("identity.txt").read_bytes())
    shown = as_text(sheet_of(SECRET)).partition("your files:\n\n")[2].partition("\n\n")[0]
    script = "set -e\n" + shown.replace("ARCHIVE", str(FORMATS / archive))
    subprocess.run(["sh"], input=script.encode(), cwd=tmp_path, check=True)
    wanted = json.loads(FORMATS.joinpath(f"{archive}.json").read_text())
    found = subprocess.run(["tar", "-tf", tmp_path / "files.tar"], capture_output=True, check=True)
    assert len(found.stdout.splitlines()) == len(wanted) + 2


@pytest.mark.parametrize("_time", range(10))
def test_what_is_printed_can_be_typed_back(_time: int) -> None:
    """Any key comes back from its lines, in small letters, with more blanks, or from the whole sheet."""
    secret = str(pyrage.x25519.Identity.generate())
    lines = "\n".join(typed_lines(secret))
    assert read_typed(lines) == secret
    assert read_typed(lines.lower().replace(" ", "  ")) == secret
    assert read_typed(as_text(sheet_of(secret))) == secret
    assert read_typed(f" {secret[:30]} \n {secret[30:].lower()}\n") == secret


def test_every_wrong_letter_is_found() -> None:
    """Whichever letter of a line is typed wrongly, that line is named, and what was typed is not repeated."""
    lines = typed_lines(SECRET)
    for at, line in enumerate(lines[:-1]):
        start, end = line.index(": ") + 2, line.index(" = ")
        for place in range(start, end):
            if line[place] == " ":
                continue
            other = "Z" if line[place] != "Z" else "Y"
            typed = [*lines[:at], f"{line[:place]}{other}{line[place + 1 :]}", *lines[at + 1 :]]
            with pytest.raises(SheetMistyped, match=f"line {at + 1} of the sheet") as caught:
                read_typed("\n".join(typed))
            assert line[start:end] not in f"{caught.value} {caught.value.hint}"
            assert caught.value.exit is Exit.MISMATCH


def test_lines_that_are_missing_or_changed_places_are_found() -> None:
    """A missing line, two lines in each other's place, and a missing or wrong last line are all found."""
    lines = typed_lines(SECRET)
    swapped = [lines[0], lines[2].replace("3:", "2:"), lines[1].replace("2:", "3:"), *lines[3:]]
    for typed in (lines[1:], lines[:2] + lines[3:], lines[:-1], [*lines[:-1], "all = 00000000"], swapped, []):
        with pytest.raises(SheetMistyped):
            read_typed("\n".join(typed))


def test_a_protected_key(guarded: Pair) -> None:
    """The sheet of a protected key says so in capitals, holds the protected form, and gives it back as age reads it."""
    secret = guarded.file.read_text()
    text = as_text(sheet_of(secret, guarded.public))
    assert "PROTECTED BY A PASSPHRASE" in text
    assert max(map(len, text.splitlines())) <= 72
    assert b"AGE-SECRET-KEY-1" in pyrage.passphrase.decrypt(read_typed(text).encode(), "open sesame")
    with pytest.raises(SheetMistyped, match="line 1 of"):
        read_typed(text.replace("YWdlLWVu", "YWdILWVu"))


def test_armour_is_as_age_writes_it(guarded: Pair) -> None:
    """A binary age file becomes the same lines that age itself would have written."""
    secret = guarded.file.read_text()
    assert armored(base64.b64decode("".join(secret.splitlines()[1:-1]))) == secret


def test_the_page_to_print() -> None:
    """The HTML page is well-formed, shows nothing as markup, holds the lines, and draws the code."""
    page = as_html(Sheet("a<b>&", None, SECRET, ["local:<script>"], NOW))
    assert "<script>" not in page
    tree = ET.fromstring(page.removeprefix("<!DOCTYPE html>\n").replace('<meta charset="utf-8">', ""))
    text = "".join(tree.itertext())
    assert read_typed(text) == SECRET
    assert len(list(tree.iter("{http://www.w3.org/2000/svg}path"))) + len(list(tree.iter("path"))) > 0


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever is typed, reading ends with a key or with SheetMistyped."""
    with contextlib.suppress(SheetMistyped):
        assert read_typed(text)
