import os
from pathlib import Path

from glacierkeep.config.paths import find_homes


def test_no_test_can_reach_the_real_home(gk, tmp_path: Path, guarded_home: Path) -> None:
    """Whatever a command reads or writes lies below the test's own folder."""
    result = gk("config", "path", "--json")
    for field, place in result.objects[0].items():
        assert field in ("schema", "type") or Path(place).is_relative_to(tmp_path)
    assert Path.home() == guarded_home
    assert not [name for name in os.environ if name.startswith("AWS_")]


def test_homes_apart_lie_below_the_guarded_home(guarded_home: Path, monkeypatch) -> None:
    """Without GK_HOME each kind of thing has its own place, and in tests these places are guarded too."""
    monkeypatch.delenv("GK_HOME")
    homes = find_homes(os.environ)
    places = {homes.config_file.parent, homes.catalog.parent, homes.staging.parent, homes.log.parent}
    assert len(places) == 4
    assert all(place.is_relative_to(guarded_home) for place in places)
