"""How a catalog comes to be, and what is refused in its place."""

import json
import os
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from catalog.keeping import HandClock
from glacierkeep.catalog import Catalog
from glacierkeep.catalog.connections import APPLICATION_ID, WAL, connect
from glacierkeep.domain.token import crockford, is_catalog_id
from glacierkeep.errors import CatalogOutdated, CatalogUnusable, DiskTrouble

OPEN = """
import json, sys
from pathlib import Path
from glacierkeep.catalog import Catalog
from glacierkeep.clock import SystemClock
from glacierkeep.errors import GlacierkeepError
sys.stdin.readline()
try:
    catalog = Catalog.open(Path(sys.argv[1]), clock=SystemClock(), machine="here")
    with catalog.write() as records:
        for at in range(int(sys.argv[2])):
            records.events.add("x" * 1000)
    print(json.dumps({"id": catalog.id, "alembic": "alembic" in sys.modules}))
except GlacierkeepError as error:
    print(json.dumps({"error": type(error).__name__, "sentence": str(error), "hint": error.hint}))
"""


def opening(path: Path, events: int = 1, **how: object) -> subprocess.Popen[str]:
    """Another process that opens *path* once a line is written to it, and writes some events."""
    return subprocess.Popen(
        [sys.executable, "-c", OPEN, str(path), str(events)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **how,
    )


def answer(process: subprocess.Popen[str]) -> dict[str, object]:
    out, _ = process.communicate("\n", timeout=60)
    return json.loads(out)


def test_a_new_catalog_is_private(path: Path, clock: HandClock) -> None:
    """The file is 0600, its new folder 0700, nothing else is left beside it, and it has an id."""
    catalog = Catalog.open(path, clock=clock, machine="here")
    assert is_catalog_id(catalog.id)
    assert (catalog.path, catalog.machine) == (path, "here")
    with catalog.read() as records:
        assert (records.identity.machine, records.identity.generation) == ("here", 0)
    catalog.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["catalog.db"]


def test_its_id_comes_from_the_random_bytes_given(path: Path, clock: HandClock) -> None:
    """Chance is injected, and the id stays."""
    Catalog.open(path, clock=clock, machine="here", random=lambda count: b"\1" * count).close()
    again = Catalog.open(path, clock=clock, machine="there")
    assert again.id == crockford(b"\1" * 5)
    with again.read() as records:
        assert records.identity.machine == "here"
    again.close()


def test_the_settings_hold(catalog: Catalog, path: Path) -> None:
    """Foreign keys, the journal, synchronous and the application id are as the design says."""
    assert isinstance(catalog, Catalog)
    connection = connect(path)

    def said(name: str) -> object:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]

    assert said("journal_mode") == ("wal" if WAL else "delete")
    assert said("synchronous") == (2 if WAL else 3)
    assert (said("foreign_keys"), said("trusted_schema"), said("busy_timeout")) == (1, 0, 60_000)
    assert said("application_id") == APPLICATION_ID
    assert said("integrity_check") == "ok"
    connection.close()


def test_two_processes_create_it_at_once(path: Path) -> None:
    """Both succeed, with one and the same catalog, and both see a whole schema."""
    processes = [opening(path) for _ in range(2)]
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    one, two = (json.loads(process.communicate(timeout=60)[0]) for process in processes)
    assert one["id"] == two["id"]
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT count(*) FROM events").fetchone() == (2,)
    raw.close()


def test_opening_a_current_catalog_does_not_need_alembic(catalog: Catalog, path: Path) -> None:
    """Only a new or an outdated catalog pays for importing alembic."""
    assert answer(opening(path)) == {"id": catalog.id, "alembic": False}


def test_no_catalog_and_none_to_be_made(path: Path, clock: HandClock) -> None:
    """With create=False a missing catalog is an error, and nothing is made."""
    with pytest.raises(CatalogUnusable, match="no catalog"):
        Catalog.open(path, clock=clock, machine="here", create=False)
    assert not path.parent.exists()


def foreign_files() -> dict[str, bytes]:
    """Files that are no catalogs."""
    raw = sqlite3.connect(":memory:")
    raw.execute("CREATE TABLE alembic_version (version_num)")
    database = raw.serialize()
    raw.close()
    return {"text": b"my diary\n" * 100, "empty": b"", "another database": database}


@pytest.mark.parametrize("kind", sorted(foreign_files()))
def test_a_foreign_file_is_left_alone(path: Path, clock: HandClock, kind: str) -> None:
    """A file that is not ours is refused in words and not changed by a byte."""
    path.parent.mkdir()
    path.write_bytes(foreign_files()[kind])
    with pytest.raises(CatalogUnusable, match="not a catalog") as caught:
        Catalog.open(path, clock=clock, machine="here")
    assert "GK_HOME" in str(caught.value.hint)
    assert path.read_bytes() == foreign_files()[kind]
    assert [entry.name for entry in path.parent.iterdir()] == ["catalog.db"]


def test_a_catalog_without_a_schema_is_unusable(path: Path, clock: HandClock) -> None:
    """Our application id with no tables behind it is not taken for a catalog."""
    path.parent.mkdir()
    raw = sqlite3.connect(path)
    raw.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    raw.execute("CREATE TABLE other (x)")
    raw.close()
    with pytest.raises(CatalogUnusable, match="lost its schema"):
        Catalog.open(path, clock=clock, machine="here")


def test_a_damaged_catalog_is_unusable(catalog: Catalog, path: Path, clock: HandClock) -> None:
    """Overwritten pages are reported as damage, with the way back."""
    catalog.close()
    content = bytearray(path.read_bytes())
    content[100:] = b"\xa5" * (len(content) - 100)
    path.write_bytes(content)
    with pytest.raises(CatalogUnusable, match="damaged") as caught:
        Catalog.open(path, clock=clock, machine="here")
    assert "backup" in str(caught.value.hint)


def test_a_cut_catalog_is_unusable(catalog: Catalog, path: Path, clock: HandClock) -> None:
    """A file that lost its end never becomes a traceback."""
    catalog.close()
    os.truncate(path, 5000)
    with pytest.raises(CatalogUnusable):
        Catalog.open(path, clock=clock, machine="here")


@pytest.mark.parametrize("version", ["0000", "9999"])
def test_another_schema_is_outdated(catalog: Catalog, path: Path, clock: HandClock, version: str) -> None:
    """A schema of another revision is exit 12 and names the command."""
    catalog.close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alembic_version SET version_num = ?", (version,))
    raw.close()
    with pytest.raises(CatalogOutdated, match=version) as caught:
        Catalog.open(path, clock=clock, machine="here")
    assert "gk catalog upgrade" in str(caught.value.hint)
    assert caught.value.exit == 12


def test_a_home_that_cannot_be_made(tmp_path: Path, clock: HandClock) -> None:
    """Where no folder can be, there is an error in words."""
    (tmp_path / "file").write_text("here")
    with pytest.raises(DiskTrouble, match="catalog"):
        Catalog.open(tmp_path / "file" / "home" / "catalog.db", clock=clock, machine="here")


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that any user can reach."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@contextmanager
def lesser_rights() -> Iterator[None]:
    """Permissions hold for us too: the superuser becomes nobody for a while."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_a_read_only_home(public: Path, clock: HandClock) -> None:
    """A folder that may not be written to is a sentence, not a traceback."""
    public.chmod(0o555)
    with lesser_rights(), pytest.raises(DiskTrouble, match="Permission denied"):
        Catalog.open(public / "catalog.db", clock=clock, machine="here")
    public.chmod(0o755)


def test_a_read_only_catalog(public: Path, empty: Path, clock: HandClock) -> None:
    """A catalog that may only be read can be read, and a write says so."""
    shutil.copy(empty, public / "catalog.db")
    (public / "catalog.db").chmod(0o444)
    public.chmod(0o555)
    with lesser_rights():
        catalog = Catalog.open(public / "catalog.db", clock=clock, machine="here")
        with catalog.read() as records:
            assert records.vaults.all() == []
        with pytest.raises(CatalogUnusable, match="read-only"), catalog.write() as records:
            records.events.add("x")
        catalog.close()
    public.chmod(0o755)


def test_a_catalog_that_may_not_be_read(public: Path, empty: Path, clock: HandClock) -> None:
    """A file of someone else is an error in words."""
    shutil.copy(empty, public / "catalog.db")
    (public / "catalog.db").chmod(0)
    with lesser_rights(), pytest.raises(DiskTrouble, match="Permission denied"):
        Catalog.open(public / "catalog.db", clock=clock, machine="here")


def test_a_full_disk(path: Path, catalog: Catalog) -> None:
    """When no byte can be added any more, a write fails in words and changes nothing."""
    most = path.stat().st_size + 20_000

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    told = answer(opening(path, events=1000, preexec_fn=limit))
    assert told["error"] == "DiskTrouble"
    with catalog.read() as records:
        assert records.events.latest() == []
