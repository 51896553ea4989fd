"""What a NAME means."""

import os
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from glacierkeep.domain.files import FileKind
from glacierkeep.domain.hashes import Hashes
from glacierkeep.domain.records import NewArchive, NewVersion, Piece
from glacierkeep.errors import NoSuchName, UsageError
from glacierkeep.operations.selection import NOW, Moment, archive_named, folder_named, select
from support.world import HOST, World

NAMES = (
    b"2018/a.jpg",
    b"2018/b.JPG",
    b"2019/a.jpg",
    b"2019/deep/er/a.jpg",
    b"2019/notes.txt",
    b"-rf",
    b"*star*",
    b"[x].txt",
    b"\xff\n.jpg",
    b"archive:x",
    b"back\\slash",
    b"top.jpg",
)


@pytest.fixture
def named(world: World, tmp_path: Path) -> World:
    """A root called photos with files of many names, and one called letters."""
    for root, names in (("photos", NAMES), ("letters", (b"2019/a.jpg", b"top.jpg"))):
        for name in names:
            path = os.path.join(bytes(tmp_path), root.encode(), name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            Path(os.fsdecode(path)).write_bytes(name)
        world.upload(tmp_path / root)
    return world


def chosen(world: World, name: str, moment: Moment = NOW) -> list[str]:
    """The files (no folders) that *name* means, without their order."""
    found = select(name, catalog=world.catalog, host=HOST, moment=moment)
    return sorted(os.fsdecode(each.path) for each in found if each.kind.word != "folder")


def test_exact_names_come_first(named: World) -> None:
    """A name that exists means itself, whatever characters it has; only else is it a pattern."""
    assert chosen(named, "photos/2019/a.jpg") == ["photos/2019/a.jpg"]
    assert chosen(named, "photos/*star*") == ["photos/*star*"]
    assert chosen(named, "photos/[x].txt") == ["photos/[x].txt"]
    assert chosen(named, "photos/-rf") == ["photos/-rf"]
    assert chosen(named, "photos/back\\slash") == ["photos/back\\slash"]
    assert chosen(named, os.fsdecode(b"photos/\xff\n.jpg")) == [os.fsdecode(b"photos/\xff\n.jpg")]


def test_a_folder_means_all_below_it(named: World) -> None:
    """With or without a slash at the end; a label alone is the whole root."""
    below = ["photos/2019/a.jpg", "photos/2019/deep/er/a.jpg", "photos/2019/notes.txt"]
    assert chosen(named, "photos/2019") == chosen(named, "photos/2019/") == below
    assert len(chosen(named, "photos")) == len(NAMES)
    assert len(chosen(named, "letters/")) == 2


def test_globs(named: World) -> None:
    """`*` and `?` stay within a component, `**` crosses them; a folder that fits brings what is below it."""
    assert chosen(named, "photos/*/a.jpg") == ["photos/2018/a.jpg", "photos/2019/a.jpg"]
    assert chosen(named, "photos/201?/*.jpg") == ["photos/2018/a.jpg", "photos/2019/a.jpg"]
    assert chosen(named, "photos/2019/**.jpg") == ["photos/2019/a.jpg", "photos/2019/deep/er/a.jpg"]
    assert chosen(named, "*/2019/a.jpg") == ["letters/2019/a.jpg", "photos/2019/a.jpg"]
    assert chosen(named, "photos/2019/d*") == ["photos/2019/deep/er/a.jpg"]
    assert chosen(named, "photos/201[89]/a.jpg") == ["photos/2018/a.jpg", "photos/2019/a.jpg"]
    assert chosen(named, "photos/201[!9]/*") == ["photos/2018/a.jpg", "photos/2018/b.JPG"]


def test_a_glob_without_a_slash_is_a_name_at_any_depth(named: World) -> None:
    """`*.txt` is every text, wherever it lies."""
    assert chosen(named, "*.txt") == ["photos/2019/notes.txt", "photos/[x].txt"]
    assert chosen(named, "top.*") == ["letters/top.jpg", "photos/top.jpg"]


def test_what_is_not_there(named: World) -> None:
    """A name that means nothing is an error that says so, and never means something else."""
    for name in ("nothing", "photos/nothing", "photos/*.gif", "", "/", "//", "..", "photos/../photos"):
        with pytest.raises(NoSuchName):
            chosen(named, name)


def test_an_absolute_path(named: World, tmp_path: Path) -> None:
    """The path on this machine's disk names what was archived from there, even if it is gone now."""
    (tmp_path / "photos/top.jpg").unlink()
    assert chosen(named, str(tmp_path / "photos/top.jpg")) == ["photos/top.jpg"]
    assert len(chosen(named, str(tmp_path / "photos"))) == len(NAMES)
    with pytest.raises(NoSuchName):
        chosen(named, str(tmp_path / "elsewhere"))


HOSTILE_PATTERNS = (
    "photos/[",
    "photos/[]",
    "photos/[!]",
    "photos/[^]",
    "photos/[z-a]*",
    "photos/[[:x:]]*",
    "photos/(a",
    "*a" * 40 + "b",
    "photos/" + "**/" * 12 + "x",
    "photos/a{9999}",
    "photos/\\",
    "photos/[\\]",
    "photos/[a-",
    "[",
    "photos/*\0",
)


def test_hostile_patterns(named: World) -> None:
    """Any pattern either means something, or nothing, or is refused as wrong usage; none hangs or crashes."""
    for pattern in HOSTILE_PATTERNS:
        with suppress(NoSuchName, UsageError):
            chosen(named, pattern)


def test_a_day(named: World, tmp_path: Path) -> None:
    """--at gives things as they were: the version of that day, and nothing that came later."""
    before = named.clock.now()
    named.clock.turn(days=10)
    (tmp_path / "letters/top.jpg").write_bytes(b"a newer one")
    (tmp_path / "letters/later.jpg").write_bytes(b"later")
    (tmp_path / "letters/2019/a.jpg").unlink()
    named.upload(tmp_path / "letters")

    then = list(select("letters/top.jpg", catalog=named.catalog, host=HOST, moment=Moment(at=before)))
    now = list(select("letters/top.jpg", catalog=named.catalog, host=HOST))

    assert ([each.size for each in then], [each.size for each in now]) == ([7], [11])
    assert chosen(named, "letters", Moment(at=before)) == ["letters/2019/a.jpg", "letters/top.jpg"]
    assert chosen(named, "letters") == ["letters/later.jpg", "letters/top.jpg"]
    with pytest.raises(NoSuchName):
        chosen(named, "letters", Moment(at=before - timedelta(days=1)))


def test_what_is_gone_from_disk(named: World, tmp_path: Path) -> None:
    """A file that a complete run found gone is named only with --deleted."""
    (tmp_path / "photos/top.jpg").unlink()
    named.upload(tmp_path / "photos")
    with pytest.raises(NoSuchName):
        chosen(named, "photos/top.jpg")
    assert chosen(named, "photos/top.jpg", Moment(deleted=True)) == ["photos/top.jpg"]


def test_archives_by_their_id(world: World) -> None:
    """archive:ID is all that lies in it; the id may begin with a dash, and may be cut short if it stays one."""
    first, second = "-" + "a" * 137, "-b" + "_" * 136
    for at, archive_id in enumerate((first, second)):
        add_archive(world, archive_id, b"%d.txt" % at)

    assert chosen(world, f"archive:{first}") == ["photos/0.txt"]
    assert chosen(world, "archive:-b") == ["photos/1.txt"]
    assert archive_named("photos/0.txt", catalog=world.catalog) is None
    for name in ("archive:-", "archive:", "archive:nothing", "archive:-a*"):
        with pytest.raises(NoSuchName):
            chosen(world, name)


def add_archive(world: World, archive_id: str, path: bytes) -> None:
    """An archive with one empty file, whose id is *archive_id*."""
    with world.catalog.write() as records:
        root = records.roots.by_label("photos") or records.roots.add("photos", HOST, b"/photos")
        new = NewArchive(
            world.vault.vault_id, archive_id, "file", 1, None, bytes(32), "", None, None, world.clock.now()
        )
        key = records.archives.acknowledge(new)
        records.versions.record(None, root.root_id, world.vault.vault_id, key, [one_byte(path)])


def one_byte(path: bytes) -> NewVersion:
    hashes = Hashes(1, None, bytes(32))
    return NewVersion(path, FileKind.FILE, 1, 0, 0o644, 1, hashes, pieces=(Piece(0, 1),))


def test_folders(named: World) -> None:
    """A folder is known by its exact name, a file is none."""
    found = folder_named("photos/2019/", catalog=named.catalog, host=HOST)
    assert found is not None
    assert (found[0].label, found[1]) == ("photos", b"2019")
    assert folder_named("photos/nothing", catalog=named.catalog, host=HOST) is None
    assert folder_named("nothing", catalog=named.catalog, host=HOST) is None
