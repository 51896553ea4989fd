"""The schema, its migrations, and upgrading."""

import sqlite3
import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from catalog.keeping import HandClock, Kept, a_file
from glacierkeep.catalog import Catalog
from glacierkeep.catalog.connections import APPLICATION_ID, open_pool
from glacierkeep.catalog.migrating import revisions
from glacierkeep.catalog.schema import HEAD
from glacierkeep.catalog.schema_work import whole
from glacierkeep.catalog.upgrade import back_up, upgrade
from glacierkeep.errors import CatalogOutdated, CatalogUnusable, DiskTrouble

FIXTURES = Path(__file__).parents[1] / "fixtures" / "catalog"


def schema_of(path: Path) -> set[tuple[str, str, str]]:
    """Every table and index of the file at *path*, blanks aside."""
    with sqlite3.connect(path) as raw:
        rows = raw.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master").fetchall()
    raw.close()
    return {(kind, name, "".join(sql.split()).replace("STRICT", "")) for kind, name, sql in rows}


def test_head_is_alembics_head() -> None:
    """The constant that saves importing alembic names the newest revision."""
    assert revisions()[0] == HEAD


def test_the_migrations_make_what_the_tables_say(catalog: Catalog, path: Path) -> None:
    """After all migrations nothing is left for alembic to add, drop or change."""
    assert catalog.id
    engine = open_pool(path)
    with engine.connect() as connection:
        assert (
            compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), whole) == []
        )
    engine.dispose()


@pytest.mark.parametrize("fixture", sorted(FIXTURES.glob("*.sql")), ids=lambda fixture: fixture.stem)
def test_every_released_schema_is_upgraded(fixture: Path, path: Path, clock: HandClock, empty: Path) -> None:
    """A catalog of each released schema becomes one of the present schema and keeps its records."""
    path.parent.mkdir()
    with sqlite3.connect(path) as raw:
        raw.executescript(fixture.read_text("utf-8"))
    raw.close()
    assert (upgrade(path, clock=clock) is None) == (fixture.stem == HEAD)
    assert schema_of(path) == schema_of(empty)
    catalog = Catalog.open(path, clock=clock, machine="here")
    with catalog.read() as records:
        (root,) = records.roots.all()
    assert [version.path for version in catalog.versions_below(root, b"")] == [
        b"photos",
        b"photos/caf\xe9.jpg",
    ]
    catalog.close()


def test_there_is_a_fixture_of_the_present_schema() -> None:
    """Whoever adds a revision adds its fixture."""
    assert (FIXTURES / f"{HEAD}.sql").exists()


def test_an_older_catalog_is_backed_up_and_upgraded(path: Path, clock: HandClock, empty: Path) -> None:
    """The backup holds the catalog as it was; afterwards the schema is the newest."""
    path.parent.mkdir()
    raw = sqlite3.connect(path)
    raw.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    raw.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    raw.commit()
    raw.close()
    with pytest.raises(CatalogOutdated):
        Catalog.open(path, clock=clock, machine="here")
    backup = upgrade(path, clock=clock)
    assert backup is not None
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert {name for _, name, _ in schema_of(backup)} >= {"alembic_version"}
    assert "vaults" not in {name for _, name, _ in schema_of(backup)}
    assert {name for _, name, _ in schema_of(path)} == {name for _, name, _ in schema_of(empty)}


def test_upgrading_a_current_catalog_does_nothing(kept: Kept, path: Path) -> None:
    """No backup is made when there is nothing to do."""
    assert upgrade(path, clock=kept.clock) is None
    assert [entry.name for entry in path.parent.glob("*.bak")] == []


def test_a_newer_catalog_is_not_touched(catalog: Catalog, path: Path, clock: HandClock) -> None:
    """An unknown revision is refused, and the file stays as it is."""
    catalog.close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    before = path.read_bytes()
    with pytest.raises(CatalogOutdated, match="9999"):
        upgrade(path, clock=clock)
    assert path.read_bytes() == before


def test_upgrading_nothing(path: Path, clock: HandClock) -> None:
    """A missing catalog is not made by upgrading it."""
    with pytest.raises(CatalogUnusable):
        upgrade(path, clock=clock)
    assert not path.exists()


def test_a_backup_of_a_catalog_in_use(kept: Kept, path: Path, tmp_path: Path) -> None:
    """A backup is whole while others read and write, and never replaces a file."""
    kept.record(a_file(b"a"))
    target = back_up(path, tmp_path / "copy.db")
    copy = Catalog.open(target, clock=kept.clock, machine="here")
    assert copy.id == kept.catalog.id
    assert [version.path for version in copy.versions_below(kept.root, b"")] == [b"photos/a"]
    copy.close()
    with pytest.raises(DiskTrouble):
        back_up(path, target)
