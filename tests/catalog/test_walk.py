"""Walking, listing and searching what is kept, now and as of a day."""

from datetime import datetime

import pytest

from catalog.keeping import Kept, a_file, a_folder
from glacierkeep.catalog import FolderName
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.hashes import hash_content


def test_paths_come_in_the_order_of_their_components(kept: Kept) -> None:
    """Depth first, names by their bytes: what lies in `a` comes before `a.txt`, the folder's own version first."""
    paths = [b"a", b"a/b", b"a/b/c", b"a/z", b"a.txt", b"b", b"\xff", b"A"]
    kept.record(*(a_folder(path) if path in (b"a", b"a/b") else a_file(path) for path in paths))
    assert kept.paths() == sorted(paths, key=lambda path: path.split(b"/"))


def test_one_file_or_one_folder(kept: Kept) -> None:
    """A path names a file, or a folder with all below; what is not there names nothing."""
    kept.record(a_folder(b"f"), a_file(b"f/a"), a_file(b"f/g/b"), a_file(b"f.x"))
    assert kept.paths(b"f") == [b"f", b"f/a", b"f/g/b"]
    assert kept.paths(b"f/g") == [b"f/g/b"]
    assert kept.paths(b"f/a") == [b"f/a"]
    assert kept.paths(b"f/g/b/c") == kept.paths(b"nothing") == []


def test_more_than_a_page(kept: Kept) -> None:
    """Folders of thousands of files and folders are walked whole, once, in order."""
    paths = [b"%05d" % at for at in range(1200)] + [b"sub%05d/x" % at for at in range(1100)]
    kept.record(*(a_file(path) for path in paths))
    assert kept.paths() == paths
    found = [entry.path for entry in kept.catalog.children(kept.root, b"")]
    assert found == [b"photos/" + path.removesuffix(b"/x") for path in paths]


def days(kept: Kept) -> list[datetime]:
    """A history: three days on which a file came, changed, went and came back."""
    moments = []
    kept.record(a_file(b"a", b"1"), a_file(b"f/b"), a_file(b"same"))
    moments.append(kept.clock.now())
    kept.next_run()
    kept.record(a_file(b"a", b"22"), a_file(b"c"))
    kept.gone(b"f")
    moments.append(kept.clock.now())
    kept.next_run()
    kept.gone(b"a")
    kept.record(a_file(b"f/b", b"again"))
    moments.append(kept.clock.now())
    return moments


def said(kept: Kept, **view: object) -> list[tuple[bytes, int]]:
    return [(version.path.removeprefix(b"photos/"), version.size) for version in kept.versions(**view)]


def test_the_state_of_a_day(kept: Kept) -> None:
    """`at` gives what was there then: not what came later, not what was gone, not what was superseded."""
    first, second, third = days(kept)
    assert said(kept, at=first) == [(b"a", 1), (b"f/b", 7), (b"same", 7)]
    assert said(kept, at=second) == [(b"a", 2), (b"c", 7), (b"same", 7)]
    assert said(kept, at=third) == said(kept) == [(b"c", 7), (b"f/b", 5), (b"same", 7)]
    assert said(kept, at=first.replace(year=2000)) == []


def test_what_was_deleted(kept: Kept) -> None:
    """`deleted` adds the last version of what is gone, now and as of a day."""
    first, second, _ = days(kept)
    assert said(kept, deleted=True) == [(b"a", 2), (b"c", 7), (b"f/b", 5), (b"same", 7)]
    assert said(kept, at=second, deleted=True) == [(b"a", 2), (b"c", 7), (b"f/b", 7), (b"same", 7)]
    assert said(kept, at=first, deleted=True) == said(kept, at=first)


def test_all_versions(kept: Kept) -> None:
    """`history` gives every version of every file, older ones first; retired ones only with `deleted`."""
    days(kept)
    everything = [(b"a", 1), (b"a", 2), (b"c", 7), (b"f/b", 7), (b"f/b", 5), (b"same", 7)]
    assert said(kept, history=True) == everything
    oldest = kept.versions(history=True)[0]
    with kept.catalog.write() as records:
        records.versions.retire([oldest.version_id], kept.clock.now())
    assert said(kept, history=True) == everything[1:]
    assert said(kept, history=True, deleted=True) == everything


def test_retired_versions_are_not_shown(kept: Kept) -> None:
    """After `retire` a current file is neither there nor among the deleted, and is known no more."""
    (key,) = kept.record(a_file(b"a"))
    with kept.catalog.write() as records:
        records.versions.retire([key], kept.clock.now())
        assert records.versions.get(key).retired_at == kept.clock.now()
    assert kept.known(b"a") is None
    assert said(kept) == said(kept, deleted=True) == said(kept, at=kept.clock.now()) == []


def test_an_adopted_version_of_an_older_day(kept: Kept) -> None:
    """An adopted version is the state of the days before our first run, and of none after."""
    archive = kept.archive()
    then = kept.clock.now()
    kept.next_run(days=30)
    kept.record(a_file(b"a", b"ours"))
    kept.record(a_file(b"a", b"adopted"), archive=archive, adopted=True)
    assert said(kept, at=then) == [(b"a", 7)]
    assert said(kept, at=kept.clock.now()) == said(kept) == [(b"a", 4)]


def test_one_level(kept: Kept) -> None:
    """A folder's children are its files and folders, a folder without a version by its name, the root not."""
    kept.record(a_folder(b""), a_folder(b"f"), a_file(b"f/a"), a_file(b"g/h/b"), a_file(b"k"))
    children = list(kept.catalog.children(kept.root, b""))
    assert [(type(child).__name__, child.path) for child in children] == [
        ("Version", b"photos/f"),
        ("FolderName", b"photos/g"),
        ("Version", b"photos/k"),
    ]
    assert [child.path for child in kept.catalog.children(kept.root, b"g")] == [b"photos/g/h"]
    assert [child.path for child in kept.catalog.children(kept.root, b"k")] == [b"photos/k"]
    assert list(kept.catalog.children(kept.root, b"nothing")) == []


def test_one_level_of_what_is_gone(kept: Kept) -> None:
    """A folder of which all is gone is listed only with `deleted`, or as of a day before."""
    before = kept.clock.now()
    kept.record(a_file(b"f/g/a"), a_file(b"b"))
    kept.next_run()
    kept.gone(b"f")
    folder = FolderName(kept.root.root_id, b"photos/f")
    assert [child.path for child in kept.catalog.children(kept.root, b"")] == [b"photos/b"]
    assert folder in list(kept.catalog.children(kept.root, b"", deleted=True))
    assert folder in list(kept.catalog.children(kept.root, b"", at=before))


NAMES = [
    b"2019/IMG_1.JPG",
    b"2019/img_22.jpg",
    b"2020/100%.txt",
    b"Caf\xc3\xa9.txt",
    b"cafe\xcc\x81.md",
    b"\xff.bin",
]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (None, NAMES),
        ("img", NAMES[:2]),
        ("*.jpg", NAMES[:2]),
        ("img_?.jpg", NAMES[:1]),
        ("img_[0-9][0-9].*", NAMES[1:2]),
        ("100%", NAMES[2:3]),
        ("CAFÉ", NAMES[3:5]),
        ("2019/", NAMES[:2]),
        ("2019/*", NAMES[:2]),
        ("photos/2020/*.txt", NAMES[2:3]),
        ("19/img_1", NAMES[:1]),
        ("20??/*[gt]", NAMES[:3]),
        ("2019", []),
        ("g_1", NAMES[:1]),
        ("\ufffd", NAMES[5:]),
        ("*", NAMES),
    ],
)
def test_searching(kept: Kept, pattern: str | None, expected: list[bytes]) -> None:
    """Part of a name or a glob, of the path if it has a slash; neither case nor the spelling of accents matters."""
    kept.record(*(a_file(name) for name in NAMES))
    assert [version.path.removeprefix(b"photos/") for version in kept.catalog.search(pattern)] == expected


def test_searching_with_conditions(kept: Kept) -> None:
    """Size, kind, time, content, root and state narrow a search."""
    kept.record(a_file(b"a", b"1", mtime_ns=10), a_file(b"b", b"22", mtime_ns=20), a_folder(b"c"))
    kept.next_run()
    kept.record(a_file(b"a", b"333", mtime_ns=30))
    kept.gone(b"b")

    def found(**wanted: object) -> list[tuple[bytes, int]]:
        return [(version.path[-1:], version.size) for version in kept.catalog.search(**wanted)]

    assert found() == [(b"a", 3), (b"c", 0)]
    assert found(deleted=True) == [(b"a", 3), (b"b", 2), (b"c", 0)]
    assert found(history=True, kinds=[FileKind.FILE]) == [(b"a", 1), (b"a", 3), (b"b", 2)]
    assert found(history=True, least_size=2, most_size=2) == [(b"b", 2)]
    assert found(history=True, modified_from=10, modified_until=30, kinds={FileKind.FILE}) == [
        (b"a", 1),
        (b"b", 2),
    ]
    assert found(tree_hash=hash_content(b"333").tree_hash) == [(b"a", 3)]
    assert found(root_id=kept.root.root_id + 1) == []
    assert len(found(root_id=kept.root.root_id)) == 2


def test_searching_more_than_a_page(kept: Kept) -> None:
    """All hits of a long search come, once each."""
    kept.record(*(a_file(b"d%d/%d.jpg" % (at % 7, at)) for at in range(2500)), a_file(b"x.txt"))
    assert len({version.version_id for version in kept.catalog.search("*.jpg")}) == 2500
