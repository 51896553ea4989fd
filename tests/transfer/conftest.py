"""A clock that stands still, and files to send."""

from collections.abc import Callable
from pathlib import Path

import pytest

from glacierkeep.transfer.source import StagedSource
from transfer.ordered import TurnedClock


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def on_disk(tmp_path: Path) -> Callable[[bytes], StagedSource]:
    """From bytes to a source that reads them from a file named ``source``."""

    def make(content: bytes) -> StagedSource:
        (tmp_path / "source").write_bytes(content)
        return StagedSource(tmp_path / "source")

    return make
