"""A computer whose clock is ten minutes off."""

from datetime import timedelta
from pathlib import Path

import pytest

from glacierkeep.clock import SystemClock
from glacierkeep.domain.patience import Patience
from glacierkeep.domain.vault import parse_address
from glacierkeep.errors import Exit
from glacierkeep.events import Noted
from glacierkeep.local.testing import Key, Keys, local_glacier
from glacierkeep.stores.glacier.client import connect
from glacierkeep.stores.patient import PatientStore
from support.clock import TurnedClock
from support.world import World

KEY = Key("AKIAGOOD", "right", "012345678901")


@pytest.mark.parametrize("minutes", [10, -10])
def test_a_clock_that_is_ten_minutes_off(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    """Files go and come back against a service that judges signatures; what is wrong with the clock is told once."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY.id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY.secret)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    root = tmp_path / "root"
    root.mkdir()
    (root / "big").write_bytes(bytes(range(256)) * 20_000)
    (root / "small").write_text("small")
    right = SystemClock()
    wrong = TurnedClock(right.now() + timedelta(minutes=minutes))
    told = world.told
    with local_glacier(tmp_path / "glacier", keys=Keys([KEY])) as glacier:
        plain = connect(parse_address("glacier://us-east-1/photos"), endpoint_url=glacier.url, now=wrong.now)
        store = PatientStore(
            plain, patience=Patience(retry_for=5.0), clock=wrong, tell=told.append, stop=lambda: False
        )
        store.create_vault()
        assert world.upload(root, store=store).exit is Exit.DONE
        back = world.retrieve("root", to=tmp_path / "back", store=store, wait=True)
        assert abs(store.now() - right.now()) < timedelta(minutes=1)
    assert back.exit is Exit.DONE
    for name in ("big", "small"):
        assert (tmp_path / "back" / "root" / name).read_bytes() == (root / name).read_bytes()
    notes = [event.sentence for event in told if isinstance(event, Noted) and event.code == "clock-wrong"]
    assert len(notes) == 1
    assert "10 minutes" in notes[0]
