"""What was written to a vault once is read for ever: the committed fixtures, by gk and by plain tools."""

import base64
import hashlib
import json
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyrage
import pytest

from glacierkeep.bundle.opening import Opening
from glacierkeep.bundle.read import reader_of
from glacierkeep.bundle.unpack import open_contents
from glacierkeep.domain import description
from glacierkeep.domain.hashes import ContentHasher, Hashes
from glacierkeep.domain.manifest import Member
from glacierkeep.domain.segments import Segment

FORMATS = Path(__file__).parent.parent / "fixtures" / "formats"
ARCHIVES = sorted(path.name for path in FORMATS.glob("*.tar*") if path.suffix != ".json")
IDENTITY = FORMATS / "identity.txt"


def expected(archive: str) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = json.loads((FORMATS / f"{archive}.json").read_text())
    return said


def raw(said: str | None) -> bytes | None:
    return base64.b64decode(said) if said is not None else None


def unseal(sealed: bytes) -> bytes:
    key = IDENTITY.read_text().splitlines()[1]
    return pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(key)])


def test_the_fixtures_are_there() -> None:
    """Every form of bundle and volume, and descriptions of each kind, are among what is read."""
    assert len(ARCHIVES) == 12
    assert all((FORMATS / name).stat().st_size < 100 * 1024 for name in ARCHIVES)


@pytest.mark.parametrize("archive", ARCHIVES)
def test_gk_opens_it(archive: str) -> None:
    """By what it says of itself each archive opens to the members and contents that were put into it."""
    with (FORMATS / archive).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        contents = open_contents(reader_of(file), size, unseal, archive)
        found = [(member, b"".join(contents.content(member))) for member in contents.members if _good(member)]
    assert [said_of(member, content) for member, content in found] == [
        {key: said for key, said in each.items() if key != "in_tar"} for each in expected(archive)
    ]
    for member, content in found:
        if member.kind.word == "file":
            hashes = hashes_of(content)
            assert hashes.agree_with(Hashes(member.size, member.md5, member.tree_hash or b""))


def _good(member: object) -> bool:
    assert isinstance(member, Member), member
    return True


def said_of(member: Any, content: bytes) -> dict[str, Any]:
    """A member as the fixtures tell of it."""
    said = {
        "path": base64.b64encode(member.path).decode(),
        "kind": member.kind.word,
        "size": member.size,
        "sha256": hashlib.sha256(content).hexdigest(),
        "mtime_ns": member.mtime_ns,
        "mode": member.mode,
        "target": base64.b64encode(member.target).decode() if member.target is not None else None,
    }
    if member.portion is not None:
        whole = member.portion.whole
        said |= {"set": member.portion.token, "index": member.portion.index}
        said |= {"piece_offset": member.portion.offset}
        said["whole"] = [whole.size, whole.md5.hex(), whole.tree_hash.hex()] if whole else None
    return said


def hashes_of(*contents: bytes) -> Hashes:
    hasher = ContentHasher()
    for each in contents:
        hasher.update(each)
    return hasher.result()


@pytest.mark.parametrize("form", ["plain.tar", "compressed.tar.zst", "sealed.tar", "sealed-compressed.tar"])
def test_volumes_make_the_file(form: str) -> None:
    """The portions of a set, put together, have the hashes that its last volume gives of the whole file."""
    contents = []
    for index in (1, 2):
        with (FORMATS / f"volume-{index}-{form}").open("rb") as file:
            opened = open_contents(reader_of(file), os.fstat(file.fileno()).st_size, unseal, form)
            [member] = opened.members
            assert isinstance(member, Member)
            assert member.portion is not None
            assert (member.portion.index, member.portion.offset) == (index, sum(map(len, contents)))
            contents.append(b"".join(opened.content(member)))
    assert member.portion.whole == hashes_of(*contents)


def test_a_plain_range_opens_alone() -> None:
    """A member is read from the bytes around it alone, as a ranged retrieval brings them."""
    said = expected("bundle-plain.tar")[3]
    with (FORMATS / "bundle-plain.tar").open("rb") as file:
        read_at = reader_of(file)
        size = os.fstat(file.fileno()).st_size
        members = list(open_contents(read_at, size, unseal, "it").members)
        [member] = [each for each in members if isinstance(each, Member) and each.path == raw(said["path"])]
        part = read_at(member.offset - 100, member.size + 200)
    opening = Opening(lambda at, length: part[at : at + length], member.offset - 100, unseal, "it")
    content = b"".join(opening.part(Segment(0, size, size), member.offset, member.size))
    assert hashlib.sha256(content).hexdigest() == said["sha256"]


Tool = Callable[[str, Path], bytes]


def by_zstd(name: str, _: Path) -> bytes:
    return run("zstd", "-dc", FORMATS / name)


def by_age(name: str, folder: Path) -> bytes:
    """`tar`, then per segment `age -d` and `zstd -d`; what comes of all, in order, is one tar."""
    run("tar", "-xf", FORMATS / name, "-C", folder)
    plain = []
    for each in sorted(folder.iterdir()):
        opened = run("age", "-d", "-i", IDENTITY, each)
        plain.append(run("zstd", "-dc", stdin=opened) if ".zst" in each.name else opened)
        each.unlink()
    return b"".join(plain)


def run(*words: str | Path, stdin: bytes = b"") -> bytes:
    return subprocess.run(words, input=stdin, capture_output=True, check=True).stdout


@pytest.mark.parametrize("archive", ARCHIVES)
def test_plain_tools_open_it(archive: str, tmp_path: Path) -> None:
    """tar, zstd and age open each archive to the same files, times, modes and links."""
    tool: Tool = by_age if "sealed" in archive else by_zstd if archive.endswith(".zst") else _as_it_is
    tar = tool(archive, tmp_path)
    done = subprocess.run(["tar", "-xpf", "-", "-C", tmp_path], input=tar, capture_output=True, check=False)
    warned = [
        line for line in done.stderr.splitlines() if b"time stamp" not in line and b"hdrcharset" not in line
    ]
    assert (done.returncode, warned) == (0, [])
    for each in expected(archive):
        path = os.path.join(os.fsencode(tmp_path), raw(each.get("in_tar") or each["path"]) or b"")
        compare(path, os.path.join(os.fsencode(tmp_path), raw(each["target"]) or b""), each)


def _as_it_is(name: str, _: Path) -> bytes:
    return (FORMATS / name).read_bytes()


def compare(path: bytes, target: bytes, said: dict[str, Any]) -> None:
    """What tar made at *path* is what was put in."""
    status = os.lstat(path)
    if said["kind"] == "symlink":
        assert os.readlink(path) == raw(said["target"])
        return
    if said["kind"] == "hardlink":
        assert os.path.samefile(path, target)
        return
    assert stat.S_ISDIR(status.st_mode) == (said["kind"] == "folder")
    assert status.st_mode & 0o7777 == said["mode"]
    assert status.st_mtime_ns == said["mtime_ns"]
    if said["kind"] == "file":
        with open(path, "rb") as file:
            assert hashlib.sha256(file.read()).hexdigest() == said["sha256"]


@pytest.mark.parametrize(
    "said", json.loads((FORMATS / "descriptions.json").read_text()), ids=lambda said: said["kind"]
)
def test_descriptions_are_read(said: dict[str, Any]) -> None:
    """Each line that was written beside an archive still says what it said, and would be written the same today."""
    found = description.read(said["line"])
    assert found is not None
    told = (found.kind.value, found.token, found.catalog, found.path, found.mtime_ns, found.mode)
    assert told == (
        said["kind"], said["token"], said["catalog"], raw(said["path"]), said["mtime_ns"], said["mode"],
    )  # fmt: skip
    assert (found.set_token, found.index) == (said["set"], said["index"])
    assert description.write(found) == said["line"]
