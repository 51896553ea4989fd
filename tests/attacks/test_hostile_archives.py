"""Archives that somebody else put into the vault under descriptions of ours: nothing in them is believed."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyrage
import pytest

from glacierkeep.bundle.frames import compress
from glacierkeep.bundle.headers import BLOCK
from glacierkeep.bundle.seek_table import seek_table
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.segments import Codec, SealKind
from glacierkeep.errors import Exit, NoIdentity
from glacierkeep.events import FileKept, Trouble
from glacierkeep.operations.retrieve import RetrievalOutcome
from support.crafted import Crafted, Segments, line_of, put, put_all
from support.sealing import OTHER, seal, unseal
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
    "fathomless": evil(path="r/" + "d/" * 15_000 + "evil"),
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
    "fathomless hard link": nothing("r/" + "d/" * 15_000 + "evil", "hardlink", target="r/good"),
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


def test_links_that_lead_out(world: World, tmp_path: Path, outside: Path) -> None:
    """Links may point anywhere, but nothing goes through them: no file, no folder, no hard link, no mode."""
    crafted = between(
        nothing("r/out", "symlink", target="../../outside"),
        nothing("r/out", "folder", mode="777"),
        evil("r/out/evil"),
        evil("r/out/secret"),
        nothing("r/out/folder", "folder", mode="777"),
        nothing("r/one", "symlink", target="../../outside/secret"),
        evil("r/one"),
        nothing("r/hard", "hardlink", target="r/one"),
        nothing("r/harder", "hardlink", target="r/out/secret"),
        nothing("r/sub", "folder"),
        nothing("r/hard folder", "hardlink", target="r/sub"),
        nothing("r/up", "symlink", target=".."),
        evil("r/up/r/good"),
    )
    for form, archive_id in put_all(world, crafted).items():
        back = tmp_path / f"back-{form}"
        outcome = retrieve(world, archive_id, back)
        assert (files_in(back), outcome.exit) == (TRUE, Exit.PARTLY), form
        assert sorted(os.listdir(back / "r")) == ["good", "later", "one", "out", "sub", "up"]
        assert os.readlink(back / "r/out") == "../../outside"
        kept = {each.path for each in world.told if isinstance(each, FileKept)}
        told = {each.path for each in troubles(world)} | kept
        assert told >= {b"r/out/evil", b"r/one", b"r/hard", b"r/harder", b"r/hard folder", b"r/up/r/good"}


def test_links_replace_nothing_outside(world: World, tmp_path: Path, outside: Path) -> None:
    """With leave to overwrite, a link in the way is replaced itself, not what it leads to."""
    crafted = between(nothing("r/one", "symlink", target="../../outside/secret"), evil("r/one"))
    for form, archive_id in put_all(world, crafted).items():
        back = tmp_path / f"back-{form}"
        world.retrieve(f"archive:{archive_id}", to=back, unseal=unseal, overwrite=True)
        assert files_in(back) == TRUE | {"r/one": EVIL}, form


def test_no_rights_are_given(world: World, tmp_path: Path, outside: Path) -> None:
    """Set-uid, set-gid and sticky bits of files and folders are not given back."""
    crafted = between(evil(mode="4755"), nothing("r/shared", "folder", mode="7777"))
    for form, archive_id in put_all(world, crafted).items():
        back = tmp_path / f"back-{form}"
        assert retrieve(world, archive_id, back).exit is Exit.DONE
        assert (back / "r/evil").stat().st_mode & 0o7777 == 0o755
        assert (back / "r/shared").stat().st_mode & 0o7777 == 0o777


def test_names_that_meet(world: World, tmp_path: Path, outside: Path) -> None:
    """One path twice, a file and a folder of one name: the first stays whole, the second is told of; twins in case
    both come."""
    crafted = between(
        evil("r/good"),
        nothing("r/good", "folder"),
        evil("r/good/below"),
        nothing("r/folder", "folder"),
        evil("r/folder"),
        evil("r/GOOD"),
    )
    for form, archive_id in put_all(world, crafted).items():
        back = tmp_path / f"back-{form}"
        outcome = retrieve(world, archive_id, back)
        assert (files_in(back), outcome.exit) == (TRUE | {"r/GOOD": EVIL}, Exit.PARTLY), form
        assert (outcome.different, list((back / "r/folder").iterdir())) == (3, [])


def test_members_that_overlap_fill_no_disk(world: World, tmp_path: Path, outside: Path) -> None:
    """Thousands of members that all point at the same bytes: each byte of the archive is written once at the most."""
    crafted = Crafted().file("r/good", GOOD)
    content, at = bytes(MIB), len(crafted.body) + BLOCK
    crafted.file("r/big", content)
    for number in range(1500):
        crafted.say(**line_of(f"r/{number}", content, at))
    crafted.file("r/later", LATER)
    for form, archive_id in put_all(world, crafted).items():
        back = tmp_path / f"back-{form}"
        outcome = retrieve(world, archive_id, back)
        assert files_in(back) == TRUE | {"r/big": content}, form
        assert (outcome.exit, len(troubles(world))) == (Exit.PARTLY, 1500)


@pytest.mark.parametrize("claimed", [0, 1, 3, 10**6, 10**15])
def test_another_number_of_members(world: World, tmp_path: Path, outside: Path, claimed: int) -> None:
    """A manifest that announces more or fewer than it lists: what is listed comes, and it is told."""
    crafted = between()
    crafted.first = b'{"gk":1,"type":"manifest","members":%d}' % claimed
    for form, archive_id in put_all_lying(world, crafted).items():
        back = tmp_path / f"back-{form}"
        outcome = retrieve(world, archive_id, back)
        assert (files_in(back), outcome.exit) == (TRUE, Exit.PARTLY), form
        assert ["breaks off" in each.sentence for each in troubles(world)] == [True]


def put_all_lying(world: World, crafted: Crafted) -> dict[str, str]:
    """As put_all; a first line of one's own says how many segments there are, if it is to be sealed."""
    first = crafted.first or b""
    ids = {
        "plain": put(world, crafted.plain(), "bundle"),
        "framed": put(world, crafted.framed(), "bundle"),
    }
    if b'"segments"' not in first:
        crafted.first = first.replace(b'"type"', b'"segments":1,"type"')
    ids["sealed"] = put(world, crafted.sealed(), "sealed")
    world.sync()
    return ids


FIRST_LINES = [
    b"",
    b"{}",
    b"[" * 50_000,
    b'{"gk":' * 9000,
    b'{"gk":1,"type":"manifest","members":2.0}',
    b'{"gk":1,"type":"manifest","members":"2"}',
    b'{"gk":1,"type":"manifest","members":-2}',
    b'{"gk":1,"type":"manifest","members":%s}' % (b"9" * 5000),
    b'{"gk":2,"type":"manifest","members":2}',
    b'{"gk":1,"type":"manifest","members":2,"segments":2}',
    b'{"gk":1,"type":"manifest","members":2,"segments":1e9}',
    b'{"gk":1,"type":"manifest","members":2,"segments":999999999999}',
    b'{"gk":1,"type":"manifest","members":2,"x":"%s"}' % (b"x" * 70_000),
]


@pytest.mark.parametrize("first", FIRST_LINES, ids=lambda first: first[:70].decode())
def test_no_manifest_of_ours(world: World, tmp_path: Path, outside: Path, first: bytes) -> None:
    """Of an archive whose manifest does not begin as ours nothing is unpacked: it comes as the one file it is."""
    crafted = between()
    crafted.first = first
    for form, archive_id in put_all_lying(world, crafted).items():
        back = tmp_path / f"back-{form}"
        outcome = retrieve(world, archive_id, back)
        assert [name.startswith("found/") for name in files_in(back)] == [True], form
        assert (outcome.exit, len(troubles(world))) == (Exit.PARTLY, 1), form


def test_a_list_that_breaks_off(world: World, tmp_path: Path, outside: Path) -> None:
    """A line longer than any of ours ends the list: what came before it comes, in its folder, and it is told."""
    crafted = between(nothing("r", "folder", mode="750"), raw(b'"' + b"x" * 70_000 + b'"'))
    for form, archive_id in put_all(world, crafted).items():
        back = tmp_path / f"back-{form}"
        outcome = retrieve(world, archive_id, back)
        assert (files_in(back), outcome.exit) == ({"r/good": GOOD}, Exit.PARTLY), form
        assert "breaks off" in troubles(world)[-1].sentence


def test_truncated_anywhere(world: World, tmp_path: Path, outside: Path) -> None:
    """An archive that ends early gives what is whole of it, or comes as the file it is: told, and never worse."""
    crafted = between(lambda crafted: crafted.file("r/big", os.urandom(9000)))
    for form, whole, kind in (
        ("plain", crafted.plain(), "bundle"),
        ("framed", crafted.framed(4000), "bundle"),
        ("sealed", crafted.sealed(), "sealed"),
    ):
        lengths = sorted(
            {1, 2047, 2048, len(whole) - 1, *range(1, len(whole), len(whole) // 5 // 512 * 512 + 1)}
        )
        lengths = sorted({*lengths, *(length // 512 * 512 for length in lengths if length > 512)})
        ids = {put(world, whole[:length], kind): length for length in lengths}
        world.sync()
        for archive_id, length in ids.items():
            back = tmp_path / f"back-{form}-{length}"
            outcome = retrieve(world, archive_id, back)
            assert outcome.exit is Exit.PARTLY, (form, length)
            assert list(files_in(back).values()) == [whole[:length]], (form, length)


def lying(**lies: Any) -> Callable[[Segments], Segments]:
    """The first segment is said to be something else."""
    return lambda segments: [replace(segments[0], **lies), *segments[1:]]


SEGMENT_LIES: dict[str, Callable[[Segments], Segments]] = {
    "petabytes of plain": lying(plain_length=10**15),
    "petabytes stored": lying(stored_length=10**15),
    "outside": lying(stored_offset=10**12),
    "plain longer": lying(plain_length=2 * MIB + 1),
    "plain shorter": lying(plain_length=2 * MIB - 1),
    "plain of nothing": lying(plain_length=0),
    "other codec": lying(codec=Codec.PLAIN),
    "not sealed": lying(seal=SealKind.NONE),
    "other hash": lying(hash=bytes(32)),
    "one twice": lambda segments: [segments[0], segments[0], *segments[1:]],
    "swapped": lambda segments: [segments[1], segments[0], *segments[2:]],
    "overlapping": lambda segments: [segments[0], replace(segments[1], stored_offset=600), *segments[2:]],
    "one left out": lambda segments: segments[1:],
    "the last left out": lambda segments: segments[:-1],
    "none": lambda segments: [],
}


@pytest.mark.parametrize("lie", SEGMENT_LIES)
def test_segments_that_are_not(world: World, tmp_path: Path, outside: Path, lie: str) -> None:
    """A list of segments that lies gives no wrong file: what is right comes, the rest is told of."""
    big = bytes(range(256)) * (3 * MIB // 256)
    crafted = Crafted().file("r/big", big).file("r/good", GOOD).file("r/later", LATER)
    archive_id = put(world, crafted.sealed(SEGMENT_LIES[lie]), "sealed")
    world.sync()
    outcome = retrieve(world, archive_id, tmp_path / "back")
    found = {name: content for name, content in files_in(tmp_path / "back").items() if name.startswith("r/")}
    assert found.items() <= (TRUE | {"r/big": big}).items()
    assert outcome.exit in BAD
    assert troubles(world)


def test_a_segment_that_lies_takes_only_its_members(world: World, tmp_path: Path, outside: Path) -> None:
    """Where one segment does not have the hash that is listed, the members in others come."""
    big = bytes(range(256)) * (3 * MIB // 256)
    crafted = Crafted().file("r/big", big).file("r/good", GOOD).file("r/later", LATER)
    archive_id = put(world, crafted.sealed(lying(hash=bytes(32))), "sealed")
    world.sync()
    outcome = retrieve(world, archive_id, tmp_path / "back")
    assert (files_in(tmp_path / "back"), outcome.exit) == (TRUE, Exit.MISMATCH)


def test_a_segment_for_somebody_else(world: World, tmp_path: Path, outside: Path) -> None:
    """A segment that our key does not open fails its members, not those in others; nothing is waited for."""
    sealed = iter([pyrage.encrypt(b"", [OTHER.to_public()])])
    big = bytes(range(256)) * (3 * MIB // 256)
    crafted = Crafted().file("r/big", big).file("r/good", GOOD).file("r/later", LATER)
    archive_id = put(world, crafted.sealed(seal=lambda plain: next(sealed, None) or seal(plain)), "sealed")
    world.sync()
    outcome = world.retrieve(f"archive:{archive_id}", to=tmp_path / "back", unseal=unseal_or_say)
    assert (files_in(tmp_path / "back"), outcome.exit) == (TRUE, Exit.PARTLY)
    assert [(each.path, each.code) for each in troubles(world)] == [(b"r/big", "no-identity")]
    assert outcome.waiting == 0


def unseal_or_say(sealed: bytes) -> bytes:
    """As keys really open: what is for somebody else is no damage."""
    try:
        return unseal(sealed)
    except ValueError as error:
        raise NoIdentity("none of the identities at hand opens it") from error


def bomb(plain: int) -> bytes:
    """A frame of so many zeros."""
    return compress(bytes(plain), 19)


def test_frames_that_swell(world: World, tmp_path: Path, outside: Path) -> None:
    """A frame that holds more than its table says, or more than any of ours, is not opened; members in others come."""
    crafted = between()
    tar, big = crafted.plain(), bomb(64 * MIB)
    with_big = Crafted().file("r/big", bytes(3 * MIB)).file("r/good", GOOD).file("r/later", LATER)
    lies = big + compress(with_big.plain()[len(bytes(3 * MIB)) :], 3)
    table = [(len(big), 3 * MIB), (len(lies) - len(big), len(with_big.plain()) - 3 * MIB)]
    archives = {
        "one frame of 64 MiB": big + seek_table([(len(big), 4 * MIB)]),
        "a frame of more": lies + seek_table(table),
        "without a table": bomb(64 * MIB) + compress(tar, 3),
    }
    ids = {put(world, content, "bundle"): name for name, content in archives.items()}
    world.sync()
    for archive_id, name in ids.items():
        back = tmp_path / f"back-{name}"
        outcome = retrieve(world, archive_id, back)
        found = files_in(back)
        assert outcome.exit in BAD, name
        assert found in (TRUE, dict.fromkeys(found, archives[name])), name


def test_sealed_segments_that_swell(world: World, tmp_path: Path, outside: Path) -> None:
    """The same of zstd inside of a sealed segment, whatever the list says that it holds."""
    ids = {}
    for said in (2 * MIB, 8 * MIB, 64 * MIB, 10**15):
        bombs = iter([seal(bomb(64 * MIB))])
        crafted = Crafted().file("r/big", bytes(3 * MIB)).file("r/good", GOOD).file("r/later", LATER)
        sealed = crafted.sealed(
            lying(plain_length=said), lambda plain, bombs=bombs: next(bombs, None) or seal(plain)
        )
        ids[put(world, sealed, "sealed")] = said
    world.sync()
    for archive_id, said in ids.items():
        back = tmp_path / f"back-{said}"
        assert retrieve(world, archive_id, back).exit in BAD
        found = {name for name in files_in(back) if name.startswith("r/")}
        assert "r/big" not in found
        assert said != 2 * MIB or files_in(back) == TRUE


OUTER: dict[str, Callable[[bytes], bytes]] = {
    "length of minus one": lambda header: header[:124] + b"-0000000001" + header[135:],
    "length of gigabytes": lambda header: header[:124] + b"77777777777" + header[135:],
    "length in base 256": lambda header: header[:124] + b"\x80" + b"\xff" * 10 + header[135:],
    "length of letters": lambda header: header[:124] + b"abcdefghijk" + header[135:],
    "length of signs": lambda header: header[:124] + "٣".encode() * 5 + b"3" + header[135:],
    "another number": lambda header: b"000009" + header[6:],
    "no number": lambda header: b"..tar." + header[6:],
    "a link": lambda header: header[:156] + b"2" + header[157:],
    "a name that leads out": lambda header: b"../../x\0".ljust(100, b"\0") + header[100:],
}


@pytest.mark.parametrize("change", OUTER)
@pytest.mark.parametrize("last", [False, True])
def test_an_outer_tar_that_is_not_ours(
    world: World, tmp_path: Path, outside: Path, change: str, last: bool
) -> None:
    """Odd headers in the outer tar of a sealed archive, first or last: it comes as the file it is, and it is told."""
    sealed = between().sealed()
    at = sealed.rindex(b".tar", 0, sealed.rindex(b"ustar")) - 6 if last else 0
    head = OUTER[change](sealed[at : at + BLOCK])
    crafted = sealed[:at] + checksummed(head) + sealed[at + BLOCK :]
    archive_id = put(world, crafted, "sealed")
    world.sync()
    outcome = retrieve(world, archive_id, tmp_path / "back")
    assert list(files_in(tmp_path / "back").values()) == [crafted]
    assert (outcome.exit, len(troubles(world))) == (Exit.PARTLY, 1)


def checksummed(head: bytes) -> bytes:
    """A tar header with its checksum made right."""
    blank = head[:148] + b" " * 8 + head[156:]
    return blank[:148] + b"%06o\0 " % sum(blank) + blank[156:]
