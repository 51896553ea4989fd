"""Folders to archive."""

import os
from pathlib import Path

import pytest

from glacierkeep.domain.limits import MIB


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two big files, which are archives of their own, and a few small things, which share one."""
    root = tmp_path / "photos"
    root.joinpath("2019").mkdir(parents=True)
    root.joinpath("hollow").mkdir()
    root.joinpath("2019/big.raw").write_bytes(b"b" * (MIB + 7))
    root.joinpath("bigger.raw").write_bytes(b"c" * (3 * MIB))
    root.joinpath("small.txt").write_bytes(b"small")
    root.joinpath("2019/tiny.txt").write_bytes(b"t")
    root.joinpath("empty").touch()
    root.joinpath("link").symlink_to("small.txt")
    for at, each in enumerate(sorted(root.rglob("*"))):
        os.utime(each, ns=(10**18 + at, 10**18 + at), follow_symlinks=False)
    return root


@pytest.fixture
def back(tmp_path: Path) -> Path:
    """Where things come back to."""
    return tmp_path / "back"
