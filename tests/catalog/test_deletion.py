"""Which archives nothing needs, and what becomes of archives."""

import pytest

from catalog.keeping import Kept, a_file
from glacierkeep.domain.records import ArchiveState, Piece


def test_only_retired_versions_let_go(kept: Kept) -> None:
    """An archive is unneeded once every version in it is retired; superseding is not enough."""
    archive = kept.archive()
    old = kept.record(a_file(b"a"), a_file(b"b", pieces=(Piece(100, 7),)), archive=archive)
    kept.next_run()
    kept.record(a_file(b"a", b"newer"), a_file(b"b", b"newer"))
    with kept.catalog.write() as records:
        assert records.archives.unneeded([archive]) == []
        assert records.archives.live_bytes(archive) == (14, 2)
        records.versions.retire(old[:1], kept.clock.now())
        assert records.archives.begin_deletion([archive]) == []
        assert records.archives.live_bytes(archive) == (7, 1)
        records.versions.retire(old[1:], kept.clock.now())
        assert records.archives.live_bytes(archive) == (0, 0)
        assert records.archives.begin_deletion([archive, 999]) == [archive]
        assert [one.archive_key for one in records.archives.deleting()] == [archive]
        assert [one.archive_key for one in records.archives.deleting(kept.vault.vault_id)] == [archive]
        assert records.archives.begin_deletion([archive]) == []
        records.archives.mark([archive], ArchiveState.DELETED)
        assert records.archives.deleting() == []


def test_a_reference_from_another_root_keeps_an_archive(kept: Kept) -> None:
    """A version of another root that shares the content keeps the archive alive."""
    archive = kept.archive()
    (first,) = kept.record(a_file(b"a"), archive=archive)
    with kept.catalog.write() as records:
        kept.root = records.roots.add("other", "elsewhere", b"/x")
        new = a_file(b"b", pieces=(), same_as=first)
        records.versions.record(None, kept.root.root_id, kept.vault.vault_id, None, [new])
        records.versions.retire([first], kept.clock.now())
        assert records.archives.begin_deletion([archive]) == []
        assert records.archives.holding([first]) == {archive}


def test_suspect_archives_may_be_let_go_and_lost_ones_not(kept: Kept) -> None:
    """What is not believed to be there cannot be deleted."""
    keys = [kept.archive() for _ in ArchiveState]
    with kept.catalog.write() as records:
        for key, state in zip(keys, ArchiveState, strict=True):
            records.archives.mark([key], state)
        assert records.archives.unneeded(keys) == keys[:2]
        assert list(records.archives.many(keys)) == keys


def test_acknowledged_twice(kept: Kept) -> None:
    """An archive heard of again keeps its key and gains what was not known; contradictions are refused."""
    new = kept.new_archive(50)
    change = {name: getattr(new, name) for name in new.__slots__}
    seen = type(new)(**change | {"token": None, "md5": None, "part_size": None, "kind": "foreign"})
    with kept.catalog.write() as records:
        key = records.archives.acknowledge(seen)
        assert records.archives.acknowledge(new) == key
        archive = records.archives.get(key)
        assert (archive.token, archive.md5, archive.part_size, archive.kind) == (
            new.token,
            new.md5,
            new.part_size,
            "bundle",
        )
        assert len(records.archives.segments(key)) == 1
        with pytest.raises(ValueError, match="another size"):
            records.archives.acknowledge(type(new)(**change | {"size": 51}))


def test_archives_are_found(kept: Kept) -> None:
    """By id in a vault, by id or its beginning anywhere, by token, by content; none when there is none."""
    other = kept.other_vault()
    new = kept.new_archive(50)
    change = {name: getattr(new, name) for name in new.__slots__}
    long_name = "x" * 2200
    with kept.catalog.write() as records:
        key = records.archives.acknowledge(new)
        twin = records.archives.acknowledge(type(new)(**change | {"vault_id": other.vault_id}))
        records.archives.acknowledge(type(new)(**change | {"archive_id": long_name, "token": None}))
        archives = records.archives
        assert archives.by_archive_id(kept.vault.vault_id, new.archive_id) == archives.get(key)
        assert archives.by_archive_id(kept.vault.vault_id, "nothing") is None
        assert archives.by_token(other.vault_id, new.token) == archives.get(twin)
        assert archives.by_token(other.vault_id, "nothing") is None
        assert [one.archive_key for one in archives.find_id(new.archive_id)] == [key, twin]
        assert [one.archive_key for one in archives.find_id(new.archive_id[:9])] == [key, twin]
        assert [one.archive_id for one in archives.find_id("xx")] == [long_name]
        assert archives.find_id("") == archives.find_id("y") == []
        assert len(archives.with_content(kept.vault.vault_id, 50, new.tree_hash)) == 2
        with pytest.raises(KeyError):
            archives.get(999)


def test_evidence(kept: Kept) -> None:
    """What was rehashed, retrieved, absent and seen is noted with its time; the first absence stays."""
    key = kept.archive()
    first = kept.clock.now()
    later = kept.clock.turn(days=1)
    with kept.catalog.write() as records:
        records.archives.note_rehashed(key, first)
        records.archives.note_retrieved(key, later)
        records.archives.note_absent([key], first)
        records.archives.note_absent([key], later)
        archive = records.archives.get(key)
        assert (archive.rehashed_at, archive.retrieved_at, archive.absent_since) == (first, later, first)
        records.archives.note_seen([key])
        assert records.archives.get(key).absent_since is None


def test_extents_move_from_a_duplicate(kept: Kept) -> None:
    """What lies in one archive lies in its duplicate afterwards, and the first is unneeded."""
    new = kept.new_archive(50)
    change = {name: getattr(new, name) for name in new.__slots__}
    with kept.catalog.write() as records:
        old = records.archives.acknowledge(new)
        twin = records.archives.acknowledge(type(new)(**change | {"archive_id": "twin", "token": "t"}))
        stranger = records.archives.acknowledge(kept.new_archive(50))
    (key,) = kept.record(a_file(b"a"), archive=old)
    with kept.catalog.write() as records:
        with pytest.raises(ValueError, match="duplicates"):
            records.archives.move_extents(old, stranger)
        assert records.archives.move_extents(old, twin) == 1
        assert [one.archive_key for one in records.versions.extents(key, kept.vault.vault_id)] == [twin]
        assert records.archives.begin_deletion([old, twin]) == [old]
    assert kept.known(b"a").stored


def test_all_archives_by_id(kept: Kept) -> None:
    """Every archive of a vault comes in the order of ids as texts, page by page, whatever its state."""
    other = kept.other_vault()
    with kept.catalog.write() as records:
        keys = [records.archives.acknowledge(kept.new_archive()) for _ in range(2100)]
        records.archives.mark(keys[5:6], ArchiveState.DELETED)
        records.archives.acknowledge(kept.new_archive(vault=other))
    found = [archive.archive_id for archive in kept.catalog.archive_rows(kept.vault.vault_id)]
    assert found == sorted(found)
    assert len(found) == 2100
