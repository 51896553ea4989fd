"""Where attacks are told from what they must not touch."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.compare import facts_of


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A folder beside the targets, which must be as it was; nothing else may lie beside them either."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    before = facts_of(outside)
    yield outside
    assert facts_of(outside) == before
    beside = {each.name for each in tmp_path.iterdir()} - {"outside", "world", "gk"}
    assert all(name.startswith("back") for name in beside), beside
