"""How fast a tree is compared with the catalog and recorded in it, beside the file system and SQLite alone.

    python benchmarks/records.py [--files 1000000] [--runs 5] [--folder /dev/shm]

Makes a tree of files, 1,000 a folder, each with a size of its own and no blocks on the disk, and measures:

new files: the tree is scanned and recorded in an empty catalog by the functions that `gk upload` calls: scan and
comparison, the plan's spools, the question whether the vault has the content, and the rows of bundles, each written in
one transaction with its fsyncs. Left out is what has to do with bytes: reading and hashing (the hashes are made up from
the paths; no size occurs twice, so no file is read to be compared either), writing tars, sending.
unchanged files: the whole process of `gk upload` on the tree as it was recorded, beside a process that does `scandir`
and `stat` on it and nothing else. The copy of the catalog in the vault is off.
bulk rows: the same new versions through `Versions.record`, in the portions a bundle has them, beside raw `sqlite3`
`executemany` of the rows this makes, in the same portions, into the same schema with the same settings. Making the
versions, and reading the rows, is not counted; the commit is.
reading: `gk ls` of 50 files beside a process that imports SQLAlchemy and reads 50 rows.

Who begins changes from run to run. Prints medians, and the medians of the ratios within the runs. CPU seconds are those
of the process and the system for it.
"""

import argparse
import gc
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from hashlib import sha256
from itertools import count, islice
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from glacierkeep.bundle.spool import Spool
    from glacierkeep.catalog import Catalog
    from glacierkeep.domain.files import Entry
    from glacierkeep.domain.records import NewArchive, NewVersion
    from glacierkeep.operations.content import Judged

IN_A_FOLDER = 1000
FIFTY = "fifty"
VAULT = "local:bench"
STEP = 1_000_003
"""A prime: its multiples, cut at the number of files, are all numbers below that once."""
PORTION = 4000
"""Versions recorded by one call; operations/contents.py says why."""


class Cost(NamedTuple):
    """Of one run: wall and CPU seconds, peak memory in bytes, and what the process said last."""

    wall: float
    cpu: float
    peak: int
    said: dict[str, Any]


Contestants = dict[str, list[str]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", default=1_000_000, type=int)
    parser.add_argument("--runs", default=5, type=int)
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where tree and catalogs go")
    parser.add_argument("--deed", nargs="+", help=argparse.SUPPRESS)
    said = parser.parse_args()
    if said.deed:
        name, *words = said.deed
        print(json.dumps(DEEDS[name](*words)))
        return
    folder = Path(tempfile.mkdtemp(dir=said.folder, prefix="gk-bench-"))
    try:
        measure(folder, max(said.files // IN_A_FOLDER, 1), said.runs)
    finally:
        shutil.rmtree(folder)


def measure(folder: Path, folders: int, runs: int) -> None:
    tree, home, files = folder / "tree", folder / "home", folders * IN_A_FOLDER + 50
    make_tree(tree, folders)
    os.environ |= {"GK_HOME": str(home), "GK_CATALOG_COPY_TO_VAULT": "false"}
    print(f"{files} new files, planned and recorded")
    tell_rates([run_new(home, tree) for _ in range(runs)], files)
    gk = [sys.executable, "-m", "glacierkeep"]
    unchanged = compare(
        f"{files} unchanged files",
        {
            "scandir and stat": deed("stat", tree),
            "gk upload": [*gk, "upload", str(tree), "-V", VAULT, "--json"],
        },
        runs,
    )
    if unchanged.said.get("unchanged") != files:
        raise SystemExit(f"gk upload did not find all unchanged: {unchanged.said}")
    compare(
        f"rows of {files} versions",
        {each: deed(each, home / "catalog.db", folder / each) for each in ("executemany", "our recording")},
        runs,
    )
    compare(
        "50 rows",
        {"SQLAlchemy": deed("fifty", home / "catalog.db"), "gk ls": [*gk, "ls", f"tree/{FIFTY}"]},
        runs,
    )


def make_tree(tree: Path, folders: int) -> None:
    """Files without blocks. No two have the same size; the sizes come in no order, so that neither do index entries."""
    files, number = folders * IN_A_FOLDER + 50, 0
    for folder, some in [*((f"{at:06d}", IN_A_FOLDER) for at in range(folders)), (FIFTY, 50)]:
        (tree / folder).mkdir(parents=True)
        for at in range(some):
            number += 1
            with (tree / folder / f"{at:06d}.txt").open("wb") as file:
                file.truncate(1 + number * STEP % files)


# Running and telling


def deed(name: str, *words: object) -> list[str]:
    """The command that does one of DEEDS in a process of its own."""
    return [sys.executable, __file__, "--deed", name, *map(str, words)]


def run(command: list[str]) -> Cost:
    """Run *command* to its end. A deed may say by itself which of its seconds count."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    out, err = process.stdout.read(), process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}\n{err.decode()}")
    wall = time.perf_counter() - began
    last = out.splitlines()[-1] if out else b""
    said = json.loads(last) if last.startswith(b"{") else {}
    cpu = said.get("cpu", used.ru_utime + used.ru_stime)
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(said.get("wall", wall), cpu, used.ru_maxrss * unit, said)


def run_new(home: Path, tree: Path) -> Cost:
    shutil.rmtree(home, ignore_errors=True)
    return run(deed("new", home, tree))


def tell_rates(costs: list[Cost], files: int) -> None:
    for what in ("planning", "recording"):
        print(f"  {what:22} {median(cost.said[what] for cost in costs):8.2f} CPU s")
    cpu, wall = median(cost.cpu for cost in costs), median(cost.wall for cost in costs)
    peak = median(cost.peak for cost in costs) / 2**20
    print(f"  {'both':22} {cpu:8.2f} CPU s {wall:8.2f} s  {peak:4.0f} MiB")
    print(f"  {files / wall:.0f} files per second, {files / cpu:.0f} per CPU second")


def compare(title: str, contestants: Contestants, runs: int) -> Cost:
    """Run all of *contestants* in turn, after one run that does not count; the first is the limit. The last's last."""
    costs: dict[str, list[Cost]] = {name: [] for name in contestants}
    for at in range(runs + 1):
        for name in list(contestants)[:: 1 if at % 2 else -1]:
            cost = run(contestants[name])
            costs[name] += [cost] if at else []
    print(title)
    limits = next(iter(costs.values()))
    for name, ours in costs.items():
        pairs = list(zip(ours, limits, strict=True))
        wall, cpu = (
            median(our.wall / limit.wall for our, limit in pairs),
            median(our.cpu / limit.cpu for our, limit in pairs),
        )
        print(
            f"  {name:22} {median(cost.cpu for cost in ours):8.2f} CPU s {median(cost.wall for cost in ours):8.2f} s"
            f"  {median(cost.peak for cost in ours) / 2**20:4.0f} MiB"
            + ("" if ours is limits else f"  {cpu:.2f} of the CPU, {wall:.2f} of the time")
        )
    return ours[-1]


class Watch:
    """Adds up the seconds spent within it."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def __enter__(self) -> "Watch":
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *error: object) -> None:
        self.wall += time.perf_counter() - self._wall
        self.cpu += time.process_time() - self._cpu


# What is done in processes of their own


def stat_all(tree: str) -> dict[str, Any]:
    """scandir and stat, and nothing else."""
    files, below = 0, [tree]
    while below:
        with os.scandir(below.pop()) as items:
            for item in items:
                if item.is_dir(follow_symlinks=False):
                    below.append(item.path)
                else:
                    item.stat(follow_symlinks=False)
                    files += 1
    return {"files": files}


def plan_and_record(home: str, tree: str) -> dict[str, Any]:
    """Plan and record the tree as new. The catalog stays, for the runs in which nothing is."""
    from glacierkeep.bundle.folder import open_root
    from glacierkeep.bundle.rules import Rules
    from glacierkeep.events import nobody
    from glacierkeep.operations.content import judge
    from glacierkeep.operations.roots import choose_scope, settle_root
    from glacierkeep.operations.scan import Looking, scan

    path, host, catalog = os.fsencode(tree), os.uname().nodename, open_catalog(Path(home))
    planning, recording = Watch(), Watch()
    with planning:
        scope = choose_scope(path, label=None, host=host, catalog=catalog)
        root = settle_root(scope, host=host, catalog=catalog)
        with catalog.write() as records:
            vault_id = records.vaults.remember(VAULT).vault_id
            run_id = records.runs.start(root.root_id, vault_id)
        scope = replace(scope, root=root, label=root.label)
        looking = Looking(Rules())
        plan = scan(
            scope, vault_id, looking, catalog=catalog, staging=Path(home), tell=nobody, stop=lambda: False
        )
    with recording:
        judged = judge(plan.changes, vault_id, open_root(path), catalog=catalog, trouble=print)
        record_bundles(judged, catalog, Path(home), vault_id, root.root_id, run_id)
        with catalog.write() as records:
            records.runs.finish(run_id, complete=True)
    return {
        "planning": planning.cpu,
        "recording": recording.cpu,
        "cpu": planning.cpu + recording.cpu,
        "wall": planning.wall + recording.wall,
    }


def record_bundles(
    judged: "Iterator[Judged]", catalog: "Catalog", staging: Path, vault_id: int, root_id: int, run_id: int
) -> None:
    """As many members a bundle as there are by default, one after the other."""
    from glacierkeep.domain.filling import MOST_MEMBERS
    from glacierkeep.domain.segments import Segment
    from glacierkeep.operations.contents import record_members

    members = (each.change.entry for each in judged)
    for number in count():
        size = 0
        with open_spool(staging) as versions:
            for entry in islice(members, MOST_MEMBERS):
                versions.append(member(entry, size))
                size += entry.size
            if not len(versions):
                return
            record = record_members(run_id, root_id, versions, [Segment(0, size, size)])
            with catalog.write() as records:
                record(records, records.archives.acknowledge(archive(vault_id, number, size)))


def open_spool(staging: Path) -> "Spool[NewVersion]":
    from glacierkeep.bundle.spool import Spool

    return Spool(staging)


def member(entry: "Entry", offset: int) -> "NewVersion":
    """*entry* as it lies in a bundle, under hashes that are as good as any."""
    from glacierkeep.domain.hashes import Hashes
    from glacierkeep.domain.records import NewVersion, Piece

    digest = sha256(entry.path).digest()
    hashes = Hashes(entry.size, digest[:16], digest) if entry.size else None
    piece = Piece(offset, entry.size)
    return NewVersion(
        entry.path,
        entry.kind,
        entry.size,
        entry.mtime_ns,
        entry.mode,
        entry.inode,
        hashes,
        entry.target,
        (piece,),
    )


def record_versions(source: str, aside: str) -> dict[str, Any]:
    """The versions of *source* through `Versions.record`, in another catalog."""
    catalog, watch = open_catalog(fresh(aside)), Watch()
    archive_key = begin(catalog)
    with ExitStack() as stack:
        records = stack.enter_context(catalog.write())
        for first, after in portions(source):
            new = versions_of(source, first, after)
            with watch:
                records.versions.record(1, 1, 1, archive_key, new)
        with watch:
            stack.close()
    return {"cpu": watch.cpu, "wall": watch.wall}


def insert_rows(source: str, aside: str) -> dict[str, Any]:
    """The same rows by raw executemany."""
    from glacierkeep.catalog.connections import connect

    with closing(open_catalog(fresh(aside))) as catalog:
        begin(catalog)
    watch = Watch()
    with closing(connect(catalog.path)) as there, closing(sqlite3.connect(source)) as here:
        there.execute("BEGIN IMMEDIATE")
        folders = here.execute("SELECT * FROM folders WHERE parent_id IS NOT NULL").fetchall()
        put(there, watch, "folders", folders)
        for span in portions(source):
            for table, key in (("files", "id"), ("versions", "id"), ("extents", "version_id")):
                found = here.execute(f"SELECT * FROM {table} WHERE {key} >= ? AND {key} < ?", span)
                rows = [(*row[:3], 1, *row[4:]) if table == "extents" else row for row in found]
                put(there, watch, table, rows)
        with watch:
            there.execute("COMMIT")
    return {"cpu": watch.cpu, "wall": watch.wall}


def put(there: sqlite3.Connection, watch: Watch, table: str, rows: list[Any]) -> None:
    marks = ", ".join("?" * len(rows[0]))
    with watch:
        there.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def portions(source: str) -> Iterator[tuple[int, int]]:
    """The keys of versions in *source* in portions: the first, and the one after the last."""
    with closing(sqlite3.connect(source)) as here:
        (most,) = here.execute("SELECT max(id) FROM versions").fetchone()
    for first in range(1, most + 1, PORTION):
        yield first, min(first + PORTION, most + 1)


def versions_of(source: str, first: int, after: int) -> "list[NewVersion]":
    """Versions of *source* as if they were new, all in one archive."""
    from glacierkeep.domain.files import FileKind
    from glacierkeep.domain.hashes import Hashes
    from glacierkeep.domain.names import join
    from glacierkeep.domain.records import NewVersion, Piece

    with closing(sqlite3.connect(source)) as here:
        rows = here.execute(
            "SELECT folders.name, files.name, kind, size, mtime_ns, mode, inode, md5, tree_hash, target, offset, length"
            " FROM versions JOIN files ON files.id = file_id JOIN folders ON folders.id = folder_id"
            " JOIN extents ON version_id = versions.id WHERE versions.id >= ? AND versions.id < ?"
            " ORDER BY versions.id",
            (first, after),
        ).fetchall()
    return [
        NewVersion(
            join(folder, name), FileKind(kind), size, mtime, mode, inode,
            Hashes(size, md5, tree_hash) if tree_hash else None, target, (Piece(offset, length),),
        )
        for folder, name, kind, size, mtime, mode, inode, md5, tree_hash, target, offset, length in rows
    ]  # fmt: skip


def read_fifty(path: str) -> dict[str, Any]:
    """Import SQLAlchemy and read 50 rows, and nothing else."""
    from sqlalchemy import create_engine, text

    with create_engine(f"sqlite:///{path}").connect() as connection:
        asked = text(
            "SELECT files.name, size, mtime_ns FROM files JOIN versions ON versions.id = current_version"
            " JOIN folders ON folders.id = folder_id WHERE folders.name = :name LIMIT 50"
        )
        return {"rows": len(connection.execute(asked, {"name": FIFTY.encode()}).all())}


def open_catalog(home: Path) -> "Catalog":
    """The catalog of the gk whose home that is, in a process that looks for cycles as seldom as gk does."""
    from glacierkeep.catalog import Catalog
    from glacierkeep.cli.main import BETWEEN_LOOKS
    from glacierkeep.clock import SystemClock
    from glacierkeep.config.machine import machine_id

    gc.set_threshold(BETWEEN_LOOKS)
    return Catalog.open(home / "catalog.db", clock=SystemClock(), machine=machine_id(home / "machine"))


def fresh(folder: str) -> Path:
    """*folder*, with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    return Path(folder)


def begin(catalog: "Catalog") -> int:
    """A vault, a root with its top folder and a run, all with the key 1; the key of an archive without an end."""
    with catalog.write() as records:
        vault_id = records.vaults.remember(VAULT).vault_id
        root_id = records.roots.add("tree", "host", b"/tree").root_id
        records.runs.start(root_id, vault_id)
        records.tree.make_top(root_id)
        return records.archives.acknowledge(archive(vault_id, 0, 1 << 60))


def archive(vault_id: int, number: int, size: int) -> "NewArchive":
    """A bundle that some service might have acknowledged."""
    from glacierkeep.clock import SystemClock
    from glacierkeep.domain.records import NewArchive

    token, digest = f"{number:026d}", sha256(b"%d" % number).digest()
    now = SystemClock().now()
    return NewArchive(vault_id, token * 5, "bundle", size, digest[:16], digest, "{}", token, 1 << 20, now)


DEEDS: dict[str, Callable[..., dict[str, Any]]] = {
    "stat": stat_all,
    "new": plan_and_record,
    "our recording": record_versions,
    "executemany": insert_rows,
    "fifty": read_fifty,
}


if __name__ == "__main__":
    main()
