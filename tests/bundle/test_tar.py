"""What BundleWriter writes, opened by other people's tools."""

import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glacierkeep.bundle.pack import BundleWriter
from glacierkeep.domain.manifest import END_NAME, MANIFEST_NAME

NAMES = [
    b"plain",
    b"latin1-\xe9\xff",
    b"new\nline\n",
    b"-rf",
    b"--checkpoint-action=exec=false",
    b"escape\x1b[31m\x07\x7f",
    b"tab\tand \\ backslash",
    "nfc-\u00e9".encode(),
    "nfd-e\u0301".encode(),
    b"Case",
    b"case",
    b" leading and trailing ",
    b"percent%s%n",
    b"n" * 255,
    b"\xc3\xa9" * 127,
    b"x" * 99 + b"/" + b"y" * 100,
    b"/".join([b"d" * 249] * 15) + b"/" + b"f" * 240,
]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name[:24]))
def test_names(tree: Any, unpack: Callable[[Path], bytes], tmp_path: Path, name: bytes) -> None:
    """The system's tar restores any name a file may have."""
    tree.file(name, b"what " + name)
    packed, _ = tree.pack(tmp_path / "b.tar")
    folder = unpack(packed.path)
    descriptor = os.open(folder + b"/root", os.O_RDONLY)
    with open(os.open(name, os.O_RDONLY, dir_fd=descriptor), "rb") as file:
        assert file.read() == b"what " + name
    os.close(descriptor)


MTIMES = [
    0,
    1,
    999_999_999,
    1_500_000_000_000_000_000,
    1_700_000_000_123_456_789,
    -1,
    -1_500_000_000,
    8**11 * 10**9,
]


@pytest.mark.parametrize("mtime_ns", MTIMES)
def test_times(tree: Any, unpack: Callable[[Path], bytes], tmp_path: Path, mtime_ns: int) -> None:
    """The system's tar restores times to the nanosecond, those before 1970 and after 2242 included."""
    entry = tree.file(b"f", mtime_ns=mtime_ns)
    packed, _ = tree.pack(tmp_path / "b.tar")
    assert os.stat(unpack(packed.path) + b"/root/f").st_mtime_ns == entry.mtime_ns


def test_kinds(tree: Any, unpack: Callable[[Path], bytes], tmp_path: Path) -> None:
    """Empty files and folders, symlinks of all sorts, hard links and modes come out as they went in."""
    targets = {
        b"dangling": b"no/where",
        b"loop": b"loop",
        b"odd\xff": b"\xe9\n/" + b"t" * 150,
        b"out": b"/etc",
    }
    first = tree.file(b"dir/first", b"shared")
    os.chmod(tree.below(b"dir/first"), 0o4751)
    tree.file(b"empty", b"")
    os.mkdir(tree.below(b"folder\xfe"), 0o750)
    for name, target in targets.items():
        os.symlink(target, tree.below(name))
    with BundleWriter(tmp_path / "b.tar") as writer:
        first = tree.entry(b"dir/first")
        writer.add_file(b"r\xe9/dir/first", first, tree.source(b"dir/first"))
        writer.add_hardlink(b"r\xe9/second", first, b"r\xe9/dir/first")
        writer.add_file(b"r\xe9/empty", tree.entry(b"empty"), tree.source(b"empty"))
        writer.add_folder(b"r\xe9/folder\xfe", tree.entry(b"folder\xfe"))
        for name in targets:
            writer.add_symlink(b"r\xe9/" + name, tree.entry(name))
        packed = writer.finish()
    folder = unpack(packed.path) + b"/r\xe9/"
    assert {name: os.readlink(folder + name) for name in targets} == targets
    assert os.stat(folder + b"second").st_ino == os.stat(folder + b"dir/first").st_ino
    assert stat.S_IMODE(os.stat(folder + b"dir/first").st_mode) == 0o4751
    assert os.path.getsize(folder + b"empty") == 0
    assert stat.S_IMODE(os.stat(folder + b"folder\xfe").st_mode) == 0o750


def test_tarfile(tree: Any, tmp_path: Path) -> None:
    """Python's tarfile lists every member, the manifest and the end, with offsets that agree with ours."""
    for name in NAMES:
        tree.file(name, name)
    packed, members = tree.pack(tmp_path / "b.tar")
    with tarfile.open(packed.path, encoding="utf-8") as archive:
        listed = {os.fsencode(member.name): member.offset_data for member in archive}
    wanted = {member.path: member.offset for member in members}
    assert listed.items() >= wanted.items()
    assert listed.keys() - wanted.keys() == {MANIFEST_NAME, END_NAME}


def test_big_numbers(tree: Any, tmp_path: Path) -> None:
    """Owners too large for the old fields are kept, and names of owners never are."""

    entry = tree.file(b"f")._replace(uid=4_000_000_000, gid=2**21)
    with BundleWriter(tmp_path / "b.tar") as writer:
        writer.add_file(b"r/f", entry, tree.source(b"f"))
        packed = writer.finish()
    with tarfile.open(packed.path) as archive:
        member = archive.getmember("r/f")
    assert (member.uid, member.gid, member.uname, member.gname) == (4_000_000_000, 2**21, "", "")
