"""What becomes of versions that are recorded."""

import shutil
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.keeping import HandClock, Kept, a_file, a_folder, keep, some_hashes
from glacierkeep.catalog import ArchiveGone, Catalog
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.hashes import hash_content
from glacierkeep.domain.records import ArchiveState, NewVersion, Piece
from glacierkeep.domain.segments import Codec, SealKind, Segment


def test_a_recorded_file_is_known_and_stored(kept: Kept) -> None:
    """What was recorded comes back exactly, big inodes included."""
    (key,) = kept.record(a_file(b"2019/a.jpg", b"abc", inode=2**64 - 5))
    known = kept.known(b"2019/a.jpg")
    assert (known.version_id, known.kind, known.size, known.stored) == (key, FileKind.FILE, 3, True)
    assert (known.mtime_ns, known.mode, known.inode) == (1_500_000_000_123_456_789, 0o644, 2**64 - 5)
    with kept.catalog.read() as records:
        version = records.versions.get(key)
    assert (version.path, version.md5) == (b"photos/2019/a.jpg", hash_content(b"abc").md5)
    assert (version.tree_hash, version.current, version.first_seen) == (
        hash_content(b"abc").tree_hash,
        True,
        kept.clock.now(),
    )


def test_the_same_file_gets_no_second_version(kept: Kept) -> None:
    """Recorded again with another inode, a file keeps its version, whose inode is the new one."""
    first = kept.record(a_file(b"a", inode=1))
    assert kept.record(a_file(b"a", inode=2)) == first
    assert kept.known(b"a").inode == 2
    assert len(kept.versions(history=True)) == 1


def test_the_second_archive_of_a_stored_file_stays_unneeded(kept: Kept) -> None:
    """A file that is stored already refers to no second archive of the same vault."""
    kept.record(a_file(b"a"))
    second = kept.archive()
    kept.record(a_file(b"a"), archive=second)
    with kept.catalog.read() as records:
        assert records.archives.unneeded([second]) == [second]


@pytest.mark.parametrize(
    "change",
    [
        {"content": b"CONTENT"},
        {"mtime_ns": 5},
        {"mode": 0o600},
        {"content": b"longer content"},
        {"kind": FileKind.SYMLINK, "size": 0, "hashes": None, "target": b"x", "pieces": (Piece(0, 0),)},
    ],
)
def test_a_changed_file_gets_a_new_version(kept: Kept, change: dict[str, object]) -> None:
    """Another content, time, mode or kind is another version, and the current one."""
    kept.record(a_file(b"a"))
    kept.next_run()
    (key,) = kept.record(a_file(b"a", **change))
    assert kept.known(b"a").version_id == key
    assert [version.current for version in kept.versions(history=True)] == [False, True]


def test_the_same_path_twice_in_one_call(kept: Kept) -> None:
    """A path that is recorded twice at once has two versions, the last one current."""
    archive = kept.archive()
    first, second = kept.record(a_file(b"a", b"one"), a_file(b"a", b"two"), archive=archive)
    assert first != second
    assert kept.known(b"a").version_id == second


def test_stored_is_judged_per_vault(kept: Kept) -> None:
    """A file stored in one vault is not stored in another until its bytes are there too."""
    other = kept.other_vault()
    first = kept.record(a_file(b"a"))
    assert kept.known(b"a").stored
    assert not kept.known(b"a", other).stored
    assert kept.record(a_file(b"a"), vault=other) == first
    assert kept.known(b"a").stored
    assert kept.known(b"a", other).stored
    with kept.catalog.read() as records:
        held = records.versions.holdings(first[0])
    assert [vault.address for vault, _ in held] == ["local:default", "glacier://eu-west-1/other"]
    assert [len(archives) for _, archives in held] == [1, 1]


@pytest.mark.parametrize("state", [state for state in ArchiveState if state is not ArchiveState.PRESENT])
def test_only_present_archives_store(kept: Kept, state: ArchiveState) -> None:
    """A file whose archive is suspect, lost or deleted is not stored; sent again, it lies in the new archive."""
    old, new = kept.archive(), kept.archive()
    (key,) = kept.record(a_file(b"a"), archive=old)
    with kept.catalog.write() as records:
        records.archives.mark([old], state)
    assert not kept.known(b"a").stored
    with kept.catalog.read() as records:
        assert records.versions.same_content(kept.vault.vault_id, [hash_content(b"content")]) == {}
        assert records.versions.sizes_stored(kept.vault.vault_id, [7]) == set()
    assert kept.record(a_file(b"a"), archive=new) == [key]
    assert kept.known(b"a").stored
    with kept.catalog.read() as records:
        extents = records.versions.extents(key, kept.vault.vault_id)
    assert [extent.archive_key for extent in extents] == [new]


def test_an_archive_that_is_not_present_takes_no_extents(kept: Kept) -> None:
    """Recording into an archive that is being deleted raises ArchiveGone and writes nothing at all."""
    archive = kept.archive()
    with kept.catalog.write() as records:
        assert records.archives.begin_deletion([archive]) == [archive]
    with kept.catalog.write() as records:
        with pytest.raises(ArchiveGone) as caught:
            records.versions.record(
                kept.run, kept.root.root_id, kept.vault.vault_id, archive, [a_file(b"new/a"), a_file(b"b")]
            )
        records.events.add("after")
    assert caught.value.keys == (archive,)
    assert kept.paths(deleted=True, history=True) == []
    with kept.catalog.read() as records:
        assert records.tree.find_folder(kept.root.root_id, b"new") is None
        assert [event.kind for event in records.events.latest()] == ["after"]


def test_same_content_is_referred_to_not_sent_again(kept: Kept) -> None:
    """A second file of the same content gets the extents of the first."""
    archive = kept.archive()
    (first,) = kept.record(a_file(b"a", pieces=(Piece(100, 7),)), archive=archive)
    with kept.catalog.write() as records:
        content = hash_content(b"content")
        found = records.versions.same_content(kept.vault.vault_id, [content]).get(content)
        assert found == first
        new = a_file(b"copy/b", pieces=(), same_as=found)
        (second,) = records.versions.record(kept.run, kept.root.root_id, kept.vault.vault_id, None, [new])
        (extent,) = records.versions.extents(second, kept.vault.vault_id)
    assert (extent.archive_key, extent.offset, extent.length) == (archive, 100, 7)
    assert kept.known(b"copy/b").stored


def test_content_that_is_gone_meanwhile_cannot_be_referred_to(kept: Kept) -> None:
    """same_as fails once the archive is being deleted, or when the vault never had that content."""
    archive = kept.archive()
    (first,) = kept.record(a_file(b"a"), archive=archive)
    other = kept.other_vault()
    with kept.catalog.write() as records:
        records.versions.retire([first], kept.clock.now())
        assert records.archives.begin_deletion([archive]) == [archive]
    new = a_file(b"b", pieces=(), same_as=first)
    with kept.catalog.write() as records, pytest.raises(ArchiveGone) as gone:
        records.versions.record(kept.run, kept.root.root_id, kept.vault.vault_id, None, [new])
    with kept.catalog.write() as records, pytest.raises(ArchiveGone) as never:
        records.versions.record(kept.run, kept.root.root_id, other.vault_id, None, [new])
    assert (gone.value.keys, never.value.keys) == ((archive,), ())


def test_same_content_needs_size_and_both_hashes(kept: Kept) -> None:
    """Another size, tree hash or MD5 is another content; an unrecorded MD5 does not matter."""
    hashes = some_hashes(7)
    other = some_hashes(7, 1)
    one, two = kept.record(a_file(b"a", hashes=hashes), a_file(b"b", b"seven77", hashes=other))
    unlike = [
        hashes._replace(md5=b"0" * 16),
        hashes._replace(size=8),
        hashes._replace(tree_hash=b"0" * 32),
    ]
    strangers = [some_hashes(size) for size in range(100, 500)]
    with kept.catalog.read() as records:
        found = records.versions.same_content(kept.vault.vault_id, [*strangers, hashes, *unlike, other])
    assert found == {hashes: one, other: two}


def test_sizes_stored(kept: Kept) -> None:
    """Of many sizes, those that some stored file has are named; never 0, nor sizes of retired or unstored ones."""
    retired = kept.record(a_file(b"r", b"12345"))
    kept.record(a_file(b"a", b"abc"), a_file(b"empty", b""), a_file(b"unstored", b"x", pieces=()))
    kept.record(*(a_file(b"many/%d" % at, b"y" * 900) for at in range(50)))
    with kept.catalog.write() as records:
        records.versions.retire(retired, kept.clock.now())
    with kept.catalog.read() as records:
        assert records.versions.sizes_stored(kept.vault.vault_id, range(3000)) == {3, 900}


def test_a_hard_link_has_its_first_names_content(kept: Kept) -> None:
    """A hard link gets the content of its first name, recorded in the same call, and its own marker at the end."""
    link = NewVersion(
        path=b"z/link",
        kind=FileKind.HARDLINK,
        size=0,
        mtime_ns=1,
        mode=0o644,
        inode=7,
        hashes=None,
        target=b"a",
        pieces=(Piece(512, 0),),
        same_as_path=b"a",
    )
    linked, first = kept.record(link, a_file(b"a"))
    with kept.catalog.read() as records:
        extents = records.versions.extents(linked, kept.vault.vault_id)
    assert [(extent.ordinal, extent.offset, extent.length) for extent in extents] == [(0, 0, 7), (1, 512, 0)]
    assert kept.known(b"z/link").stored
    assert kept.known(b"z/link").target == b"a"
    assert first == kept.known(b"a").version_id


def test_a_hard_link_without_its_first_name_is_not_stored(kept: Kept) -> None:
    """If the first name's content is not in the vault, the link has no extents and will be sent again."""
    link = NewVersion(b"l", FileKind.HARDLINK, 0, 1, 0o644, 7, None, b"a", (Piece(0, 0),), None, b"a")
    kept.record(link)
    assert not kept.known(b"l").stored
    kept.record(a_file(b"a"))
    kept.record(link)
    assert kept.known(b"l").stored


def test_volumes_add_up(kept: Kept) -> None:
    """A file in several archives is stored once the last volume is recorded, and only while all are present."""
    archives = [kept.archive(), kept.archive(), kept.archive()]
    pieces = [Piece(0, 400, 0), Piece(0, 400, 400), Piece(0, 200, 800)]
    whole = a_file(b"big", b"x" * 1000)
    seen = []
    for archive, piece in zip(archives, pieces, strict=True):
        volume = a_file(b"big", b"x" * 1000, pieces=(piece,))
        kept.record(volume, archive=archive)
        seen.append(kept.known(b"big").stored)
    assert seen == [False, False, True]
    with kept.catalog.read() as records:
        extents = records.versions.extents(kept.known(b"big").version_id, kept.vault.vault_id)
        assert [(one.archive_key, one.version_offset) for one in extents] == list(
            zip(archives, [0, 400, 800], strict=True)
        )
        assert records.versions.same_content(kept.vault.vault_id, [whole.hashes])
    with kept.catalog.write() as records:
        records.archives.mark([archives[1]], ArchiveState.LOST)
    assert not kept.known(b"big").stored


def test_pieces_in_segments(kept: Kept) -> None:
    """A piece lies in the segment it names, of a sealed archive too, and never outside of it."""
    new = kept.new_archive(600, kind="sealed")
    cut = [
        Segment(0, 300, 500, Codec.ZSTD, SealKind.AGE, b"h" * 32),
        Segment(300, 300, 400, Codec.ZSTD, SealKind.AGE),
    ]
    with kept.catalog.write() as records:
        archive = records.archives.acknowledge(new, cut)
        assert records.archives.segments(archive) == cut
    (key,) = kept.record(
        a_file(b"a", b"x" * 450, pieces=(Piece(450, 50, 0, 0), Piece(0, 400, 50, 1))), archive=archive
    )
    with kept.catalog.read() as records:
        one, two = records.versions.extents(key, kept.vault.vault_id)
    assert (one.segment, one.codec, one.seal, one.stored_offset, one.stored_length) == (
        0,
        "zstd",
        "age",
        0,
        300,
    )
    assert (two.segment, two.offset, two.length, two.version_offset) == (1, 0, 400, 50)
    for outside in (Piece(450, 51), Piece(0, 1, 0, 2), Piece(-1, 1), Piece(0, 401, 0, 1)):
        with pytest.raises(ValueError, match="outside"):
            kept.record(a_file(b"b", b"x", pieces=(outside,)), archive=archive)


@pytest.mark.parametrize("outside", [b"/a", b"a//b", b"../a", b"a/..", b"a/", b".", b"a\0b"])
def test_a_path_that_leads_out_is_refused(kept: Kept, outside: bytes) -> None:
    """Nothing is recorded under a path that leaves its root or is written in two ways."""
    with pytest.raises(ValueError, match="below a root"):
        kept.record(a_file(b"fine"), a_file(outside))
    assert kept.paths() == []


def test_adopted_versions_give_way(kept: Kept) -> None:
    """An adopted version never takes the place of a recorded one, but stands where there is none."""
    kept.record(a_file(b"a", b"ours"))
    kept.record(a_file(b"a", b"theirs"), a_file(b"b", b"theirs"), adopted=True)
    assert (kept.known(b"a").size, kept.known(b"b").size) == (4, 6)
    a, b = kept.versions()
    assert (a.adopted, b.adopted) == (False, True)
    assert kept.known(b"b").stored


def test_adopting_again_changes_nothing(kept: Kept) -> None:
    """The same archive adopted twice adds no versions."""
    archive = kept.archive()
    kept.record(a_file(b"a", b"ours"))
    first = kept.record(a_file(b"a", b"theirs"), a_file(b"b", b"b"), archive=archive, adopted=True)
    assert kept.record(a_file(b"a", b"theirs"), a_file(b"b", b"b"), archive=archive, adopted=True) == first


def test_the_youngest_adopted_version_is_current(kept: Kept) -> None:
    """Adopted in any order, the version from the archive that was created last is the current one."""
    old = kept.archive()
    kept.clock.turn(days=5)
    new = kept.archive()
    kept.record(a_file(b"a", b"younger"), archive=new, adopted=True)
    kept.record(a_file(b"a", b"old"), archive=old, adopted=True)
    assert kept.known(b"a").size == 7


def test_our_own_reading_confirms_an_adopted_version(kept: Kept) -> None:
    """A recorded version that equals an adopted one makes it ours, its MD5 included."""
    no_md5 = hash_content(b"content")
    (key,) = kept.record(a_file(b"a", hashes=type(no_md5)(7, None, no_md5.tree_hash)), adopted=True)
    assert kept.record(a_file(b"a")) == [key]
    with kept.catalog.read() as records:
        version = records.versions.get(key)
    assert (version.adopted, version.md5) == (False, no_md5.md5)


def test_a_foreign_bundles_word_is_not_trusted_as_content(kept: Kept) -> None:
    """An adopted member is not "the same content"; an adopted whole archive is, and a confirmed member."""
    (member,) = kept.record(a_file(b"m", b"member"), adopted=True)
    hashes, content = some_hashes(50), hash_content(b"member")
    new = kept.new_archive(50, kind="foreign")
    whole = type(new)(
        **{name: getattr(new, name) for name in new.__slots__} | {"tree_hash": hashes.tree_hash}
    )
    with kept.catalog.write() as records:
        archive = records.archives.acknowledge(whole)
    file = a_file(b"f", b"x" * 50, hashes=type(hashes)(50, None, hashes.tree_hash))
    (alone,) = kept.record(file, archive=archive, adopted=True)
    with kept.catalog.write() as records:
        assert records.versions.same_content(kept.vault.vault_id, [content, hashes]) == {hashes: alone}
        records.versions.confirm([member])
        assert records.versions.same_content(kept.vault.vault_id, [content]) == {content: member}


def test_a_folder_with_files_has_metadata_and_no_bytes(kept: Kept) -> None:
    """A folder's own version stands beside what lies in it, also the root's."""
    kept.record(a_folder(b""), a_folder(b"f"), a_file(b"f/a"))
    assert kept.known(b"").kind is FileKind.FOLDER
    assert (kept.known(b"f").kind, kept.known(b"f").stored, kept.known(b"f").mode) == (
        FileKind.FOLDER,
        False,
        0o755,
    )
    with kept.catalog.read() as records:
        assert records.tree.live_count(kept.root.root_id) == 1
        top = records.tree.find_top(kept.root.root_id)
        assert set(records.tree.subfolders(top)) == {b"f"}


def test_touch_changes_the_inode_alone(kept: Kept) -> None:
    """A file that was moved to another disk keeps its version."""
    (key,) = kept.record(a_file(b"a"))
    with kept.catalog.write() as records:
        records.versions.touch(key, 2**63)
    assert kept.known(b"a").inode == 2**63


def test_times_beyond_the_year_2262_are_cut(kept: Kept) -> None:
    """A time that no 64-bit number of nanoseconds holds does not stop a run, nor make a version on each."""
    first = kept.record(a_file(b"a", mtime_ns=2**63 + 17), a_file(b"b", mtime_ns=-(2**70)))
    assert kept.record(a_file(b"a", mtime_ns=2**63 + 17), a_file(b"b", mtime_ns=-(2**70))) == first
    assert kept.known(b"a").mtime_ns == 2**63 - 1


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    clock = HandClock()
    path = tmp_path_factory.mktemp("shared") / "catalog.db"
    return keep(Catalog.open(path, clock=clock, machine="here"), clock)


NAMES = st.binary(min_size=1, max_size=12).filter(lambda name: b"/" not in name and b"\0" not in name)
PATHS = st.lists(NAMES.filter(lambda name: name not in (b".", b"..")), min_size=1, max_size=4).map(b"/".join)


@settings(max_examples=25)
@given(st.sets(PATHS, min_size=1, max_size=12), st.integers(0, 2**32))
def test_names_of_any_bytes_come_back(shared: Kept, paths: set[bytes], label: int) -> None:
    """Whatever bytes names are of, they come back exactly, in the order of their components."""
    with shared.catalog.write() as records:
        name = f"root-{label}-{len(records.roots.all())}"
        shared.root = records.roots.add(name, "host", name.encode())
    shared.record(*(a_file(path) for path in paths))
    assert shared.paths() == sorted(paths, key=lambda path: path.split(b"/"))
    assert all(shared.known(path).stored for path in paths)


def test_recording_is_quick(kept: Kept) -> None:
    """Ten thousand versions take far below a minute of work: no query per version."""
    new = [
        a_file(b"%d/%d" % (at % 200, at), hashes=some_hashes(7, at), pieces=(Piece(at * 7, 7),))
        for at in range(10_000)
    ]
    archive = kept.archive(10_000 * 7)
    began = time.process_time()
    kept.record(*new, archive=archive)
    assert time.process_time() - began < 10


def test_new_and_known_names_together(kept: Kept) -> None:
    """One call may bring new names, known ones, changed ones and the same name twice; keys come in their order."""
    old, same = kept.record(a_file(b"f/b", b"old"), a_file(b"f/d", b"same"))
    new = [
        a_file(b"f/a"),
        a_file(b"f/b", b"changed"),
        a_file(b"f/c"),
        a_file(b"f/d", b"same"),
        a_file(b"g/a"),
    ]
    keys = kept.record(*new)
    assert keys[3] == same
    assert len({*keys, old}) == 6
    assert [kept.known(item.path).version_id for item in new] == keys
    twice = kept.record(a_file(b"h/a", b"first"), a_file(b"h/a", b"second"))
    assert [version.version_id for version in kept.versions(b"h/a", history=True)] == twice
    assert kept.known(b"h/a").version_id == twice[1]


NAMES = st.sampled_from([b"a", b"b", b"a/a", b"a/b", b"b/\xff", b"b/\xc3\x84", b"c/d/e"])
ITEMS = st.builds(
    lambda path, content, kind: a_folder(path) if kind == "folder" else a_file(path, content),
    NAMES,
    st.sampled_from([b"one", b"two"]),
    st.sampled_from(["file", "file", "folder"]),
)


@settings(max_examples=60, deadline=None)
@given(batches=st.lists(st.lists(ITEMS, max_size=6), max_size=3))
def test_recording_together_is_recording_one_by_one(
    batches: list[list[NewVersion]], tmp_path_factory: pytest.TempPathFactory, empty: Path
) -> None:
    """Whatever is recorded in one call comes out as if each item had been recorded in a call of its own."""
    folder = tmp_path_factory.mktemp("two")
    outcomes = []
    for alone in (False, True):
        shutil.copy(empty, folder / str(alone))
        clock = HandClock()
        catalog = Catalog.open(folder / str(alone), clock=clock, machine="here")
        kept = keep(catalog, clock)
        for batch in batches:
            archive = kept.archive()
            for some in [[item] for item in batch] if alone else [batch]:
                kept.record(*some, archive=archive)
            kept.next_run()
        outcomes.append(_all_of(kept))
        catalog.close()
    assert outcomes[0] == outcomes[1]


def _all_of(kept: Kept) -> list[tuple[object, ...]]:
    """Every version, with where its bytes lie; keys left out."""
    with kept.catalog.read() as records:
        return [
            (
                version.path, version.kind, version.size, version.tree_hash, version.first_seen, version.current,
                [
                    (each.archive_key, each.segment, each.ordinal, each.offset, each.length)
                    for each in records.versions.extents(version.version_id, kept.vault.vault_id)
                ],
            )
            for version in kept.versions(history=True)
        ]  # fmt: skip


@pytest.mark.parametrize(
    "item",
    [
        a_file(b"../out"),
        a_file(b"a//b"),
        a_file(b"/a"),
        a_file(b"a/"),
        a_file(b"a\0"),
        a_file(b"a", b"x" * 2000),
    ],
    ids=["up", "empty component", "from the top", "no name", "NUL", "outside its archive"],
)
def test_what_cannot_be_recorded_leaves_nothing(kept: Kept, item: NewVersion) -> None:
    """A path that leads out, or a piece outside its archive, is refused; nothing of the call stays."""
    key = kept.archive()
    place = (kept.root.root_id, kept.vault.vault_id)
    with kept.catalog.write() as records, pytest.raises(ValueError, match=r"path|piece"):
        records.versions.record(kept.run, *place, key, [a_file(b"new/a"), item])
    with kept.catalog.read() as records:
        assert records.tree.find_folder(kept.root.root_id, b"new") is None
