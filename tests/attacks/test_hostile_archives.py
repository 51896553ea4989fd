"""Archives that somebody else put into the vault under descriptions of ours: nothing in them is believed."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyrage
import pytest

from glacierkeep.bundle.frames import compress
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.segments import Codec, Segment
from glacierkeep.errors import Exit
from glacierkeep.events import FileKept, Trouble
from glacierkeep.operations.retrieve import RetrievalOutcome
from support.crafted import (
    Crafted,
    Segments,
    cut,
    framed,
    line_of,
    outer,
    put,
    put_all,
    sealed_parts,
)
from support.sealing import OTHER, unseal
from support.world import World

GOOD, LATER, EVIL = b"good\n" * 1000, b"later\n" * 1000, b"evil\n" * 1000
BAD = (Exit.PARTLY, Exit.MISMATCH)
TRUE = {"r/good": GOOD, "r/later": LATER}

Craft = Callable[[Crafted], object]


def between(*crafts: Craft) -> Crafted:
    """An archive with a good member before what *crafts* add, and one after."""
    crafted = Crafted().file("r/good", GOOD)
    for craft in crafts:
        craft(crafted)
    return crafted.file("r/later", LATER)


def evil(name: str = "r/evil", /, **lies: Any) -> Craft:
    """A file of EVIL, of which lies are told."""
    return lambda crafted: crafted.file(name, EVIL, **lies)


def nothing(path: str, kind: str, **more: Any) -> Craft:
    """A thing without content."""
    return lambda crafted: crafted.nothing(path, kind, **more)


def raw(line: bytes) -> Craft:
    """A line of the manifest."""
    return lambda crafted: crafted.raw(line)


def retrieve(world: World, archive_id: str, to: Path) -> RetrievalOutcome:
    """What comes of one archive; what was told is of it alone."""
    world.told.clear()
    return world.retrieve(f"archive:{archive_id}", to=to, unseal=unseal, wait=True)


def files_in(folder: Path) -> dict[str, bytes]:
    """Content of all files below *folder*, links not followed."""
    return {
        str(each.relative_to(folder)): each.read_bytes()
        for each in folder.rglob("*")
        if each.is_file() and not each.is_symlink()
    }


def troubles(world: World) -> list[Trouble]:
    return [each for each in world.told if isinstance(each, Trouble)]


REFUSED: dict[str, Craft] = {
    "absolute": evil("/outside/evil"),
    "up": evil("r/../../outside/evil"),
    "only up": evil(".."),
    "doubled slash": evil("r//evil"),
    "dot": evil("r/./evil"),
    "trailing slash": evil("r/evil/"),
    "empty": evil(""),
    "NUL": evil("r/ev\0il"),
    "long name": evil("r/" + "n" * 256),
    "long label": evil("n" * 300 + "/evil"),
    "up in base64": evil(path_b64="Li4vb3V0c2lkZS9ldmls"),
    "no base64": evil(path_b64="!!!"),
    "base64 not ASCII": evil(path_b64="é"),
    "work folder": evil(".glacierkeep-partial/evil"),
    "no path": evil(path=None),
    "number as path": evil(path=7),
    "lone surrogate": evil(path="\ud800"),
    "device": evil(kind="device"),
    "fifo": nothing("r/evil", "fifo"),
    "kind is a number": evil(kind=1),
    "no kind": evil(kind=None),
    "folder with content": evil(kind="folder"),
    "link with content": evil(kind="symlink", target="x"),
    "symlink to nothing": nothing("r/evil", "symlink"),
    "symlink with NUL": nothing("r/evil", "symlink", target="a\0b"),
    "mode is no octal": evil(mode="9"),
    "mode is a number": evil(mode=0o644),
    "mode is long": evil(mode="7" * 30),
    "offset is a float": evil(offset=512.0),
    "offset is text": evil(offset="512"),
    "offset is true": evil(offset=True),
    "offset is huge": evil(offset=10**30),
    "offset is negative": evil(offset=-512),
    "offset is null": evil(offset=None),
    "offset of petabytes": evil(offset=2**62),
    "in another": evil(offset=512, **{key: line_of("", GOOD, 0)[key] for key in ("md5", "tree_hash")}),
    "size of petabytes": evil(size=10**15),
    "size beyond": evil(size=(1 << 63) - 1),
    "size too big": evil(size=len(EVIL) + 1),
    "size too small": evil(size=len(EVIL) - 1),
    "size is a float": evil(size=5e3),
    "size is text": evil(size="5000"),
    "wrong MD5": evil(md5="00" * 16),
    "wrong tree hash": evil(tree_hash="00" * 32),
    "short MD5": evil(md5="00"),
    "MD5 is a list": evil(md5=[[[]]]),
    "no MD5": evil(md5=None),
    "no tree hash": evil(tree_hash=None),
    "time is huge": evil(mtime_ns=10**40),
    "time is text": evil(mtime_ns="now"),
    "volume without its set": evil(set="x", index=1, piece_offset=0, last=False),
    "volume of index text": evil(set="0123456789abcdefghjkmnpqrs", index="1", piece_offset=0, last=False),
    "last volume without whole": evil(
        set="0123456789abcdefghjkmnpqrs", index=1, piece_offset=0, last=True, whole=7
    ),
    "no JSON": raw(b"\xff\xfe nothing"),
    "a list": raw(b"[1,2]"),
    "nested": raw(b"[" * 30_000 + b"]" * 30_000),
    "nested objects": raw(b'{"path":' * 7000 + b"1" + b"}" * 7000),
    "digits": raw(b'{"path":"r/evil","offset":' + b"9" * 60_000 + b"}"),
    "blank": raw(b""),
    "hard link out": nothing("r/evil", "hardlink", target="../outside/secret"),
    "hard link to absolute": nothing("r/evil", "hardlink", target="/etc/hostname"),
    "hard link to what is not there": nothing("r/evil", "hardlink", target="r/nowhere"),
    "hard link to itself": nothing("r/evil", "hardlink", target="r/evil"),
    "hard link without a target": nothing("r/evil", "hardlink"),
}
"""Members that must not become anything."""


@pytest.mark.parametrize("case", REFUSED)
def test_what_must_not_be(world: World, tmp_path: Path, outside: Path, case: str) -> None:
    """A member that lies or leads out is told of and left out, in every form; the members around it come."""
    for form, archive_id in put_all(world, between(REFUSED[case])).items():
        back = tmp_path / f"back-{form}"
        outcome = retrieve(world, archive_id, back)
        assert files_in(back) == TRUE, form
        assert (outcome.exit in BAD, outcome.failed) == (True, 1), form
        assert len(troubles(world)) == 1, (form, world.told)
