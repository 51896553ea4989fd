import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from glacierkeep.config import edit
from glacierkeep.config.keys import split_key
from glacierkeep.config.load import load
from glacierkeep.errors import ConfigError

COMMENTED = """# kept
default_vault = "a" # mine

[vault.a]     # the first
url   =   'local:a'

[upload]
jobs = 3 # three
"""


def test_comments_order_and_spelling_are_kept(place: Path) -> None:
    """A change touches what it changes and nothing else."""
    file = place / "config.toml"
    file.write_text(COMMENTED)
    edit.set_word(file, ("upload", "jobs"), "5")
    assert file.read_text() == COMMENTED.replace("jobs = 3 # three", "jobs = 5 # three")


def test_new_keys_and_tables(place: Path) -> None:
    """Keys come into their tables, tables after those that are there, and the result says what was set."""
    file = place / "deep" / "config.toml"
    edit.set_word(file, ("default_vault",), "local:x")
    edit.add_vault(file, "x.y", {"url": "local:y", "profile": "p"}, default=False)
    edit.set_word(file, split_key("vault.x.y.part_size"), "8MiB")
    edit.set_word(file, split_key("budget.month"), "5.00")
    edit.set_word(file, split_key("upload.exclude"), "'a b' c")
    edit.set_word(file, split_key("profile.work.vault.x.y.tier"), "Bulk")
    assert "month = 5.00" in file.read_text()
    settings = load(file, environment={}, profile="work").settings
    assert settings.default_vault == "local:x"
    assert settings.vaults["x.y"].part_size == 8 * 1024**2
    assert settings.vaults["x.y"].tier == "Bulk"
    assert settings.upload.exclude == ("a b", "c")


def test_recipients_come_and_go(place: Path) -> None:
    """Recipients are added once and taken out alone; a vault that is not configured comes with its url."""
    file = place / "config.toml"
    file.write_text(COMMENTED)
    edit.change_recipients(file, "a", "local:a", add=["age1one", "age1two"])
    edit.change_recipients(file, "a", "local:a", add=["age1three", "age1two"], remove=["age1one", "never"])
    edit.change_recipients(file, "b", "local:b", add=["age1one"])
    assert file.read_text().startswith(COMMENTED[: COMMENTED.index("[upload]")].rstrip())
    vaults = load(file, environment={}).settings.vaults
    assert vaults["a"].recipients == ("age1two", "age1three")
    assert (str(vaults["b"].url), vaults["b"].recipients) == ("local:b", ("age1one",))


def test_identity_files_are_added_once(place: Path) -> None:
    """An identity file comes to the end of the list, whatever is there already, and is not added again."""
    file = place / "config.toml"
    file.write_text('[keys]\nidentity_files = [\n  "/a", # on the stick\n]\n')
    for name in ("/b", "/a", "/b"):
        edit.add_identity_file(file, Path(name))
    assert load(file, environment={}).settings.keys.identity_files == (Path("/a"), Path("/b"))
    assert "# on the stick" in file.read_text()


def test_a_top_key_comes_before_the_tables(place: Path) -> None:
    """A default vault set late does not fall into the last table."""
    file = place / "config.toml"
    file.write_text("# hello\n[vault.a]\nurl = 'local:a'\n")
    assert edit.set_first_default(file, "a")
    assert not edit.set_first_default(file, "local:b")
    assert load(file, environment={}).settings.default_vault == "a"


def test_removing_a_vault_takes_the_default_with_it(place: Path) -> None:
    """A default that names nothing is never left behind."""
    file = place / "config.toml"
    file.write_text(COMMENTED)
    edit.remove_vault(file, "a")
    edit.remove_vault(file, "never there")
    text = file.read_text()
    assert "vault" not in text
    assert "jobs = 3 # three" in text


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("upload.jobs", "many"),
        ("vault.a.url", "nonsense"),
        ("vault.b.tier", "Bulk"),
        ("default_vault", "b"),
        ("nothing", "1"),
        ("vault", "1"),
        ("", "1"),
        ("upload.jobs.more", "1"),
        ("profile.x.profile.y.upload.jobs", "1"),
    ],
)
def test_what_would_not_be_valid_is_not_written(place: Path, key: str, word: str) -> None:
    """A refused change leaves the file as it was, byte for byte."""
    file = place / "config.toml"
    file.write_text(COMMENTED)
    with pytest.raises(ConfigError):
        edit.set_word(file, split_key(key), word)
    assert file.read_text() == COMMENTED
    assert os.listdir(place) == ["config.toml"]


def test_a_broken_file_is_not_edited(place: Path) -> None:
    """A file with a fault is left for the person to mend."""
    file = place / "config.toml"
    file.write_text("[upload]\njbos = 3\n")
    with pytest.raises(ConfigError, match="line 2"):
        edit.set_word(file, ("upload", "jobs"), "3")
    assert file.read_text() == "[upload]\njbos = 3\n"


def test_only_the_owner_can_read_it(place: Path) -> None:
    """File and folder are made private, and the file becomes so when written."""
    file = place / "new" / "config.toml"
    edit.set_word(file, ("upload", "jobs"), "3")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_symlink_stays_one(place: Path) -> None:
    """A config.toml kept elsewhere, as in a repository of dotfiles, is written there."""
    there = place / "dotfiles.toml"
    there.write_text("")
    file = place / "config.toml"
    file.symlink_to(there)
    edit.set_word(file, ("upload", "jobs"), "3")
    assert file.is_symlink()
    assert "jobs = 3" in there.read_text()


def test_processes_at_once_lose_nothing(place: Path) -> None:
    """Two gks that change the file at the same time both have their way."""
    file = place / "config.toml"
    code = (
        "import sys; from pathlib import Path; from glacierkeep.config import edit\n"
        "for at in range(15):\n"
        "    edit.add_vault(Path(sys.argv[1]), f'{sys.argv[2]}{at}', {'url': 'local:x'}, default=False)"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, str(file), name]) for name in ("a", "b")]
    assert [child.wait() for child in children] == [0, 0]
    assert len(load(file, environment={}).settings.vaults) == 30
