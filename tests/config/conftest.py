"""A folder with nothing in it."""

from pathlib import Path

import pytest


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An empty folder, apart from the guarded home."""
    folder = tmp_path / "place"
    folder.mkdir()
    return folder
