import stat
from pathlib import Path

import pytest

from glacierkeep.config.paths import find_homes, make_private
from glacierkeep.errors import ConfigError


def test_gk_home_holds_everything(tmp_path: Path) -> None:
    """With GK_HOME every place lies below that folder, under the names of the contract."""
    homes = find_homes({"GK_HOME": str(tmp_path)})
    assert homes.config_file == tmp_path / "config.toml"
    assert homes.catalog == tmp_path / "catalog.db"
    assert (homes.local, homes.staging, homes.log) == (
        tmp_path / "local",
        tmp_path / "staging",
        tmp_path / "log",
    )


def test_gk_home_may_be_relative_or_begin_with_a_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Places are absolute whatever GK_HOME looks like, so that a change of folder cannot move them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert find_homes({"GK_HOME": "x/../gk"}).catalog == tmp_path / "gk" / "catalog.db"
    assert find_homes({"GK_HOME": "~/gk"}).catalog == tmp_path / "me" / "gk" / "catalog.db"


def test_a_home_that_cannot_be(tmp_path: Path) -> None:
    """A NUL byte is refused with a sentence."""
    with pytest.raises(ConfigError):
        find_homes({"GK_HOME": "a\0b"})


def test_folders_are_made_private_and_late(tmp_path: Path) -> None:
    """Finding homes makes nothing; making one makes it for its owner only."""
    homes = find_homes({"GK_HOME": str(tmp_path / "gk")})
    assert list(tmp_path.iterdir()) == []
    assert stat.S_IMODE(make_private(homes.staging).stat().st_mode) == 0o700
