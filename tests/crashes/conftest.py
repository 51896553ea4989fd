"""Rooms for runs that are killed a hundred times over."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

collect_ignore = [] if sys.platform == "linux" else ["test_power_loss.py", "test_spoilt_disks.py"]

_IN_MEMORY = Path("/dev/shm")


@pytest.fixture
def quick_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is such a thing: a killed process, unlike a power cut, needs no syncing."""
    if not _IN_MEMORY.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=_IN_MEMORY) as folder:
        yield Path(folder)
