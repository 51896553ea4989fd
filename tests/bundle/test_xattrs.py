"""Extended attributes, where they are asked for: kept in the tar, and given back by tar."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from glacierkeep.bundle.entries import restat
from glacierkeep.bundle.folder import FOLDER_FLAGS, open_source
from glacierkeep.bundle.pack import BundleWriter
from glacierkeep.bundle.xattrs import check_supported, read_xattrs
from glacierkeep.errors import UsageError

LINUX = sys.platform == "linux"
VALUES = {b"user.author": b"somebody", b"user.odd": bytes(range(256)), b"user.empty": b""}


def with_attributes(root: Path) -> None:
    """A folder and a file in it that have attributes."""
    (root / "folder").mkdir(parents=True)
    (root / "folder" / "file").write_bytes(b"content")
    for path in (root / "folder", root / "folder" / "file"):
        for name, value in VALUES.items():
            os.setxattr(path, name, value)


def attributes_of(path: Path) -> dict[bytes, bytes]:
    """What *path* has."""
    return {os.fsencode(name): os.getxattr(path, name) for name in os.listxattr(path)}


def pack(root: Path, target: Path, *, xattrs: bool) -> bytes:
    """The bundle of the two."""
    top = os.open(root, os.O_RDONLY)
    with BundleWriter(target, xattrs=xattrs) as writer:
        writer.add_folder(b"l/folder", restat(top, b"folder"), lambda: os.open(root / "folder", FOLDER_FLAGS))
        writer.add_file(
            b"l/folder/file", restat(top, b"folder/file"), lambda: open_source(top, b"folder/file")
        )
        writer.finish()
    os.close(top)
    return target.read_bytes()


def test_attributes_come_back_by_tar(tmp_path: Path) -> None:
    """Asked for, user attributes of files and folders lie in pax headers that tar reads; else nothing is kept."""
    if not LINUX:
        with pytest.raises(UsageError):
            check_supported()
        return
    with_attributes(tmp_path / "root")
    kept = pack(tmp_path / "root", tmp_path / "kept.tar", xattrs=True)
    assert kept == pack(tmp_path / "root", tmp_path / "again.tar", xattrs=True)
    pack(tmp_path / "root", tmp_path / "bare.tar", xattrs=False)
    for name, expected in (("kept", VALUES), ("bare", {})):
        opened = tmp_path / name
        opened.mkdir()
        subprocess.run(
            ["tar", "--xattrs", "--xattrs-include=user.*", "-C", opened, "-xf", tmp_path / f"{name}.tar"],
            check=True,
        )
        assert attributes_of(opened / "l" / "folder" / "file") == expected
        assert attributes_of(opened / "l" / "folder") == expected


def test_a_file_without_attributes_has_none(tmp_path: Path) -> None:
    """What has no attributes, or lies on a file system without them, is no trouble."""
    (tmp_path / "plain").write_bytes(b"")
    with (tmp_path / "plain").open("rb") as file:
        assert read_xattrs(file.fileno()) == ()
