import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from glacierkeep.config.machine import machine_id
from glacierkeep.errors import ConfigError


def test_made_once(place: Path) -> None:
    """The id is random, private, and the same ever after."""
    file = place / "state" / "machine"
    first = machine_id(file)
    assert len(first) == 32
    assert machine_id(file) == first
    assert machine_id(place / "other") != first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_many_at_once_agree(place: Path) -> None:
    """Whoever comes first decides; nobody sees another id or half of one."""
    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda _: machine_id(place / "machine"), range(40)))
    assert len(ids) == 1
    assert [one.name for one in place.iterdir()] == ["machine"]


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 32, b"0" * 33])
def test_a_damaged_id_is_not_replaced(place: Path, content: bytes) -> None:
    """A file with anything else in it is an error: a new id would make the catalog believe it was moved."""
    file = place / "machine"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="machine's id"):
        machine_id(file)
    assert file.read_bytes() == content
