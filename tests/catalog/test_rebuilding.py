"""Reading copies of a vault's records back: the same as before, or not at all."""

import itertools
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.copies import SET, acknowledge, bring, picture, rebuilt, take
from catalog.keeping import HandClock, Kept, a_file, a_folder, keep
from glacierkeep.catalog import Catalog
from glacierkeep.catalog.connections import connect
from glacierkeep.domain.copies import Expected
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.records import ArchiveState, NewVersion, Piece, RebuildState
from glacierkeep.domain.segments import Codec, SealKind, Segment
from glacierkeep.errors import CopyUnreadable, Exit
from support.oddities import make_odd_names
from support.runner import Gk

ADDRESS = "local:default"
MIB = 1 << 20
FORMATS = Path(__file__).parents[1] / "fixtures" / "formats"


def odd(kept: Kept) -> None:
    """Names and kinds of every sort, some of them in bundles, some without any bytes."""
    segments = [Segment(1024, 500, 4000, Codec.ZSTD, SealKind.AGE, b"h" * 32), Segment(2048, 100, 900)]
    with kept.catalog.write() as records:
        archive = records.archives.acknowledge(kept.new_archive(size=5000, kind="sealed"), segments)
    first = b"d/\xff\n"
    over = (Piece(3998, 2, 0, 0), Piece(0, 5, 2, 1))
    kept.record(
        a_folder(b"", pieces=(Piece(0, 0),)),
        a_folder(b"hollow/inner", pieces=(Piece(0, 0),)),
        a_file(first, b"over it", pieces=over),
        a_file(b"d/empty", b"", pieces=(Piece(7, 0),)),
        a_file(b"link", b"", kind=FileKind.SYMLINK, target=b"\xfe nowhere", hashes=None, pieces=(Piece(3, 0),)),
        a_file(b"hard", b"over it", kind=FileKind.HARDLINK, target=first, pieces=(Piece(9, 0),), same_as_path=first),
        archive=archive,
    )  # fmt: skip
    kept.record(a_folder(b"bare"), a_file(b"old", mtime_ns=-1, mode=0o4755, inode=(1 << 64) - 1))


def changed(kept: Kept) -> list[Callable[[], object]]:
    """What may happen to the records of `odd`, step by step."""

    def on(change: Callable[[Any], object]) -> Callable[[], None]:
        def step() -> None:
            with kept.catalog.write() as records:
                change(records)

        return step

    def named(path: bytes) -> list[int]:
        return [version.version_id for version in kept.versions(path, history=True)]

    return [
        kept.next_run,
        lambda: kept.record(a_file(b"new/1"), a_file(b"old", b"changed")),
        lambda: kept.gone(b"d/empty"),
        on(lambda records: records.versions.retire(named(b"hard"), kept.clock.now())),
        on(lambda records: records.archives.mark([2], ArchiveState.LOST)),
        on(lambda records: records.vaults.note_inventory(1, kept.clock.now())),
        lambda: kept.record(a_file(b"moved"), archive=kept.archive()),
        lambda: kept.gone(b"new/1"),
        on(lambda records: records.versions.record(kept.run, 1, 1, None, [_same(named(b"moved")[0])])),
        kept.next_run,
        lambda: kept.record(a_file(b"old"), archive=kept.archive()),
        lambda: kept.record(a_file(b"foreign", mtime_ns=3), adopted=True),
        on(lambda records: records.versions.confirm(named(b"foreign"))),
        on(lambda records: records.runs.finish(kept.run, complete=True)),
        lambda: kept.gone(b""),
    ]


def _same(version_id: int) -> NewVersion:
    return a_file(b"moved too")._replace(pieces=(), same_as=version_id)


def test_a_full_copy_says_everything(kept: Kept, tmp_path: Path) -> None:
    """After all sorts of changes, one full copy gives a catalog that says the same, keys included."""
    odd(kept)
    for change in changed(kept):
        change()
    _, lines = take(kept.catalog, kept.vault)
    other = rebuilt(tmp_path, [lines], id=kept.catalog.id, vault=kept.vault, clock=kept.clock)
    assert picture(other, ADDRESS) == picture(kept.catalog, ADDRESS)
    other.close()


def test_copies_of_the_first_format_are_read(kept: Kept, tmp_path: Path) -> None:
    """Copies written when the format was new are read for ever, and say what they said then."""
    odd(kept)
    for change in changed(kept):
        change()
    streams = [FORMATS.joinpath(f"copy-1-{kind}.jsonl").open("rb") for kind in ("full", "increment")]
    other = rebuilt(tmp_path, streams, id="000g40r4", vault=kept.vault, clock=kept.clock)
    assert picture(other, ADDRESS) == picture(kept.catalog, ADDRESS)
    other.close()
    for stream in streams:
        stream.close()


def test_increments_say_the_rest(kept: Kept, tmp_path: Path) -> None:
    """With a copy after every change, each rebuilt catalog says what the original said at that copy."""
    odd(kept)
    copy, lines = take(kept.catalog, kept.vault)
    other = rebuilt(tmp_path, [lines], id=kept.catalog.id, vault=kept.vault, clock=kept.clock)
    for change in changed(kept):
        change()
        before = copy
        copy, lines = take(kept.catalog, kept.vault, copy)
        expect = Expected(kept.catalog.id, ADDRESS, SET, copy.index, before.generation)
        other.receive_copy(lines, expect=expect)
        assert picture(other, ADDRESS) == picture(kept.catalog, ADDRESS)
    other.close()


class Script:
    """Random changes of a small catalog, and where the copies are taken."""

    paths = st.sampled_from([b"a", b"d/a", b"d/b", b"d/e/\xff", b"f"])
    steps = st.lists(
        st.one_of(
            st.tuples(st.just("record"), paths, st.sampled_from([b"x", b"yy", b""])),
            st.tuples(st.just("adopt"), paths, st.sampled_from([b"x", b"zzz"])),
            st.tuples(st.just("gone"), paths),
            st.tuples(st.just("retire"), paths),
            st.tuples(st.just("run")),
            st.tuples(st.just("mark"), st.sampled_from(list(ArchiveState))),
            st.tuples(st.just("copy")),
        ),
        max_size=25,
    )


def perform(kept: Kept, step: tuple[Any, ...]) -> None:
    match step:
        case ("record" | "adopt" as verb, path, content):
            kept.next_run(seconds=1)
            kept.record(a_file(path, content), adopted=verb == "adopt")
        case ("gone", path):
            kept.gone(path)
        case ("retire", path):
            with kept.catalog.write() as records:
                keys = [version.version_id for version in kept.versions(path)]
                records.versions.retire(keys, kept.clock.now())
        case ("run",):
            kept.next_run()
        case ("mark", state):
            with kept.catalog.write() as records:
                records.archives.mark([kept.archives], state)


@settings(max_examples=60, deadline=None)
@given(steps=Script.steps)
def test_any_history_comes_back(
    steps: list[Any], empty: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever was recorded, and wherever copies were taken, full copy and increments give the same catalog."""
    folder = tmp_path_factory.mktemp("history")
    clock = HandClock()
    for name in ("catalog.db", "rebuilt.db"):
        folder.joinpath(name).write_bytes(empty.read_bytes())
    catalog = Catalog.open(folder / "catalog.db", clock=clock, machine="here")
    kept = keep(catalog, clock)
    copy, lines = take(catalog, kept.vault)
    streams = [lines]
    for step in [*steps, ("copy",)]:
        if step == ("copy",):
            copy, lines = take(catalog, kept.vault, copy if copy.index < 20 else None)
            streams = [*streams, lines] if copy.index else [lines]
        else:
            perform(kept, step)
    other = rebuilt(folder, streams, id=catalog.id, vault=kept.vault, clock=clock)
    assert picture(other, ADDRESS) == picture(catalog, ADDRESS)
    used = in_use(folder / "used.db", empty, clock)
    bring(used, streams, id=catalog.id, address=ADDRESS)
    assert without_keys(used, "photos-2") == without_keys(catalog, "photos")
    for each in (catalog, other, used):
        each.close()


@settings(max_examples=40, deadline=None)
@given(
    steps=Script.steps, during=st.lists(st.tuples(st.integers(0, 40), Script.steps), min_size=1, max_size=3)
)
def test_a_history_that_goes_on_meanwhile(
    steps: list[Any], during: list[Any], empty: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever is recorded between two lines of a copy, each copy can be read, and after a quiet one all is there."""
    folder = tmp_path_factory.mktemp("meanwhile")
    clock = HandClock()
    for name in ("catalog.db", "rebuilt.db"):
        folder.joinpath(name).write_bytes(empty.read_bytes())
    catalog = Catalog.open(folder / "catalog.db", clock=clock, machine="here")
    kept = keep(catalog, clock)
    for step in steps:
        perform(kept, step)
    copy, streams = None, []
    for spot, meanwhile in during:
        with catalog.write() as records:
            begun = records.copies.begin(kept.vault.vault_id, SET, copy)
        rest = catalog.copy_lines(begun, copy)
        lines = list(itertools.islice(rest, spot))
        for step in meanwhile:
            perform(kept, step)
        streams.append([*lines, *rest])
        copy = acknowledge(catalog, begun, streams[-1])
    streams.append(take(catalog, kept.vault, copy)[1])
    other = rebuilt(folder, streams, id=catalog.id, vault=kept.vault, clock=clock)
    assert picture(other, ADDRESS) == picture(catalog, ADDRESS)
    catalog.close()
    other.close()


def in_use(path: Path, empty: Path, clock: HandClock) -> Catalog:
    """A catalog that keeps another vault, with a root of the same label elsewhere."""
    path.write_bytes(empty.read_bytes())
    catalog = Catalog.open(path, clock=clock, machine="another")
    with catalog.write() as records:
        vault = records.vaults.remember("local:other")
        root = records.roots.add("photos", "another host", b"/photos")
        run = records.runs.start(root.root_id, vault.vault_id)
    Kept(catalog, clock, vault, root, run).record(a_file(b"a"), a_file(b"d/a"), a_file(b"d/e/x"))
    return catalog


def without_keys(catalog: Catalog, label: str) -> Any:
    """All versions of the root, in order, with where their bytes lie, in words that do not depend on keys."""
    found = []
    with catalog.read() as records:
        root, vault = records.roots.by_label(label), records.vaults.get(ADDRESS)
        assert root is not None
        assert vault is not None
        for version in catalog.versions_below(root, b"", history=True, deleted=True):
            extents = records.versions.extents(version.version_id, vault.vault_id)
            archives = [records.archives.get(extent.archive_key) for extent in extents]
            found.append(
                (
                    replace(
                        version,
                        version_id=0,
                        file_id=0,
                        root_id=0,
                        path=version.path.removeprefix(label.encode()),
                    ),
                    [replace(extent, version_id=0, archive_key=0) for extent in extents],
                    [(archive.archive_id, archive.state) for archive in archives],
                )
            )
    return found


def test_an_unused_catalog_takes_over_the_id(kept: Kept, tmp_path: Path) -> None:
    """A catalog that keeps nothing becomes the one that made the copy, and counts on from its generation."""
    kept.record(a_file(b"a"))
    copy, lines = take(kept.catalog, kept.vault)
    other = rebuilt(tmp_path, [lines], id=kept.catalog.id, vault=kept.vault, clock=kept.clock)
    assert other.id == kept.catalog.id
    with other.write() as records:
        assert records.identity.generation == copy.generation
        assert records.copies.chain(1) == []
        assert records.copies.begin(1, SET).generation == copy.generation + 1
    other.close()


def test_another_vaults_records_stay(kept: Kept, tmp_path: Path) -> None:
    """Into a catalog that keeps another vault, roots of the same name and place, files and versions are joined."""
    other_vault = kept.other_vault()
    same = [a_folder(b""), a_file(b"both"), a_file(b"d/both")]
    kept.record(*same, a_file(b"only here"))
    _, here = take(kept.catalog, kept.vault)
    kept.record(*same, a_file(b"only there"), vault=other_vault)
    _, there = take(kept.catalog, other_vault, set_token=SET[::-1])
    catalog = rebuilt(tmp_path, [here], id=kept.catalog.id, vault=kept.vault, clock=kept.clock)
    bring(catalog, [there], id=kept.catalog.id, address=other_vault.address)
    for address in (ADDRESS, other_vault.address):
        assert sorted(picture(catalog, address)["extents"], key=repr) == sorted(
            picture(kept.catalog, address)["extents"], key=repr
        )
    assert picture(catalog, ADDRESS)["versions"] == picture(kept.catalog, ADDRESS)["versions"]
    catalog.close()


def test_rebuilds_move_on(kept: Kept) -> None:
    """A rebuild is open until it ends, one per vault; the set of copies is chosen once the inventory is there."""
    with kept.catalog.write() as records:
        inventory = records.inventories.request(kept.vault.vault_id, None)
        key = records.rebuilds.begin(kept.vault.vault_id, inventory)
        with pytest.raises(ValueError, match="under way"):
            records.rebuilds.begin(kept.vault.vault_id, inventory)
        assert records.rebuilds.get(key).state is RebuildState.LISTING
        records.rebuilds.choose(key, SET, inventory)
        (rebuild,) = records.rebuilds.open()
        assert (rebuild.state, rebuild.set_token) == (RebuildState.BRINGING, SET)
        records.rebuilds.finish(key)
        assert records.rebuilds.open(kept.vault.vault_id) == []
        assert records.rebuilds.get(key).finished_at == kept.clock.now()


def test_a_used_catalog_stays_itself(kept: Kept, tmp_path: Path) -> None:
    """A catalog with records of its own keeps its id and what it knows; a label that is taken gets a number."""
    kept.record(a_file(b"a"), a_file(b"d/b"))
    _, lines = take(kept.catalog, kept.vault)
    catalog = Catalog.open(tmp_path / "other.db", clock=kept.clock, machine="another")
    with catalog.write() as records:
        vault = records.vaults.remember("local:other")
        root = records.roots.add("photos", "another host", b"/photos")
        run = records.runs.start(root.root_id, vault.vault_id)
    mine = Kept(catalog, kept.clock, vault, root, run)
    mine.record(a_file(b"mine"))
    before, own = mine.versions(), catalog.id
    bring(catalog, [lines], id=kept.catalog.id, address=ADDRESS)
    with catalog.read() as records:
        assert [each.label for each in records.roots.all()] == ["photos", "photos-2"]
        theirs = records.roots.by_label("photos-2")
        assert records.identity.id == own == catalog.id
    assert mine.versions() == before
    assert theirs is not None
    found = [version.path for version in catalog.versions_below(theirs, b"")]
    assert found == [b"photos-2/a", b"photos-2/d/b"]
    catalog.close()


def test_adopted_archives_are_explained(kept: Kept, tmp_path: Path) -> None:
    """What an inventory alone made of the vault gives way to what the copy knows of it."""
    segments = [Segment(0, 400, 2000, Codec.ZSTD), Segment(400, 600, 2000, Codec.ZSTD)]
    new = kept.new_archive()
    with kept.catalog.write() as records:
        archive = records.archives.acknowledge(new, segments)
    kept.record(a_file(b"a"), archive=archive)
    _, lines = take(kept.catalog, kept.vault)
    catalog = Catalog.open(tmp_path / "other.db", clock=kept.clock, machine="another")
    with catalog.write() as records:
        vault = records.vaults.remember(ADDRESS)
        root = records.roots.add("photos", "", b"photos")
        key = records.archives.acknowledge(replace(new, kind="foreign", md5=None))
        whole = a_file(b"archive.tar", b"x" * 1000)
        records.versions.record(None, root.root_id, vault.vault_id, key, [whole], adopted=True)
    bring(catalog, [lines], id=kept.catalog.id, address=ADDRESS)
    with catalog.read() as records:
        (root,) = records.roots.all()
        assert (root.label, root.host, root.path) == ("photos", "host", b"/home/me/photos")
        assert records.archives.segments(key) == segments
        assert records.archives.get(key).kind == "bundle"
    assert [version.path for version in catalog.versions_below(root, b"")] == [b"photos/a"]
    catalog.close()


def test_a_deletion_that_was_begun_stays(kept: Kept, tmp_path: Path) -> None:
    """An archive that is being deleted here does not come back because an older copy has it."""
    archive = kept.archive()
    _, lines = take(kept.catalog, kept.vault)
    with kept.catalog.write() as records:
        records.archives.mark([archive], ArchiveState.DELETING)
    kept.catalog.receive_copy(lines, expect=Expected(kept.catalog.id, ADDRESS))
    with kept.catalog.read() as records:
        assert records.archives.get(archive).state is ArchiveState.DELETING


def test_the_listing_of_a_real_home_comes_back(
    gk: Gk, clock: HandClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """gk ls --json --versions says of a home rebuilt from copies exactly what it said before."""
    monkeypatch.setenv("GK_CATALOG_COPY_TO_VAULT", "false")  # the copies of this test are the only ones
    photos = tmp_path / "photos"
    photos.mkdir()
    make_odd_names(photos)
    photos.joinpath("hollow").mkdir()
    photos.joinpath("link").symlink_to("nowhere")
    photos.joinpath("twin").hardlink_to(photos / "-rf")
    photos.joinpath("empty").touch()
    photos.joinpath("big").write_bytes(b"b" * (17 * MIB))
    streams, copy = [], None
    for step in range(3):
        assert gk("upload", photos, "-V", ADDRESS, "--yes").exit_code == 0
        catalog = Catalog.open(gk.home / "catalog.db", clock=clock, machine="here")
        with catalog.read() as records:
            vault = records.vaults.get(ADDRESS)
        assert vault is not None
        copy, lines = take(catalog, vault, copy)
        streams.append(lines)
        catalog.close()
        photos.joinpath("-rf").write_bytes(b"changed %d" % step)
        photos.joinpath(f"new{step}").write_bytes(b"b" * (17 * MIB))
        photos.joinpath(("big", "link", "twin")[step]).unlink()
        if step:
            assert gk("delete", "photos/new0", "photos/empty", "--yes").exit_code in (0, 1)
    catalog = Catalog.open(gk.home / "catalog.db", clock=clock, machine="here")
    streams.append(take(catalog, vault, copy)[1])
    before = [gk("ls", "--json", "--versions", *more, "photos").stdout for more in ((), ("--deleted",))]
    catalog.close()
    gk.home.joinpath("catalog.db").rename(tmp_path / "lost.db")
    other = Catalog.open(gk.home / "catalog.db", clock=clock, machine="here")
    bring(other, streams, id=catalog.id, address=ADDRESS)
    other.close()
    assert [
        gk("ls", "--json", "--versions", *more, "photos").stdout for more in ((), ("--deleted",))
    ] == before
    assert all(len(said.splitlines()) > 60 for said in before)


@pytest.fixture
def arriving(kept: Kept, tmp_path: Path) -> Iterator["Arriving"]:
    odd(kept)
    for change in changed(kept):
        change()
    _, lines = take(kept.catalog, kept.vault)
    catalog = Catalog.open(tmp_path / "other.db", clock=kept.clock, machine="another")
    yield Arriving(catalog, lines, Expected(kept.catalog.id, ADDRESS))
    catalog.close()


class Arriving:
    """A copy, and an empty catalog to read it into."""

    def __init__(self, catalog: Catalog, lines: list[bytes], expect: Expected) -> None:
        self.catalog = catalog
        self.lines = lines
        self.expect = expect
        self.before = self.dump()

    def dump(self) -> list[str]:
        with sqlite3.connect(self.catalog.path) as raw:
            found = list(raw.iterdump())
        raw.close()
        return found

    def refuse(self, lines: list[bytes], expect: Expected | None = None) -> str:
        """Why *lines* are refused; nothing may have been written."""
        with pytest.raises(CopyUnreadable) as refused:
            self.catalog.receive_copy(lines, expect=expect or self.expect)
        assert refused.value.exit is Exit.MISMATCH
        assert self.dump() == self.before
        return str(refused.value)

    def changed(self, which: str, nth: int = 0, **fields: object) -> list[bytes]:
        """The lines with *fields* of the *nth* record of that type replaced; None takes a field away."""
        at = [number for number, line in enumerate(self.lines) if json.loads(line)["type"] == which][nth]
        said = json.loads(self.lines[at]) | fields
        line = json.dumps({key: value for key, value in said.items() if value is not None}).encode() + b"\n"
        return [*self.lines[:at], line, *self.lines[at + 1 :]]


@pytest.mark.parametrize(
    ("kind", "fields", "why"),
    [
        ("catalog", {"gk": 2}, "does not begin"),
        ("catalog", {"type": "manifest"}, "does not begin"),
        ("catalog", {"catalog": "00000000"}, "its catalog is"),
        ("catalog", {"vault": "local:other"}, "its vault is"),
        ("catalog", {"index": 1}, "a full copy follows none"),
        ("catalog", {"index": 1, "after": 7}, "its index is"),
        ("catalog", {"index": 21, "after": 7}, "from 0 to 20"),
        ("catalog", {"set": "short"}, "no set"),
        ("catalog", {"made_at": 1 << 62}, "made_at"),
        ("root", {"label": "a/b"}, "slash"),
        ("root", {"label": ".."}, "component"),
        ("root", {"label": ".hidden"}, "begins with a dot"),
        ("root", {"label": "\x1b"}, "printed"),
        ("root", {"label": "\ud800"}, "not a text"),
        ("root", {"label": "n" * 256}, "longer"),
        ("root", {"path": ""}, "no path"),
        ("root", {"id": 0}, "id is not"),
        ("root", {"id": True}, "id is not"),
        ("root", {"id": 1 << 63}, "id is not"),
        ("root", {"host": None}, "host is not"),
        ("run", {"root": 99}, "refers to the root 99"),
        ("run", {"started_at": -(1 << 60)}, "started_at"),
        ("folder", {"name": "x"}, "own folder has a name"),
        ("folder", {"root": 99}, "refers to the root 99"),
        ("file", {"folder": 99}, "refers to the folder 99"),
        ("file", {"current": 99}, "not among its versions"),
        ("archive", {"kind": "catalog"}, "of the kind catalog"),
        ("archive", {"state": "lovely"}, "none of"),
        ("archive", {"size": -1}, "size"),
        ("archive", {"tree_hash": "00"}, "hash of 32"),
        ("archive", {"md5": "0" * 30 + "zz"}, "hash of 16"),
        ("archive", {"token": "t"}, "token"),
        ("archive", {"archive_id": ""}, "no id"),
        ("archive", {"size": 1000, "id": 999}, "does not follow"),
        ("segment", {"stored_offset": 4999}, "outside its archive"),
        ("segment", {"stored_length": 1 << 62}, "outside its archive"),
        ("segment", {"stored_length": 1500}, "overlap"),
        ("segment", {"plain_length": 3}, "outside its segment"),
        ("segment", {"codec": "rot13"}, "none of"),
        ("segment", {"idx": 7}, "idx"),
        ("version", {"kind": "device"}, "no kind"),
        ("version", {"target": "x"}, "has a target"),
        ("version", {"mode": 0o10000}, "mode"),
        ("version", {"mtime_ns": 1 << 63}, "mtime_ns"),
        ("version", {"file": 99}, "does not follow its file"),
        ("version", {"first_run": 99}, "refers to the run 99"),
        ("version", {"size": 1 << 62}, "size"),
        ("version", {"size": 1.5}, "size"),
        ("extent", {"segment": 99}, "refers to the segment 99"),
        ("extent", {"version": 99}, "does not follow its version"),
        ("extent", {"offset": 1 << 62}, "outside its segment"),
        ("extent", {"length": 4001}, "outside its segment"),
        ("extent", {"version_offset": 1}, "outside its version"),
        ("extent", {"version_offset": (1 << 63) - 1}, "outside its version"),
        ("end", {"records": {}}, "does not count"),
        ("end", {"type": "finish"}, "unknown type"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused(arriving: Arriving, kind: str, fields: dict[str, object], why: str) -> None:
    """A field that is missing, out of range or contradicts others is named, and nothing is written."""
    assert why in arriving.refuse(arriving.changed(kind, **fields))


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "a\0b", "/etc"])
@pytest.mark.parametrize("kind", ["folder", "file"])
def test_names_that_lead_elsewhere(arriving: Arriving, kind: str, name: str) -> None:
    """A name that is no single component of a path is refused."""
    assert arriving.refuse(arriving.changed(kind, 2, name=name, name_b64=None))


def test_a_hard_link_that_leads_out(arriving: Arriving) -> None:
    """A hard link's target is a path below its root."""
    versions = [line for line in arriving.lines if b'"type":"version"' in line]
    at = next(number for number, line in enumerate(versions) if b"hardlink" in line)
    assert "target" in arriving.refuse(arriving.changed("version", at, target="../x", target_b64=None))


def test_lines_that_are_missing_doubled_or_too_many(arriving: Arriving) -> None:
    """A copy without one of its lines, with one of them twice, or with more behind its end is refused."""
    lines = arriving.lines
    for at in range(0, len(lines), 3):
        arriving.refuse([*lines[:at], *lines[at + 1 :]])
        arriving.refuse([*lines[:at], lines[at], *lines[at:]])
        arriving.refuse(lines[:at])
    assert "follows" in arriving.refuse([*lines, b"{}\n"])
    assert "too early" in arriving.refuse(lines[:-1])


def test_lines_that_are_none(arriving: Arriving) -> None:
    """What is not JSON, not an object, not ASCII, too long or too deep is refused."""
    for line in (
        b"",
        b"\n",
        b"[]\n",
        b"nonsense",
        b"\xff",
        b"[" * 20_000,
        b" " * 40_000,
        b"1" * 20_000,
        b'{"type":[]}',
    ):
        arriving.refuse([arriving.lines[0], line, *arriving.lines[1:]])
        arriving.refuse([line, *arriving.lines])


def test_increments_in_the_wrong_order(kept: Kept, tmp_path: Path) -> None:
    """An increment is taken only after the copy it follows."""
    kept.record(a_file(b"a"))
    first, full = take(kept.catalog, kept.vault)
    kept.record(a_file(b"b"))
    second, one = take(kept.catalog, kept.vault, first)
    kept.record(a_file(b"c"))
    _, two = take(kept.catalog, kept.vault, second)
    catalog = Catalog.open(tmp_path / "other.db", clock=kept.clock, machine="another")
    at = Arriving(catalog, full, Expected(kept.catalog.id, ADDRESS))
    at.refuse(one)
    assert "predecessor" in at.refuse(two, Expected(kept.catalog.id, ADDRESS, SET, 2, first.generation))
    assert "set" in at.refuse(full, Expected(kept.catalog.id, ADDRESS, SET[::-1]))
    bring(catalog, [full, one, two], id=kept.catalog.id, address=ADDRESS)
    catalog.close()


@settings(max_examples=400, deadline=None)
@given(spot=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255), drawn=st.data())
def test_any_flipped_byte_is_refused_or_harmless(
    spot: float, byte: int, drawn: st.DataObject, flipping: Arriving
) -> None:
    """Whatever byte is another one, the copy is refused with our error, or the catalog can be read as ever."""
    joined = b"".join(flipping.lines)
    at = int(spot * len(joined))
    lines = (joined[:at] + bytes([byte]) + joined[at + 1 :]).splitlines(keepends=True)
    if drawn.draw(st.booleans()):
        first, second = sorted(drawn.draw(st.tuples(*[st.integers(0, len(lines) - 1)] * 2)))
        lines[first], lines[second] = lines[second], lines[first]
    flipping.try_and_undo(lines)


@pytest.fixture(scope="module")
def flipping(tmp_path_factory: pytest.TempPathFactory, empty: Path) -> Iterator["Flipping"]:
    folder = tmp_path_factory.mktemp("flipping")
    clock = HandClock()
    folder.joinpath("catalog.db").write_bytes(empty.read_bytes())
    catalog = Catalog.open(folder / "catalog.db", clock=clock, machine="here")
    kept = keep(catalog, clock)
    odd(kept)
    for change in changed(kept):
        change()
    _, lines = take(catalog, kept.vault)
    yield Flipping(folder, lines, catalog.id, empty)
    catalog.close()


class Flipping:
    """A copy that is damaged again and again."""

    def __init__(self, folder: Path, lines: list[bytes], id: str, empty: Path) -> None:
        self.folder = folder
        self.lines = lines
        self._id = id
        self._empty = empty

    def try_and_undo(self, lines: list[bytes]) -> None:
        path = self.folder / "target.db"
        path.write_bytes(self._empty.read_bytes())
        target = Catalog.open(path, clock=HandClock(), machine="another")
        try:
            target.receive_copy(lines, expect=Expected(self._id, ADDRESS))
            picture(target, ADDRESS)
            list(target.search("*"))
        except CopyUnreadable:
            with target.read() as records:
                assert records.roots.all() == []
                assert records.vaults.all() == []
                assert records.identity.generation == 0
        finally:
            target.close()


_COPY = """
import resource, sys
from pathlib import Path
from glacierkeep.catalog import Catalog
from glacierkeep.catalog.connections import connect
from glacierkeep.clock import SystemClock
from glacierkeep.domain.copies import Expected

source, target = (Catalog.open(Path(path), clock=SystemClock(), machine="here") for path in sys.argv[1:])
with source.write() as records:
    (vault,) = records.vaults.all()
    copy = records.copies.begin(vault.vault_id, "0" * 26)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
target.receive_copy(source.copy_lines(copy), expect=Expected(source.id, vault.address))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_stays_bounded(kept: Kept, empty: Path, tmp_path: Path) -> None:
    """Writing out and reading back 200,000 versions takes little memory."""
    archive = kept.archive(size=200_000)
    (key,) = kept.record(a_file(b"d/first"), archive=archive)
    raw = connect(kept.catalog.path)
    for table, columns in (
        ("files", "{n}, folder_id, CAST({n} AS BLOB), {n}, {n}"),
        ("versions", "{n}, {n}, " + ", ".join(_columns(raw, "versions")[2:])),
        ("extents", "{n}, vault_id, ordinal, segment_id, {n} - 2, 1, 0"),
    ):
        told = columns.format(n="value")
        own = "version_id" if table == "extents" else "id"
        raw.execute(
            "WITH RECURSIVE numbers(value) AS (SELECT 2 UNION ALL SELECT value + 1 FROM numbers WHERE value < 200000)"
            f" INSERT INTO {table} SELECT {told} FROM numbers, {table} WHERE {own} = {key}"
        )
    raw.close()
    target = tmp_path / "other.db"
    target.write_bytes(empty.read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", _COPY, kept.catalog.path, target], capture_output=True, check=True, text=True
    )
    assert int(done.stdout) * 1024 < 32 * MIB
    catalog = Catalog.open(target, clock=kept.clock, machine="another")
    with catalog.read() as records:
        assert records.statistics.totals().files == 200_000
    catalog.close()


def _columns(raw: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in raw.execute(f"PRAGMA table_info({table})")]
