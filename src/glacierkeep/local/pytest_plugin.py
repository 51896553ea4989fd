"""A local Glacier for each test that wants one: ``pytest_plugins = ["glacierkeep.local.pytest_plugin"]``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from glacierkeep.local.testing import Served, local_glacier


@pytest.fixture
def glacier_options() -> dict[str, Any]:
    """What `local_glacier` is called with, such as ``{"realistic": True}``: to be overridden."""
    return {}


@pytest.fixture
def glacier(tmp_path: Path, glacier_options: dict[str, Any]) -> Iterator[Served]:
    """A local Glacier of the test's own, served on loopback, and empty."""
    with local_glacier(tmp_path / "glacier", **glacier_options) as served:
        yield served


@pytest.fixture
def realistic_glacier(tmp_path: Path, glacier_options: dict[str, Any]) -> Iterator[Served]:
    """As `glacier`, with jobs and inventories that take hours of its time."""
    with local_glacier(tmp_path / "realistic-glacier", **{**glacier_options, "realistic": True}) as served:
        yield served
