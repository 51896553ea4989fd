"""Names that break careless programs, archived, listed and brought back by the real command."""

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from support.compare import differences, facts_of
from support.oddities import LONG_PATH, make_long_path, make_odd_names
from support.runner import Gk

VAULT = "local:names"


@pytest.fixture
def odd(tmp_path: Path, gk: Gk) -> tuple[Path, list[bytes]]:
    """A folder full of odd names, archived, and the names in it."""
    root = tmp_path / "odd"
    root.mkdir()
    names = make_odd_names(root)
    make_long_path(root)
    assert gk("upload", root, "-V", VAULT).exit_code == 0
    return root, names


def _path_of(said: dict[str, Any]) -> bytes:
    """The bytes of the path a JSON line names."""
    given = said.get("path_b64")
    if given is None:
        return str(said["path"]).encode()
    return base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))


def test_every_odd_name_comes_back_as_it_was(odd: tuple[Path, list[bytes]], gk: Gk, tmp_path: Path) -> None:
    """Whatever a file or folder is called, retrieving gives it back under the same bytes, with the same content."""
    root, _ = odd

    result = gk("retrieve", "odd", "--to", tmp_path / "back")

    assert (result.exit_code, result.stdout) == (0, "")
    assert differences(root, tmp_path / "back" / "odd") == []
    assert len(LONG_PATH) == 4000
    assert LONG_PATH in facts_of(tmp_path / "back" / "odd")


def test_json_names_every_path_exactly(odd: tuple[Path, list[bytes]], gk: Gk) -> None:
    """`gk ls -r --json` gives each name's bytes: as text if it is UTF-8, else in base64."""
    root, _ = odd

    listed = gk("ls", "-r", "odd", "--json")

    assert listed.exit_code == 0
    assert listed.stdout.isascii()
    paths = {_path_of(said) for said in listed.objects}
    assert paths == {b"odd/" + path if path else b"odd" for path in facts_of(root)}


@pytest.mark.parametrize("tty", [False, True], ids=["piped", "terminal"])
def test_people_see_each_name_on_one_line_without_raw_controls(
    odd: tuple[Path, list[bytes]], gk: Gk, tty: bool
) -> None:
    """In tables every file has one line; nothing in a name can move the cursor, colour text or hide."""
    root, _ = odd

    listed = gk("ls", "-r", "odd", tty=tty, env={"COLUMNS": "6000"})

    assert listed.exit_code == 0
    rows = listed.stdout.splitlines()[1:]
    assert len(rows) == len(facts_of(root))
    assert all(row.isprintable() for row in rows)
    whole = "\n".join(rows)
    assert "odd/[bold red]markup[link=x] [reset] [[ ]] :smile:" in whole
    assert "odd/folders/[bold]x[/bold]" in whole
    assert "two\\nlines\\n.txt" in whole
    assert "\\x1b[31mred\\x1b[0m \\x07 bell \\x7f del" in whole
    assert "\\u{202e}\\u{200b}\\u{2028}\\u{feff}" in whole


def test_each_name_can_be_given_on_the_command_line(
    odd: tuple[Path, list[bytes]], gk: Gk, tmp_path: Path
) -> None:
    """A name is found by its own bytes, though it looks like an option, a pattern or an archive."""
    root, names = odd
    back = tmp_path / "back"

    shown = gk("ls", "--json", *(b"odd/" + name for name in names))
    result = gk("retrieve", "--to", back, *(b"odd/" + name for name in names))

    assert [_path_of(said) for said in shown.objects] == [b"odd/" + name for name in names]
    assert result.exit_code == 0
    assert sorted(os.listdir(os.fsencode(back / "odd"))) == names
    for name in names:
        here, there = (os.path.join(os.fsencode(top), name) for top in (root, back / "odd"))
        assert Path(os.fsdecode(there)).read_bytes() == Path(os.fsdecode(here)).read_bytes()


def test_odd_names_are_unchanged_the_second_time(odd: tuple[Path, list[bytes]], gk: Gk) -> None:
    """No odd name is taken for new or gone when nothing has happened."""
    root, _ = odd

    again = gk("upload", root, "--json").the("upload-outcome")

    assert (again["new"], again["changed"], again["gone"], again["archives"]) == (0, 0, 0, 0)


@pytest.mark.parametrize("name", [b"-rf", b"[bold]x[red]\n\x1b[31m", b"\xff\xfe", b"n" * 255, b"*"])
def test_a_root_of_an_odd_name(gk: Gk, tmp_path: Path, name: bytes) -> None:
    """A folder of an odd name becomes a root with a label that can be typed, and comes back."""
    root = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name)))
    root.mkdir()
    (root / "a").write_bytes(b"a")

    sent = gk("upload", "--json", "-V", VAULT, "--", b"./" + name, cwd=tmp_path).the("upload-outcome")
    result = gk("retrieve", "--to", tmp_path / "back", "--", sent["root"])

    assert result.exit_code == 0
    assert sent["root"].isprintable()
    assert differences(root, tmp_path / "back" / sent["root"]) == []


def test_trouble_with_an_odd_name_is_one_line_too(gk: Gk, tmp_path: Path) -> None:
    """A message about a name shows it escaped, on one line."""
    root = tmp_path / "odd"
    root.mkdir()
    os.mkfifo(os.fsencode(root) + b"/\x1b[31m[bold]\nfifo")

    result = gk("upload", root, "-v", "-V", VAULT)

    assert result.exit_code == 0
    assert all(line.isprintable() for line in result.stderr.splitlines())
    assert "odd/\\x1b[31m[bold]\\nfifo" in result.stderr
