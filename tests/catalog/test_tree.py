"""What is known of folders, and what is gone."""

import pytest

from catalog.keeping import Kept, a_file, a_folder
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.records import Piece


def test_a_gone_file_is_known_no_more(kept: Kept) -> None:
    """After a run marked it gone, a file is neither known nor walked, but its history is there."""
    kept.record(a_file(b"a"), a_file(b"b"))
    later = kept.next_run()
    assert kept.gone(b"a", b"never/there") == 1
    assert (kept.known(b"a"), kept.paths()) == (None, [b"b"])
    (gone,) = [version for version in kept.versions(deleted=True) if version.path.endswith(b"a")]
    with kept.catalog.read() as records:
        assert gone.gone_at == records.runs.started(later)
    assert not gone.current


def test_a_gone_file_still_keeps_its_archive(kept: Kept) -> None:
    """What is gone from disk is history, and history is kept."""
    archive = kept.archive()
    kept.record(a_file(b"a"), archive=archive)
    kept.next_run()
    kept.gone(b"a")
    with kept.catalog.write() as records:
        assert records.archives.begin_deletion([archive]) == []


def test_a_gone_folder_takes_everything_below_with_it(kept: Kept) -> None:
    """Marking a folder gone marks its metadata and all below, however deep, and nothing beside it."""
    kept.record(
        a_folder(b"f"), a_folder(b"f/g"), a_file(b"f/a"), a_file(b"f/g/h/b"), a_file(b"f.txt"), a_file(b"g/a")
    )
    kept.next_run()
    assert kept.gone(b"f") == 4
    assert kept.paths() == [b"f.txt", b"g/a"]
    assert kept.gone(b"f") == 0


def test_only_what_lay_below(kept: Kept) -> None:
    """A folder that became a file: what lay below is gone, the file is there."""
    kept.record(a_folder(b"f"), a_file(b"f/a"))
    kept.next_run()
    kept.record(a_file(b"f"))
    assert kept.gone(b"f/") == 1
    assert kept.paths() == [b"f"]
    assert kept.known(b"f").kind is FileKind.FILE


def test_a_whole_root_is_gone(kept: Kept) -> None:
    """b"" is the root itself and all in it."""
    kept.record(a_folder(b""), a_file(b"a"), a_file(b"f/b"))
    kept.next_run()
    assert kept.gone(b"") == 3
    assert kept.paths() == []


def test_what_comes_back_is_a_new_version(kept: Kept) -> None:
    """A file that was gone and is there again has a second version."""
    (first,) = kept.record(a_file(b"a"))
    kept.next_run()
    kept.gone(b"a")
    kept.next_run()
    (second,) = kept.record(a_file(b"a"))
    assert first != second
    assert len(kept.versions(history=True)) == 2


def test_many_paths_gone_at_once(kept: Kept) -> None:
    """A long list of paths is taken in pieces."""
    paths = [b"f%d/%d" % (at % 30, at) for at in range(2000)]
    kept.record(*(a_file(path) for path in paths))
    kept.next_run()
    assert kept.gone(*paths[:1500]) == 1500
    assert len(kept.paths()) == 500


def test_live_count_leaves_out_folders(kept: Kept) -> None:
    """Files, symlinks and hard links count; folders and what is gone do not."""
    link = a_file(b"s", b"", kind=FileKind.SYMLINK, hashes=None, target=b"a", pieces=(Piece(0, 0),))
    kept.record(a_folder(b""), a_folder(b"f"), a_file(b"f/a"), a_file(b"b"), link)
    kept.next_run()
    kept.gone(b"b")
    with kept.catalog.read() as records:
        assert records.tree.live_count(kept.root.root_id) == 2


def test_two_roots_do_not_mix(kept: Kept) -> None:
    """The same path below two roots is two files."""
    kept.record(a_file(b"f/a", b"one"))
    first = kept.root
    with kept.catalog.write() as records:
        kept.root = records.roots.add("music", "host", b"/home/me/music")
    kept.record(a_file(b"f/a", b"three"))
    kept.next_run()
    kept.gone(b"f")
    assert kept.paths() == []
    kept.root = first
    assert kept.known(b"f/a").size == 3


def test_the_top_folder_is_one(kept: Kept) -> None:
    """A root has one top folder, though its parent is NULL."""
    with kept.catalog.read() as records:
        assert records.tree.find_top(kept.root.root_id) is None
    with kept.catalog.write() as records:
        top = records.tree.make_top(kept.root.root_id)
        assert records.tree.make_top(kept.root.root_id) == top
        assert records.tree.find_folder(kept.root.root_id, b"") == top
        with pytest.raises(Exception, match="UNIQUE"):
            records.tree._connection.exec_driver_sql(
                f"INSERT INTO folders (root_id, name, text) VALUES ({kept.root.root_id}, x'', '')"
            )


@pytest.mark.parametrize(
    ("place", "label"),
    [
        (b"/home/me/photos", "photos"),
        (b"/home/me/photos/a/b", "photos"),
        (b"/home/me/photos/2019/a", "nineteen"),
        (b"/home/me/photoshop", None),
        (b"/home/me", None),
        (b"/", None),
    ],
)
def test_the_root_that_holds_a_path(kept: Kept, place: bytes, label: str | None) -> None:
    """The deepest root at or above a path holds it; a root of another host never does."""
    with kept.catalog.write() as records:
        records.roots.add("nineteen", "host", b"/home/me/photos/2019")
        records.roots.add("elsewhere", "other", b"/")
        root = records.roots.holding("host", place)
    assert (root.label if root else None) == label


def test_roots_are_named_once(kept: Kept) -> None:
    """Neither a label nor a place can be taken twice."""
    with kept.catalog.write() as records:
        with pytest.raises(ValueError, match="label"):
            records.roots.add("photos", "host", b"/elsewhere")
        with pytest.raises(ValueError, match="already"):
            records.roots.add("else", "host", b"/home/me/photos")
        assert records.roots.by_label("photos") == kept.root == records.roots.at("host", b"/home/me/photos")
        assert records.roots.by_id(kept.root.root_id) == kept.root
        assert records.roots.all() == [kept.root]


def test_the_last_complete_run(kept: Kept) -> None:
    """Only runs that saw everything count, per root and vault."""
    began = kept.clock.now()
    with kept.catalog.write() as records:
        args = (kept.root.root_id, kept.vault.vault_id)
        assert records.runs.last_complete(*args) is None
        records.runs.finish(kept.run, complete=True)
    later = kept.next_run()
    vault = kept.other_vault()
    with kept.catalog.write() as records:
        records.runs.finish(later, complete=False)
        assert records.runs.last_complete(*args) == began
        assert records.runs.last_complete(kept.root.root_id, vault.vault_id) is None


def test_a_root_is_claimed_for_another_place(kept: Kept) -> None:
    """A root moves to another host or folder with all its names, but not onto another root."""
    kept.record(a_file(b"a"))
    with kept.catalog.write() as records:
        records.roots.add("other", "new-host", b"/taken")
        with pytest.raises(ValueError, match="already"):
            records.roots.claim(kept.root.root_id, "new-host", b"/taken")
        kept.root = records.roots.claim(kept.root.root_id, "new-host", b"/photos")
        assert records.roots.at("host", b"/home/me/photos") is None
    assert kept.paths() == [b"a"]
