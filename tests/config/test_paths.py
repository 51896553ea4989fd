import stat
from pathlib import Path

import pytest

from glacierkeep.config.paths import find_homes, make_private
from glacierkeep.errors import ConfigError


def test_gk_home_holds_everything(place: Path) -> None:
    """With GK_HOME every place lies below that folder, under the names of the contract."""
    homes = find_homes({"GK_HOME": str(place)})
    assert homes.config_file == place / "config.toml"
    assert homes.catalog == place / "catalog.db"
    assert (homes.local, homes.staging, homes.log) == (
        place / "local",
        place / "staging",
        place / "log",
    )


def test_gk_home_may_be_relative_or_begin_with_a_tilde(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Places are absolute whatever GK_HOME looks like, so that a change of folder cannot move them."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("HOME", str(place / "me"))
    assert find_homes({"GK_HOME": "x/../gk"}).catalog == place / "gk" / "catalog.db"
    assert find_homes({"GK_HOME": "~/gk"}).catalog == place / "me" / "gk" / "catalog.db"


def test_a_home_that_cannot_be(place: Path) -> None:
    """A NUL byte is refused with a sentence."""
    with pytest.raises(ConfigError):
        find_homes({"GK_HOME": "a\0b"})


def test_folders_are_made_private_and_late(place: Path) -> None:
    """Finding homes makes nothing; making one makes it for its owner only."""
    homes = find_homes({"GK_HOME": str(place / "gk")})
    assert list(place.iterdir()) == []
    assert stat.S_IMODE(make_private(homes.staging).stat().st_mode) == 0o700
