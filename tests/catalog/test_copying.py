"""Writing a vault's records out: all of them, or what changed since an earlier copy."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from catalog.copies import SET, acknowledge, take
from catalog.keeping import Kept, a_file, a_folder
from glacierkeep.catalog.connections import connect
from glacierkeep.domain.copies import LONGEST_LINE
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.records import ArchiveState, Piece


def read(lines: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines]


def told(lines: list[bytes], kind: str) -> list[dict[str, Any]]:
    return [said for said in read(lines) if said["type"] == kind]


def noted(path: Path) -> list[tuple[str, int]]:
    """The changes noted, oldest first."""
    raw = connect(path)
    found = raw.execute("SELECT kind, key FROM changes ORDER BY id").fetchall()
    raw.close()
    return found


def test_the_first_line_says_what_it_is_and_the_last_counts(kept: Kept) -> None:
    """A copy begins with its header and ends with the number of records of each kind."""
    kept.record(a_folder(b""), a_file(b"a"))
    with kept.catalog.write() as records:
        records.vaults.note_inventory(kept.vault.vault_id, kept.clock.now())
    copy, lines = take(kept.catalog, kept.vault)
    first, *between, last = read(lines)
    assert first == {
        "gk": 1, "type": "catalog", "catalog": kept.catalog.id, "vault": "local:default", "generation": 1,
        "set": SET, "index": 0, "schema": "0004", "made_at": 1767268800000000, "inventory_date": 1767268800000000,
    }  # fmt: skip
    assert copy.generation == 1
    counts = Counter(said["type"] for said in between)
    assert last == {"type": "end", "records": {kind: counts[kind] for kind in last["records"]}}


def test_lines_are_ascii_and_short(kept: Kept) -> None:
    """The longest names there are, however they are escaped, fit a line."""
    names = [b"\x01" * 255, b"\xff" * 255, "\u00e9".encode() * 127, "\U0001f4a9".encode() * 63]
    kept.record(
        *(a_file(name) for name in names),
        a_file(b"l", b"", kind=FileKind.SYMLINK, target=b"\x02" * 4096, hashes=None),
        a_file(b"m", b"", kind=FileKind.HARDLINK, target=b"/".join([b"\x02" * 200] * 70), hashes=None),
    )
    _, lines = take(kept.catalog, kept.vault)
    assert all(line.isascii() and line.endswith(b"\n") and len(line) <= LONGEST_LINE for line in lines)


def test_everything_is_told_before_it_is_referred_to(kept: Kept) -> None:
    """Whatever a line refers to stands in an earlier line of the same copy, in a full one and in an increment."""
    kept.record(a_folder(b""), a_file(b"a"), a_file(b"x/y/z/b"), a_folder(b"x/y"))
    copy, full = take(kept.catalog, kept.vault)
    kept.next_run()
    kept.gone(b"a")
    kept.record(a_file(b"x/y/z/b", b"other"), a_file(b"x/n", b"new"))
    _, increment = take(kept.catalog, kept.vault, copy)
    for lines in (full, increment):
        seen: set[tuple[str, int]] = set()
        for said in read(lines)[1:-1]:
            for field in (
                "root",
                "parent",
                "folder",
                "file",
                "archive",
                "segment",
                "version",
                "first_run",
                "absent_run",
            ):
                kind = {"parent": "folder", "first_run": "run", "absent_run": "run"}.get(field, field)
                assert field not in said or (kind, said[field]) in seen, said
            if "id" in said:
                seen.add((said["type"], said["id"]))


def test_an_increment_holds_only_what_changed(kept: Kept) -> None:
    """New versions and changed ones come with what they refer to, and nothing else comes."""
    kept.record(*(a_file(b"d/%d" % number) for number in range(50)))
    copy, _ = take(kept.catalog, kept.vault)
    kept.next_run()
    kept.gone(b"d/7")
    kept.record(a_file(b"d/9", b"other"))
    _, lines = take(kept.catalog, kept.vault, copy)
    assert {said["name"] for said in told(lines, "file")} == {"7", "9"}
    assert len(told(lines, "version")) == 2
    assert read(lines)[0]["after"] == 1
    assert read(lines)[0]["index"] == 1


def test_an_increment_after_nothing_is_empty(kept: Kept) -> None:
    """Without any change an increment tells of no file, and nothing has changed."""
    kept.record(a_file(b"a"))
    copy, _ = take(kept.catalog, kept.vault)
    with kept.catalog.read() as records:
        assert not records.copies.has_changed(kept.vault.vault_id, copy)
    _, lines = take(kept.catalog, kept.vault, copy)
    assert read(lines)[-1]["records"] == dict.fromkeys(read(lines)[-1]["records"], 0)


def test_what_counts_as_a_change(kept: Kept, path: Path) -> None:
    """Each kind of fact that a copy holds, once changed, makes a new copy due."""
    archive = kept.archive()
    (key,) = kept.record(a_file(b"a"), archive=archive)
    now = kept.clock.now()

    def mark(records: Any) -> None:
        records.archives.mark([archive], ArchiveState.SUSPECT)

    steps = [
        mark,
        lambda records: records.archives.note_retrieved(archive, now),
        lambda records: records.archives.note_rehashed(archive, now),
        lambda records: records.archives.note_absent([archive], now),
        lambda records: records.archives.note_seen([archive]),
        lambda records: records.tree.mark_gone(kept.run, kept.root.root_id, [b"a"]),
        lambda records: records.versions.retire([key], now),
        lambda records: records.roots.claim(kept.root.root_id, "other", b"/elsewhere"),
        lambda records: records.archives.acknowledge(kept.new_archive()),
    ]
    copy, _ = take(kept.catalog, kept.vault)
    for step in steps:
        with kept.catalog.write() as records:
            assert not records.copies.has_changed(kept.vault.vault_id, copy)
            step(records)
            assert records.copies.has_changed(kept.vault.vault_id, copy)
        copy, _ = take(kept.catalog, kept.vault, copy)
    assert noted(path) == []


def test_what_counts_as_none(kept: Kept, path: Path) -> None:
    """Inodes, facts said again, runs that saw nothing new, inventories and catalog archives make no copy due."""
    archive = kept.archive()
    (key,) = kept.record(a_file(b"a"), archive=archive)
    copy, _ = take(kept.catalog, kept.vault)
    kept.next_run()
    kept.record(a_file(b"a", inode=99), archive=archive)
    with kept.catalog.write() as records:
        records.versions.touch(key, 100)
        records.archives.mark([archive], ArchiveState.PRESENT)
        records.archives.note_seen([archive])
        records.vaults.note_inventory(kept.vault.vault_id, kept.clock.now())
        assert copy.archive_key is not None
        records.archives.mark([copy.archive_key], ArchiveState.DELETED)
        records.runs.finish(kept.run, complete=True)
        assert not records.copies.has_changed(kept.vault.vault_id, copy)
    assert noted(path) == []


def test_new_records_note_nothing(kept: Kept, path: Path) -> None:
    """Recording new files, and new versions of old ones, notes no change: they come by their keys."""
    kept.record(a_file(b"a"), a_file(b"b"))
    take(kept.catalog, kept.vault)
    kept.next_run()
    kept.record(a_file(b"a", b"other"), a_file(b"c"))
    assert noted(path) == []


def test_what_happens_while_it_is_written_comes_with_the_next(kept: Kept) -> None:
    """Records made and changed between two lines of a copy are whole in the next increment."""
    old = kept.archive()
    kept.record(*(a_file(b"%03d" % number) for number in range(5)), archive=old)
    with kept.catalog.write() as records:
        copy = records.copies.begin(kept.vault.vault_id, SET)
    lines = kept.catalog.copy_lines(copy)
    first = [next(lines) for _ in range(3)]
    kept.next_run()
    kept.record(a_file(b"000", b"other"), a_file(b"new"))
    kept.gone(b"001")
    full = first + list(lines)
    copy = acknowledge(kept.catalog, copy, full)
    _, increment = take(kept.catalog, kept.vault, copy)
    assert {said["name"] for said in told(full, "file")} == {"000", "001", "002", "003", "004"}
    assert {said["name"] for said in told(increment, "file")} == {"000", "001", "new"}
    assert any("gone_at" in said for said in told(increment, "version"))


def test_a_failed_copy_loses_no_change(kept: Kept) -> None:
    """What changed before a copy that never became an archive is in the one made instead."""
    kept.record(a_file(b"a"))
    copy, _ = take(kept.catalog, kept.vault)
    kept.next_run()
    kept.gone(b"a")
    with kept.catalog.write() as records:
        failed = records.copies.begin(kept.vault.vault_id, SET, copy)
        records.copies.give_up(failed.copy_id)
    again, lines = take(kept.catalog, kept.vault, copy)
    assert [said["name"] for said in told(lines, "file")] == ["a"]
    assert again.generation == 3


def test_only_what_concerns_the_vault(kept: Kept) -> None:
    """A copy tells nothing of what lies in another vault, but all of what lies in both."""
    other = kept.other_vault()
    kept.record(a_file(b"here"))
    with kept.catalog.write() as records:
        mine = kept.run
        kept.run = records.runs.start(kept.root.root_id, other.vault_id)
    kept.record(a_file(b"there"), a_file(b"d/there"), vault=other)
    copy, lines = take(kept.catalog, kept.vault)
    assert [said["name"] for said in told(lines, "file")] == ["here"]
    assert len(told(lines, "archive")) == len(told(lines, "run")) == 1
    kept.run = mine
    kept.record(a_file(b"d/there"))
    with kept.catalog.read() as records:
        assert records.copies.has_changed(kept.vault.vault_id, copy)
    _, lines = take(kept.catalog, kept.vault, copy)
    (version,) = told(lines, "version")
    assert "first_run" not in version
    assert [said["name"] for said in told(lines, "folder")] == ["", "d"]


def test_the_current_version_as_one_vault_knows_it(kept: Kept) -> None:
    """Where a later version went to another vault, a copy names the newest it can give back."""
    other = kept.other_vault()
    (first,) = kept.record(a_file(b"a"))
    kept.clock.turn(days=1)
    with kept.catalog.write() as records:
        kept.run = records.runs.start(kept.root.root_id, other.vault_id)
    (second,) = kept.record(a_file(b"a", b"other"), vault=other)
    assert [said["current"] for said in told(take(kept.catalog, kept.vault)[1], "file")] == [first]
    assert [said["current"] for said in told(take(kept.catalog, other)[1], "file")] == [second]


def test_many_extents_of_one_version(kept: Kept) -> None:
    """A version in more pieces than are held at once is told with all of them, in order."""
    count = 9001
    archive = kept.archive(size=count)
    pieces = tuple(Piece(at, 1, at) for at in range(count))
    kept.record(a_file(b"a"), a_file(b"big", b"x" * count, pieces=pieces), a_file(b"c"), archive=archive)
    _, lines = take(kept.catalog, kept.vault)
    (big,) = [said["id"] for said in told(lines, "version") if said["size"] == count]
    assert [said["offset"] for said in told(lines, "extent") if said["version"] == big] == list(range(count))
    assert len(told(lines, "extent")) == count + 2


def test_a_chain_of_copies(kept: Kept) -> None:
    """The chain is the newest acknowledged full copy and its increments; broken or closed, it is empty."""
    kept.record(a_file(b"a"))
    vault = kept.vault.vault_id
    first, _ = take(kept.catalog, kept.vault)
    second, _ = take(kept.catalog, kept.vault, first)
    with kept.catalog.write() as records:
        begun = records.copies.begin(vault, SET, second)
        assert records.copies.chain(vault) == [first, second]
        assert records.copies.all(vault) == [first, second, begun]
        with pytest.raises(ValueError, match="acknowledged"):
            records.copies.begin(vault, SET, begun)
        assert second.archive_key is not None
        assert records.copies.by_archive(second.archive_key) == second
        records.archives.mark([second.archive_key], ArchiveState.LOST)
        assert records.copies.chain(vault) == []
        records.archives.mark([second.archive_key], ArchiveState.PRESENT)
        assert records.copies.chain(vault) == [first, second]
        records.copies.close(vault)
        assert records.copies.chain(vault) == []
    third, _ = take(kept.catalog, kept.vault, set_token=SET[::-1])
    with kept.catalog.read() as records:
        assert records.copies.chain(vault) == [third]


def test_notes_stay_until_every_vault_has_a_copy_of_them(kept: Kept, path: Path) -> None:
    """A change of a file in two vaults is noted until both have a newer copy."""
    other = kept.other_vault()
    kept.record(a_file(b"a"))
    kept.record(a_file(b"a"), vault=other)
    here, _ = take(kept.catalog, kept.vault)
    there, _ = take(kept.catalog, other, set_token=SET[::-1])
    kept.next_run()
    kept.gone(b"a")
    _, lines = take(kept.catalog, kept.vault, here)
    assert told(lines, "version")
    assert noted(path)
    _, lines = take(kept.catalog, other, there)
    assert told(lines, "version")
    assert noted(path) == []
