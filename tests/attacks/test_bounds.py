"""Hostile archives that are small and would fill memory or the disk: they do neither. Measured in their own process."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from glacierkeep.bundle.frames import compress
from glacierkeep.bundle.seek_table import seek_table
from glacierkeep.bundle.tail import tail
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.segments import MOST_IN_FRAME
from glacierkeep.errors import Exit
from support.crafted import Crafted, put
from support.process import finish, start
from support.sealing import KEY
from support.world import World

MOST_MEMORY = 250 * MIB
MOST_IN_FILE = 280 * MIB


def retrieve(world: World, content: bytes, kind: str, folder: Path) -> dict[str, int]:
    """What comes of an archive of *content*, within bounds; the *failed* and the *troubles* told of."""
    assert len(content) < 4 * MIB
    archive_id = put(world, content, kind)
    world.sync()
    launch = ("--file-size", str(MOST_IN_FILE), "--peak", str(folder / "gk"))
    words = (str(world.folder), f"archive:{archive_id}", str(folder / "back"), str(KEY))
    ended = finish(start(*words, launch=launch, module="support.alone"))
    assert ended.exit_code == 0, ended
    peak = int((folder / "gk").read_text())
    assert peak < MOST_MEMORY, f"{peak / MIB:.0f} MiB"
    said: dict[str, int] = json.loads(ended.stdout)
    assert said["exit"] in (Exit.PARTLY, Exit.MISMATCH)
    return said


def swelling(zeros: int, lines: Iterable[bytes]) -> bytes:
    """A .tar.zst with so many frames of zeros for its members, and a manifest of *lines*."""
    frame, size = compress(bytes(MOST_IN_FRAME), 19), zeros * MOST_IN_FRAME
    listed = b"".join(lines)
    rest = b"".join(tail(b'{"gk":1,"type":"manifest","members":1}\n', [listed], len(listed), size))
    pieces = [rest[at : at + MOST_IN_FRAME] for at in range(0, len(rest), MOST_IN_FRAME)]
    frames = [(frame, MOST_IN_FRAME)] * zeros + [(compress(piece, 3), len(piece)) for piece in pieces]
    return b"".join(each for each, _ in frames) + seek_table([(len(each), plain) for each, plain in frames])


def link(number: int) -> bytes:
    """The line of a hard link to nowhere."""
    said = (
        b'{"path":"r/%d","offset":%d,"size":0,"mtime_ns":0,"mode":"644","kind":"hardlink","target":"r/no"}\n'
    )
    return said % (number, 512 + 512 * number)


def long_link(number: int) -> bytes:
    """The same with names that take a line nearly as long as may be."""
    said = (
        b'{"path":"r/%d/%s","offset":%d,"size":0,"mtime_ns":0,"mode":"644","kind":"hardlink","target":"%s"}\n'
    )
    return said % (number, b"n" * 25_000, 512 + 512 * number, b"t" * 25_000)


def test_a_million_lines(world: World, tmp_path: Path, outside: Path) -> None:
    """A manifest of a million tiny lines ends where no bundle of ours goes on."""
    said = retrieve(world, swelling(130, (b"{}\n" for _ in range(1_000_000))), "bundle", tmp_path)
    assert said["troubles"] == 100_001


def test_links_without_number(world: World, tmp_path: Path, outside: Path) -> None:
    """Hard links by the hundred thousand are not held in memory, however long their names."""
    said = retrieve(world, swelling(13, map(link, range(99_000))), "bundle", tmp_path)
    assert said["troubles"] == 99_001


def test_links_of_long_names(world: World, tmp_path: Path, outside: Path) -> None:
    """Nor are thousands with names as long as a line may be."""
    said = retrieve(world, swelling(1, map(long_link, range(1200))), "bundle", tmp_path)
    assert said["troubles"] == 1201


@pytest.mark.parametrize("form", ["framed", "sealed"])
def test_a_manifest_as_long_as_may_be(world: World, tmp_path: Path, outside: Path, form: str) -> None:
    """A manifest of a quarter GiB goes to the disk and is read from there."""
    crafted = Crafted().file("r/good", b"good")
    crafted.lines += [b" " * 60_000 + b"\n"] * 4300
    if form == "sealed":
        said = retrieve(world, crafted.sealed(), "sealed", tmp_path)
    else:
        said = retrieve(world, crafted.framed(MOST_IN_FRAME), "bundle", tmp_path)
    assert said["troubles"] > 1
    assert (tmp_path / "back/r/good").read_bytes() == b"good"


def test_a_manifest_that_is_longer_still(world: World, tmp_path: Path, outside: Path) -> None:
    """One of gigabytes, which costs its maker nothing, is not copied to the disk at all."""
    frame = compress(bytes(MOST_IN_FRAME), 19)
    end = b"".join(tail(b"", [], 3 << 30, 0))[-2048:]
    frames = [(frame, MOST_IN_FRAME)] * 800 + [(compress(end, 3), len(end))]
    table = seek_table([(len(each), plain) for each, plain in frames])
    said = retrieve(world, b"".join(each for each, _ in frames) + table, "bundle", tmp_path)
    assert (said["troubles"], said["failed"]) == (1, 0)
