"""Retrievals and their items."""

from catalog.keeping import Kept, a_file, a_folder
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.records import ItemState, NewVersion, Piece
from glacierkeep.domain.segments import Segment
from glacierkeep.domain.service import JobAction, Tier


def wish(kept: Kept, versions: list[int]) -> int:
    with kept.catalog.write() as records:
        return records.retrievals.create(kept.vault.vault_id, b"/to/\xff", True, Tier.STANDARD, versions)


def test_a_retrieval_counts_its_items(kept: Kept) -> None:
    """Every version waits until it is settled; settling moves the counts; finishing closes it."""
    keys = kept.record(a_file(b"a"), a_file(b"b"), a_file(b"c"), a_file(b"d"))
    wished = wish(kept, [*keys, keys[0]])
    with kept.catalog.write() as records:
        retrieval = records.retrievals.get(wished)
        assert (retrieval.target, retrieval.overwrite, retrieval.tier) == (b"/to/\xff", True, Tier.STANDARD)
        assert (retrieval.waiting, retrieval.placed, retrieval.finished_at) == (4, 0, None)
        records.retrievals.settle(wished, keys[0], ItemState.PLACED)
        records.retrievals.settle(wished, keys[1], ItemState.SKIPPED, "there already")
        records.retrievals.settle(wished, keys[2], ItemState.FAILED, "mismatch")
        retrieval = records.retrievals.get(wished)
        assert (retrieval.waiting, retrieval.placed, retrieval.skipped, retrieval.failed) == (1, 1, 1, 1)
        assert [one.retrieval_id for one in records.retrievals.open()] == [wished]
        records.retrievals.finish(wished)
        assert records.retrievals.open() == []
        assert [one.retrieval_id for one in records.retrievals.all()] == [wished]
    items = list(kept.catalog.retrieval_items(wished))
    assert [(item.state, item.reason, version.path) for item, version in items] == [
        (ItemState.PLACED, "", b"photos/a"),
        (ItemState.SKIPPED, "there already", b"photos/b"),
        (ItemState.FAILED, "mismatch", b"photos/c"),
        (ItemState.WAITING, "", b"photos/d"),
    ]
    assert [item.version_id for item, _ in kept.catalog.retrieval_items(wished, ItemState.WAITING)] == keys[
        3:
    ]


def test_jobs_of_a_retrieval(kept: Kept) -> None:
    """A job made for one retrieval may serve another, and each knows its jobs."""
    archive = kept.archive()
    keys = kept.record(a_file(b"a"), archive=archive)
    one, two = wish(kept, keys), wish(kept, keys)
    with kept.catalog.write() as records:
        job = records.jobs.intend(
            kept.vault.vault_id, "j", JobAction.ARCHIVE, archive, None, Tier.BULK, retrieval_id=one
        )
        records.retrievals.link(two, job)
        records.retrievals.link(two, job)
        assert [found.job_key for found in records.jobs.for_retrieval(two)] == [job]
        assert records.retrievals.for_job(job) == [one, two]


def test_archives_of_a_retrieval(kept: Kept) -> None:
    """Those archives are named in which waiting items lie, and no more once these are settled."""
    first, second, third = kept.archive(), kept.archive(), kept.archive()
    a, b = kept.record(a_file(b"a"), a_file(b"b", pieces=(Piece(7, 7),)), archive=first)
    (c,) = kept.record(a_file(b"c"), archive=second)
    kept.record(a_file(b"unwanted"), archive=third)
    wished = wish(kept, [a, b, c])
    assert list(kept.catalog.retrieval_archives(wished)) == [first, second]
    with kept.catalog.write() as records:
        records.retrievals.settle(wished, a, ItemState.PLACED)
        records.retrievals.settle(wished, c, ItemState.PLACED)
    assert list(kept.catalog.retrieval_archives(wished)) == [first]


def test_the_extents_of_another_vault_do_not_matter(kept: Kept) -> None:
    """Only archives of the retrieval's vault are needed for it."""
    kept.record(a_file(b"a"), vault=kept.other_vault())
    (key,) = kept.record(a_file(b"a"))
    (archive,) = kept.catalog.retrieval_archives(wish(kept, [key]))
    with kept.catalog.read() as records:
        assert records.archives.get(archive).vault_id == kept.vault.vault_id


def test_pieces_come_in_the_order_they_lie(kept: Kept) -> None:
    """Items of one archive come by segment and offset, each once, with all its extents there, page after page."""
    new = kept.new_archive(30_000)
    cut = [
        Segment(0, 10_000, 10_000),
        Segment(10_000, 10_000, 10_000),
        Segment(20_000, 10_000, 10_000),
    ]
    with kept.catalog.write() as records:
        archive = records.archives.acknowledge(new, cut)
    small = [a_file(b"%05d" % at, b"abcdefg", pieces=(Piece(at * 7, 7),)) for at in range(1300)]
    later = [
        a_file(b"z%05d" % at, b"1234567", pieces=(Piece((1300 - at) * 7, 7, 0, 2),)) for at in range(1300)
    ]
    big = a_file(b"big", b"x" * 900, pieces=(Piece(9_600, 400, 0, 0), Piece(0, 500, 400, 1)))
    keys = kept.record(*later, big, *small, archive=archive)
    wished = wish(kept, keys)
    pairs = list(kept.catalog.retrieval_pieces(wished, archive))
    found = [version.path.removeprefix(b"photos/") for version, _ in pairs]
    assert found == [one.path for one in (*small, big, *reversed(later))]
    assert [(one.segment, one.length) for one in pairs[1300][1]] == [(0, 400), (1, 500)]
    with kept.catalog.write() as records:
        for version, _ in pairs[:1500]:
            records.retrievals.settle(wished, version.version_id, ItemState.PLACED)
    assert len(list(kept.catalog.retrieval_pieces(wished, archive))) == len(pairs) - 1500


def test_many_names_at_the_same_place(kept: Kept) -> None:
    """Thousands of versions that share one extent all come, once each."""
    archive = kept.archive()
    (first,) = kept.record(a_file(b"a"), archive=archive)
    with kept.catalog.write() as records:
        copies = [a_file(b"copy%04d" % at, pieces=(), same_as=first) for at in range(2100)]
        keys = records.versions.record(kept.run, kept.root.root_id, kept.vault.vault_id, None, copies)
    pairs = list(kept.catalog.retrieval_pieces(wish(kept, [first, *keys]), archive))
    assert [version.version_id for version, _ in pairs] == [first, *keys]


def test_a_hard_link_comes_once(kept: Kept) -> None:
    """A link with content and marker in the same archive is one item with both extents."""
    link = NewVersion(b"l", FileKind.HARDLINK, 0, 1, 0o644, 7, None, b"a", (Piece(99, 0),), None, b"a")
    archive = kept.archive()
    keys = kept.record(a_file(b"a"), link, archive=archive)
    pairs = list(kept.catalog.retrieval_pieces(wish(kept, keys), archive))
    assert [(version.path, len(extents)) for version, extents in pairs] == [
        (b"photos/a", 1),
        (b"photos/l", 2),
    ]


def test_items_without_bytes_wait_too(kept: Kept) -> None:
    """A folder with files has no extents, and is an item all the same."""
    keys = kept.record(a_folder(b"f"), a_file(b"f/a"))
    wished = wish(kept, keys)
    assert [version.kind for _, version in kept.catalog.retrieval_items(wished)] == [
        FileKind.FOLDER,
        FileKind.FILE,
    ]


def test_moved_extents_are_found(kept: Kept) -> None:
    """A retrieval that began before a duplicate was let go finds its bytes in the archive that stays."""
    new = kept.new_archive(50)
    change = {name: getattr(new, name) for name in new.__slots__}
    with kept.catalog.write() as records:
        old = records.archives.acknowledge(new)
        twin = records.archives.acknowledge(type(new)(**change | {"archive_id": "twin", "token": "t"}))
    keys = kept.record(a_file(b"a"), archive=old)
    wished = wish(kept, keys)
    with kept.catalog.write() as records:
        records.archives.move_extents(old, twin)
    assert list(kept.catalog.retrieval_archives(wished)) == [twin]
