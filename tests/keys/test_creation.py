import errno
import os
import stat
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from glacierkeep.keys.creation import keep_in_file, keep_in_keyring, make_identity
from glacierkeep.keys.identities import Identities
from glacierkeep.keys.recipients import Recipients
from glacierkeep.keys.sources import IdentityFile, InKeyring
from glacierkeep.keys.writing import write_new
from support.keys import MemoryRing, age_at_terminal, age_opens, age_seals, keyring_of

NOW = datetime(2026, 1, 31, 10, 20, 30, 123456, tzinfo=UTC)


def test_age_keygen_and_age_know_it(tmp_path: Path) -> None:
    """A new identity's file is as age-keygen writes them: it tells the public key, and age opens with it."""
    fresh = make_identity("main", now=NOW)
    public_file = keep_in_file(fresh, tmp_path / "main.txt")
    file = tmp_path / "main.txt"
    told = subprocess.run(["age-keygen", "-y", file], capture_output=True, text=True, check=True).stdout
    assert told.strip() == fresh.public == public_file.read_text().strip()
    assert age_opens(Recipients.parse([fresh.public]).seal(b"x"), file) == b"x"
    lines = file.read_text().splitlines()
    assert lines[1:3] == ["# created: 2026-01-31T10:20:30Z", f"# public key: {fresh.public}"]


def test_it_is_private(tmp_path: Path) -> None:
    """The file is for its owner alone, whatever the umask, and nothing else is left in the folder."""
    before = os.umask(0)
    try:
        keep_in_file(make_identity("main", now=NOW), tmp_path / "main.txt")
    finally:
        os.umask(before)
    assert stat.S_IMODE(tmp_path.joinpath("main.txt").stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == ["main.pub", "main.txt"]


@pytest.mark.parametrize("there", ["main.txt", "main.pub"])
def test_nothing_is_overwritten(tmp_path: Path, there: str) -> None:
    """If the file, or the one for the public key, is there, both stay as they are, and nothing is made."""
    tmp_path.joinpath(there).write_text("before")
    with pytest.raises(FileExistsError):
        keep_in_file(make_identity("main", now=NOW), tmp_path / "main.txt")
    assert os.listdir(tmp_path) == [there]
    assert tmp_path.joinpath(there).read_text() == "before"


def test_a_link_that_leads_nowhere_is_not_followed(tmp_path: Path) -> None:
    """A symlink in the place of the new file is something that is there already."""
    tmp_path.joinpath("main.txt").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "main.txt", b"x")
    assert not tmp_path.joinpath("elsewhere").exists()


def test_where_there_are_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system without hard links the file is written all the same, privately, and never over another."""

    def refuse(source: str, target: str) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    write_new(tmp_path / "key", b"x")
    assert tmp_path.joinpath("key").read_bytes() == b"x"
    assert stat.S_IMODE(tmp_path.joinpath("key").stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "key", b"y")
    assert os.listdir(tmp_path) == ["key"]


def test_one_with_a_passphrase(tmp_path: Path) -> None:
    """A protected identity shows no secret, opens by its passphrase here, and `age -d` opens it too."""
    fresh = make_identity("main", now=NOW)
    file = tmp_path / "main.txt"
    keep_in_file(fresh, file, passphrase="open sesame")
    assert b"SECRET" not in file.read_bytes()
    identities = Identities([IdentityFile(file)], ask=lambda question: "open sesame")
    assert identities.open(age_seals(b"x", fresh.public)) == b"x"
    assert age_at_terminal(["-d", file], ["open sesame"]).decode() == fresh.text


def test_one_in_the_keyring() -> None:
    """Identities that are kept in the keyring stand beside each other there, and each opens."""
    made = [make_identity(name, now=NOW) for name in ("one", "two")]
    with keyring_of(MemoryRing()):
        for fresh in made:
            keep_in_keyring(fresh)
        identities = Identities([InKeyring()], ask=lambda question: "")
        assert [identities.open(age_seals(b"x", fresh.public)) for fresh in made] == [b"x", b"x"]


def test_each_is_another() -> None:
    """Two identities made at the same moment differ, and neither shows its secret."""
    one, two = (make_identity("main", now=NOW) for _ in range(2))
    assert one.public != two.public
    assert "SECRET" not in repr(one)
