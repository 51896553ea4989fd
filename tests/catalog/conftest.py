"""A catalog on disk, and a clock that is turned by hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from catalog.keeping import HandClock, Kept, keep

from glacierkeep.catalog import Catalog


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "catalog.db"


@pytest.fixture
def catalog(path: Path, clock: HandClock) -> Iterator[Catalog]:
    catalog = Catalog.open(path, clock=clock, machine="here")
    yield catalog
    catalog.close()


@pytest.fixture
def kept(catalog: Catalog, clock: HandClock) -> Kept:
    return keep(catalog, clock)
