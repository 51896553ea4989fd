"""A catalog on disk, and a clock that is turned by hand."""

import shutil
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
    return tmp_path / "records" / "catalog.db"


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog as it is made, for copying: making one takes a third of a second."""
    path = tmp_path_factory.mktemp("empty") / "catalog.db"
    Catalog.open(path, clock=HandClock(), machine="here").close()
    return path


@pytest.fixture
def catalog(path: Path, clock: HandClock, empty: Path) -> Iterator[Catalog]:
    path.parent.mkdir()
    shutil.copy(empty, path)
    catalog = Catalog.open(path, clock=clock, machine="here")
    yield catalog
    catalog.close()


@pytest.fixture
def kept(catalog: Catalog, clock: HandClock) -> Kept:
    return keep(catalog, clock)
