"""Walking over all that a disk may hold."""

import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from glacierkeep.bundle.entries import entry_of
from glacierkeep.bundle.folder import open_below
from glacierkeep.bundle.rules import Rules
from glacierkeep.bundle.walk import FolderListing, walk
from glacierkeep.domain.files import FileKind
from glacierkeep.errors import UsageError

NASTY = [
    b"latin\xe9",
    b"new\nline",
    b"-rf",
    b"\x1b[31m",
    b"n" * 255,
    "nfc\u00e9".encode(),
    "nfce\u0301".encode(),
]
SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55"


def _files(found: dict[bytes, FolderListing]) -> list[bytes]:
    return [entry.path for listing in found.values() for entry in listing.entries]


def test_order(tree: Any) -> None:
    """Folders come before what is in them, siblings in name order, and a folder's files in path order."""
    for name in (b"b/2", b"b/1", b"a/z/9", b"a/y/8", b"top", b"Top"):
        tree.file(name)
    found = tree.walk()
    assert list(found) == [b"", b"a", b"a/y", b"a/z", b"b"]
    assert _files(found) == [b"Top", b"top", b"a/y/8", b"a/z/9", b"b/1", b"b/2"]
    assert found[b"a"].folders == [b"y", b"z"]


def test_entries(tree: Any) -> None:
    """An entry says what the system says."""
    entry = tree.file(b"d/f", b"12345")
    status = os.lstat(tree.below(b"d/f"))
    assert tree.walk()[b"d"].entries == [entry]
    assert (entry.kind, entry.size, entry.mtime_ns) == (FileKind.FILE, 5, status.st_mtime_ns)
    assert (entry.inode, entry.device, entry.links) == (status.st_ino, status.st_dev, 1)
    assert (entry.uid, entry.gid, entry.mode) == (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))


def test_folder_entry(tree: Any) -> None:
    """A listing carries the folder's own entry, the root's included; an empty folder has nothing else."""
    os.mkdir(tree.below(b"void"))
    os.chmod(tree.below(b"void"), 0o1751)
    found = tree.walk()
    assert found[b""].entry.kind is FileKind.FOLDER
    assert found[b"void"] == FolderListing(b"void", tree.entry(b"void"), [])
    assert (found[b"void"].entry.mode, found[b"void"].entry.size) == (0o1751, 0)


@pytest.mark.parametrize("name", NASTY, ids=repr)
def test_nasty_names(tree: Any, name: bytes) -> None:
    """Names are the bytes on disk, whatever they are."""
    tree.file(name + b"/" + name)
    os.symlink(name, tree.below(name + b"/" + b"link"))
    (listing,) = (listing for path, listing in tree.walk().items() if path == name)
    assert [entry.path for entry in listing.entries] == sorted([name + b"/" + name, name + b"/link"])


def test_symlinks(tree: Any) -> None:
    """Symlinks are taken as they are and never followed: to folders, to nowhere, to themselves."""
    tree.file(b"folder/f")
    targets = {b"to-folder": b"folder", b"dangling": b"nowhere", b"loop": b"loop", b"raw": b"\xff"}
    for name, target in targets.items():
        os.symlink(target, tree.below(name))
    found = tree.walk()
    links = {entry.path: entry for entry in found[b""].entries}
    assert {name: entry.target for name, entry in links.items()} == targets
    assert {entry.kind for entry in links.values()} == {FileKind.SYMLINK}
    assert {entry.size for entry in links.values()} == {0}
    assert list(found) == [b"", b"folder"]


def test_root_is_a_symlink(tree: Any, tmp_path: Path) -> None:
    """A root that the user names by a symlink is the folder it leads to."""
    tree.file(b"f")
    os.symlink(tree.path, tmp_path / "link")
    walked = walk(os.fsencode(tmp_path / "link"), rules=Rules(), one_file_system=True, trouble=tree.troubles)
    found = [replace(listing, entries=list(listing.entries)) for listing in walked]
    assert found == list(tree.walk().values())


@pytest.mark.parametrize("bad", ["missing", "file"])
def test_root_is_no_folder(tree: Any, bad: str) -> None:
    """A root that is not there, or no folder, is the system's error."""
    tree.file(b"file")
    with pytest.raises(OSError, match=r"No such file|Not a directory"):
        next(
            walk(
                tree.raw + b"/" + os.fsencode(bad), rules=Rules(), one_file_system=True, trouble=tree.troubles
            )
        )


def test_special_files(tree: Any) -> None:
    """FIFOs, sockets and devices are told of and skipped, and do not make the walk wait."""
    os.mkfifo(tree.below(b"fifo"))
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.open(".", os.O_RDONLY)
        os.chdir(tree.raw)
        try:
            listening.bind("socket")
        finally:
            os.fchdir(here)
            os.close(here)
        tree.file(b"plain")
        found = tree.walk()[b""]
    assert found.skipped == [b"fifo", b"socket"]
    assert [entry.path for entry in found.entries] == [b"plain"]
    assert sorted(tree.troubles.told) == [(b"fifo", "skipped-special"), (b"socket", "skipped-special")]
    walked = walk(b"/dev", rules=Rules(["*", "!null"]), one_file_system=True, trouble=tree.troubles)
    device = next(walked)
    assert (list(device.entries), device.skipped) == ([], [b"null"])


def test_hard_links(tree: Any) -> None:
    """Names of one file share its inode and tell how many they are."""
    tree.file(b"a")
    os.link(tree.below(b"a"), tree.below(b"b"))
    first, second = tree.walk()[b""].entries
    assert (first.inode, first.device, first.links) == (second.inode, second.device, 2)


def test_unreadable_folder(
    public_folder: Path, tree: Any, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    """A folder that may not be read is told of, and known not to be empty."""
    (public_folder / "shut").mkdir()
    (public_folder / "shut" / "f").touch()
    (public_folder / "shut").chmod(0)
    (public_folder / "open").mkdir()
    with unprivileged():
        found = list(
            walk(os.fsencode(public_folder), rules=Rules(), one_file_system=True, trouble=tree.troubles)
        )
    (public_folder / "shut").chmod(0o700)
    assert [(listing.path, listing.unreadable) for listing in found] == [
        (b"", False),
        (b"open", False),
        (b"shut", True),
    ]
    assert tree.troubles.told == [(b"shut", "unreadable")]


def test_no_looking_inside(
    public_folder: Path, tree: Any, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    """What can be listed but not looked at is told of and counts as there."""
    (public_folder / "blind").mkdir()
    (public_folder / "blind" / "f").touch()
    (public_folder / "blind").chmod(0o444)
    with unprivileged():
        walked = walk(os.fsencode(public_folder), rules=Rules(), one_file_system=True, trouble=tree.troubles)
        found = [(list(listing.entries), listing.skipped) for listing in walked]
    (public_folder / "blind").chmod(0o700)
    assert found[1] == ([], [b"f"])
    assert tree.troubles.told == [(b"blind/f", "unreadable")]


def _vanish(path: bytes) -> None:
    os.rmdir(path)


def _become_another(path: bytes) -> None:
    os.rename(path, path + b".old")
    os.mkdir(path)


def _become_a_symlink(path: bytes) -> None:
    os.rmdir(path)
    os.symlink(b"/etc", path)


@pytest.mark.parametrize(
    ("change", "code"),
    [(_vanish, "vanished"), (_become_another, "changed"), (_become_a_symlink, "unreadable")],
)
def test_folder_changes_meanwhile(tree: Any, change: Callable[[bytes], None], code: str) -> None:
    """A folder that vanishes or is replaced between its parent and itself is told of and not followed."""
    os.mkdir(tree.below(b"d"))
    found: Iterator[FolderListing] = walk(
        tree.raw, rules=Rules(), one_file_system=True, trouble=tree.troubles
    )
    assert next(found).folders == [b"d"]
    change(tree.below(b"d"))
    (listing,) = found
    assert (listing.path, listing.unreadable, len(listing.entries)) == (b"d", True, 0)
    assert tree.troubles.told == [(b"d", code)]


def test_excluded(tree: Any) -> None:
    """What rules leave out is named, and an excluded folder is not entered."""
    for name in (b"a.o", b"b.c", b"build/x", b"sub/c.o", b"sub/d\xff.o"):
        tree.file(name)
    found = tree.walk(Rules(["*.o", "build/"]))
    assert found[b""].excluded == [b"a.o", b"build"]
    assert found[b"sub"].excluded == [b"c.o", b"d\xff.o"]
    assert list(found) == [b"", b"sub"]


def test_cache_folder(tree: Any) -> None:
    """Of a folder with a genuine CACHEDIR.TAG only the tag is taken."""
    for folder, tag in ((b"cache", SIGNATURE + b"\n# why"), (b"fake", b"Signature: none")):
        tree.file(folder + b"/CACHEDIR.TAG", tag)
        tree.file(folder + b"/f")
        tree.file(folder + b"/sub/g")
    found = tree.walk()
    assert [entry.path for entry in found[b"cache"].entries] == [b"cache/CACHEDIR.TAG"]
    assert found[b"cache"].excluded == [b"f", b"sub"]
    assert len(found[b"fake"].entries) == 2
    assert list(found) == [b"", b"cache", b"fake", b"fake/sub"]


def test_nobackup(tree: Any) -> None:
    """Of a folder with a file .nobackup nothing is taken but the folder."""
    for name in (b"d/.nobackup", b"d/f", b"d/sub/g", b"e"):
        tree.file(name)
    found = tree.walk()
    assert found[b"d"].excluded == [b".nobackup", b"f", b"sub"]
    assert _files(found) == [b"e"]


def test_work_folder(tree: Any) -> None:
    """Files that are being retrieved are not archived."""
    tree.file(b"d/.glacierkeep-partial/part-1")
    assert tree.walk()[b"d"].excluded == [b".glacierkeep-partial"]


def test_other_file_systems(tree: Any) -> None:
    """With one_file_system another file system is left out, as if excluded."""
    found = {
        listing.path: listing for listing in _first_two(b"/", one_file_system=True, trouble=tree.troubles)
    }
    assert b"proc" in found[b""].excluded or not os.path.ismount("/proc")
    found = {
        listing.path: listing for listing in _first_two(b"/", one_file_system=False, trouble=tree.troubles)
    }
    assert b"proc" in found[b""].folders or not os.path.isdir("/proc")


def _first_two(root: bytes, *, one_file_system: bool, trouble: Any) -> list[FolderListing]:
    listings = walk(root, rules=Rules(), one_file_system=one_file_system, trouble=trouble)
    return [next(listings), next(listings)]


def test_100_000_entries(tree: Any) -> None:
    """A folder of 100,000 files is one listing in order."""
    for number in range(100_000):
        if number % 20_000 == 0:
            tree.file(b"%d" % number)
            first = number
        else:  # another name is made faster than another file
            os.link(b"%d" % first, b"%d" % number, src_dir_fd=tree.root, dst_dir_fd=tree.root)
    names = [entry.path for entry in tree.walk()[b""].entries]
    assert names == sorted(b"%d" % number for number in range(100_000))


def test_2_000_levels(tree: Any) -> None:
    """Depth costs neither recursion nor descriptors."""
    _make_levels(tree, [b"d"] * 2000)
    opened: list[int] = []
    found = []
    for listing in walk(tree.raw, rules=Rules(), one_file_system=True, trouble=tree.troubles):
        found.extend(listing.entries)
        if listing.path.count(b"/") % 500 == 0:
            opened.append(len(os.listdir("/dev/fd")))
    assert [entry.path for entry in found] == [b"d/" * 2000 + b"f"]
    assert max(opened) - min(opened) <= 1
    _remove_levels(tree, 2000)


def _make_levels(tree: Any, names: list[bytes]) -> None:
    """Folders in each other, with the file f in the last."""
    descriptor = os.dup(tree.root)
    for name in names:
        os.mkdir(name, dir_fd=descriptor)
        below = os.open(name, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    with open(os.open(b"f", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor), "wb") as file:
        file.write(b"deep")
    os.close(descriptor)


def _remove_levels(tree: Any, levels: int) -> None:
    """pytest's own removal is recursive."""
    os.unlink(b"f", dir_fd=(parent := open_below(tree.root, b"/".join([b"d"] * levels), os.O_RDONLY)))
    os.close(parent)
    for level in range(levels - 1, -1, -1):
        parent = open_below(tree.root, b"/".join([b"d"] * level), os.O_RDONLY)
        os.rmdir(b"d", dir_fd=parent)
        os.close(parent)


def test_paths_beyond_the_limit(tree: Any) -> None:
    """Files whose paths are longer than the system takes are found and can be read."""
    names = [b"%03d" % number + b"n" * 237 for number in range(34)]
    _make_levels(tree, names)
    parent = open_below(tree.root, b"/".join(names), os.O_RDONLY)
    os.symlink(b"target", b"link", dir_fd=parent)
    os.close(parent)
    found, link = next(listing for listing in reversed(tree.walk().values())).entries
    assert found.path == b"/".join([*names, b"f"])
    assert len(found.path) > 8000
    assert link.target == b"target"
    assert tree.entry(link.path) == link
    with open(tree.source(found.path)(), "rb") as file:
        assert file.read() == b"deep"
    whole = tree.raw + b"/" + found.path
    assert entry_of(whole).inode == found.inode
    below = os.path.dirname(whole)
    walked = walk(below, rules=Rules(), one_file_system=True, trouble=tree.troubles)
    listing = next(walked)
    assert [entry.path for entry in listing.entries] == [b"f", b"link"]
    assert tree.troubles.told == []


def test_single_entries(tree: Any) -> None:
    """One file, symlink or folder is an entry below its parent; a FIFO is none, nor is a path without a name."""
    tree.file(b"d/f\xff")
    os.symlink(b"f", tree.below(b"d/link"))
    os.mkfifo(tree.below(b"fifo"))
    assert entry_of(tree.below(b"d/f\xff")).path == b"f\xff"
    assert entry_of(tree.below(b"d/link")).target == b"f"
    assert entry_of(tree.below(b"d/")).kind is FileKind.FOLDER
    for bad in (tree.below(b"fifo"), b"/", b"", tree.below(b"d/.."), b"."):
        with pytest.raises(UsageError):
            entry_of(bad)
    with pytest.raises(FileNotFoundError):
        entry_of(tree.below(b"missing"))


def test_entry_in_the_current_folder(tree: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare name is one in the current folder."""
    tree.file(b"f")
    monkeypatch.chdir(tree.path)
    assert entry_of(b"f") == tree.entry(b"f")


def test_what_a_glance_does_not_settle(tree: Any) -> None:
    """Only a file with one name whose mode, size, mtime and inode agree is passed over; order is kept."""
    names = [b"chmod", b"grown", b"linked", b"moved", b"new", b"replaced", b"same", b"symlink", b"touched"]
    for name in names:
        tree.file(name)
    glances = {name: _glance(tree, name) for name in names}
    del glances[b"new"]
    os.chmod(tree.below(b"chmod"), 0o600)
    tree.file(b"grown", b"more content")
    os.link(tree.below(b"linked"), tree.below(b"twin"))
    os.rename(tree.below(b"moved"), tree.below(b"gone"))
    tree.file(b"other")
    os.rename(tree.below(b"other"), tree.below(b"replaced"))
    os.unlink(tree.below(b"symlink"))
    os.symlink(b"same", tree.below(b"symlink"))
    os.utime(tree.below(b"touched"), ns=(1, 1))

    walked = walk(tree.raw, rules=Rules(), one_file_system=True, trouble=tree.troubles)
    listing = next(walked)
    assert listing.entries.unlike(names, glances) == [name for name in names if name != b"same"]
    assert listing.entries.unlike(names, {}) == names
    assert [entry.path for entry in listing.entries.at([b"same", b"moved"])] == [b"same"]
    assert (listing.skipped, tree.troubles.told) == ([b"moved"], [(b"moved", "vanished")])


def _glance(tree: Any, name: bytes) -> tuple[int, int, int, int]:
    status = os.lstat(tree.below(name))
    return status.st_mode, status.st_size, status.st_mtime_ns, status.st_ino
