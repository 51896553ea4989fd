"""What a scan is told of the names in a folder."""

from catalog.keeping import Kept, a_file, a_folder
from glacierkeep.catalog import KnownNames
from glacierkeep.catalog.batches import PAGE
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.records import ArchiveState, Piece

MTIME = 1_500_000_000_123_456_789


def pages(kept: Kept, folder: bytes) -> list[KnownNames]:
    with kept.catalog.read() as records:
        key = records.tree.find_folder(kept.root.root_id, folder)
        assert key is not None
        first = records.tree.first_names(key, kept.vault.vault_id)
    return [first, *kept.catalog.names_after(key, kept.vault.vault_id, first)]


def test_a_page_is_full_and_the_last_one_says_so(kept: Kept) -> None:
    """Names come in order, PAGE at a time, none twice; whatever their number, only the last page ends the folder."""
    kept.record(*(a_file(b"even/%05d" % at) for at in range(PAGE)))
    kept.record(*(a_file(b"odd/%05d" % at) for at in range(PAGE + 1)))
    (even,), (first, second) = pages(kept, b"even"), pages(kept, b"odd")
    assert (len(even.glances), even.last, first.last, second.last) == (PAGE, None, b"%05d" % (PAGE - 1), None)
    names = [*first.glances, *second.glances]
    assert names == [b"%05d" % at for at in range(PAGE + 1)]


def test_a_glance_is_what_stat_says(kept: Kept) -> None:
    """A stored file's glance is its st_mode, size, mtime and inode; the rest of what is known is there when asked."""
    (key,) = kept.record(a_file(b"f/a", b"12345", mode=0o4711, inode=77))
    (page,) = pages(kept, b"f")
    assert page.glances == {b"a": (0o104711, 5, MTIME, 77)}
    known = page.get(b"a")
    assert known == kept.known(b"f/a")
    assert (known.version_id, known.kind, known.mode, known.stored) == (key, FileKind.FILE, 0o4711, True)
    assert page.get(b"b") is None


def test_a_glance_at_what_is_not_stored_settles_nothing(kept: Kept) -> None:
    """What has no bytes in a present archive of the vault, or is no file, agrees with nothing that stat says."""
    lost = kept.archive()
    kept.record(a_file(b"lost"), archive=lost)
    link = a_file(b"link", b"", kind=FileKind.SYMLINK, target=b"lost", hashes=None)
    kept.record(a_file(b"bare", pieces=()), a_folder(b"folder"), link, a_file(b"good"))
    with kept.catalog.write() as records:
        records.archives.mark([lost], ArchiveState.LOST)
    (page,) = pages(kept, b"")
    modes = {name: glance[0] for name, glance in page.glances.items()}
    assert modes == {b"bare": None, b"folder": None, b"good": 0o100644, b"link": 0o644, b"lost": None}
    assert [page.get(name).stored for name in modes] == [False, False, True, True, False]


def test_a_version_in_several_pieces_is_stored_if_all_are_there(kept: Kept) -> None:
    """A version cut into pieces counts as stored when they cover it and every archive is present, and only then."""
    one, two = kept.archive(), kept.archive()
    halves = (Piece(0, 3, 0, archive_key=one), Piece(0, 4, 3, archive_key=two))
    kept.record(a_file(b"cut", b"1234567", pieces=halves), a_file(b"short", b"1234567", pieces=halves[:1]))
    assert (kept.known(b"cut").stored, kept.known(b"short").stored) == (True, False)
    with kept.catalog.write() as records:
        records.archives.mark([two], ArchiveState.SUSPECT)
    assert not kept.known(b"cut").stored
