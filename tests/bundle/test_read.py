"""Reading a bundle's end and manifest, whoever wrote them."""

import hashlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glacierkeep.bundle.headers import FILE, TarMember, header, padding
from glacierkeep.bundle.read import ReadAt, find_end, member_pieces, read_manifest, reader_of
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.hashes import hash_content
from glacierkeep.domain.manifest import (
    END_LENGTH,
    END_NAME,
    MANIFEST_NAME,
    BadManifest,
    End,
    Member,
    end_content,
)


def _reader(content: bytes) -> ReadAt:
    return lambda offset, length: content[offset : offset + length]


def _bundle(lines: bytes, end: Callable[[End], End] = lambda end: end) -> bytes:
    """A bundle with 1,024 bytes of members and *lines* for its manifest."""
    head = bytes(1024) + header(TarMember(MANIFEST_NAME, FILE, len(lines)))
    facts = end(End(len(head), len(lines), hashlib.sha256(lines).digest()))
    tail = header(TarMember(END_NAME, FILE, END_LENGTH)) + end_content(facts) + bytes(1024)
    return head + lines + padding(len(lines)) + tail


def _manifest(*members: dict[str, object], count: int | None = None) -> bytes:
    first = {"gk": 1, "type": "manifest", "members": len(members) if count is None else count}
    return b"".join(json.dumps(line).encode() + b"\n" for line in (first, *members))


FILE_LINE: dict[str, object] = {
    "path": "r/f",
    "offset": 512,
    "size": 3,
    "md5": "00" * 16,
    "tree_hash": "00" * 32,
    "mtime_ns": 0,
    "mode": "644",
    "kind": "file",
}


def _read(content: bytes) -> list[Member]:
    return list(read_manifest(_reader(content), len(content)))


def test_what_was_packed(tree: Any, tmp_path: Path) -> None:
    """The manifest gives back the members as they were added, and each one's content."""
    contents = {b"a": b"", b"b\xff/c": b"x" * 70_000, b"b\xff/\n": os.urandom(2_000_000)}
    for name, content in contents.items():
        tree.file(name, content)
    os.symlink(b"\xfe", tree.below(b"link"))
    os.mkdir(tree.below(b"void"))
    packed, members = tree.pack(tmp_path / "bundle")
    with packed.path.open("rb") as file:
        read_at = reader_of(file)
        assert list(read_manifest(read_at, packed.size)) == members
        for member in members:
            if member.kind is FileKind.FILE:
                content = b"".join(member_pieces(read_at, member))
                assert content == contents[member.path.removeprefix(b"root/")]
                assert hash_content(content).tree_hash == member.tree_hash


def test_only_the_end_is_read(tree: Any, tmp_path: Path) -> None:
    """The end and the manifest are found without reading the members."""
    tree.file(b"a", os.urandom(3_000_000))
    packed, _ = tree.pack(tmp_path / "bundle")
    asked: list[int] = []
    with packed.path.open("rb") as file:
        whole = reader_of(file)
        end = find_end(whole, packed.size)
        list(read_manifest(lambda at, length: asked.append(at) or whole(at, length), packed.size))
    assert min(asked) == end.offset


def test_accepted() -> None:
    """What the refused bundles below are made from is accepted."""
    assert _read(_bundle(_manifest(FILE_LINE)))[0].path == b"r/f"


REFUSED: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("zeros", bytes(4096)),
    ("odd size", _bundle(_manifest(FILE_LINE)) + b"\0"),
    ("end cut off", _bundle(_manifest(FILE_LINE))[:-512]),
    ("begun later", _bundle(_manifest(FILE_LINE))[512:]),
    ("trailing bytes", _bundle(_manifest(FILE_LINE))[:-1] + b"x"),
    ("no first line", _bundle(b"")),
    ("not JSON", _bundle(b"[" * 60_000 + b"\n")),
    ("endless line", _bundle(b'{"a":"' + b"x" * 70_000)),
    ("count too low", _bundle(_manifest(FILE_LINE, count=0))),
    ("count too high", _bundle(_manifest(FILE_LINE, count=10**15))),
    (
        "too many members",
        _bundle(_manifest(*[{**FILE_LINE, "path": f"r/{n}", "size": 0} for n in range(4000)])),
    ),
    ("points before", _bundle(_manifest(FILE_LINE), lambda end: End(0, end.length, end.sha256))),
    ("points beyond", _bundle(_manifest(FILE_LINE), lambda end: End(end.offset, 10**15, end.sha256))),
    (
        "covers the end",
        _bundle(_manifest(FILE_LINE), lambda end: End(end.offset, end.length + 900, end.sha256)),
    ),
    ("other hash", _bundle(_manifest(FILE_LINE), lambda end: End(end.offset, end.length, bytes(32)))),
]
BAD_LINES: list[dict[str, object]] = [
    {"path": "../f"},
    {"path": "/f"},
    {"path": "r//f"},
    {"path": "r/./f"},
    {"path": ""},
    {"path": "r/\0"},
    {"path": 7},
    {"path_b64": "Li4vZg"},
    {"offset": -1},
    {"offset": 10**9},
    {"offset": True},
    {"size": 10**15},
    {"size": 1 << 70},
    {"size": "3"},
    {"md5": "00"},
    {"md5": None},
    {"tree_hash": None},
    {"tree_hash": "zz" * 32},
    {"mode": "999"},
    {"mode": 420},
    {"mtime_ns": 1 << 80},
    {"mtime_ns": 0.5},
    {"kind": "device"},
    {"kind": "folder"},
    {"kind": "symlink", "size": 0},
    {"kind": "symlink", "size": 0, "target": ""},
    {"kind": "hardlink", "size": 0, "target": "../../etc/passwd"},
    {"kind": "hardlink", "size": 0, "target": "/etc/passwd"},
]


@pytest.mark.parametrize("content", [content for _, content in REFUSED], ids=[name for name, _ in REFUSED])
def test_refused_bundles(content: bytes) -> None:
    """An archive that is cut, changed or made up is refused."""
    with pytest.raises(BadManifest):
        _read(content)


@pytest.mark.parametrize("change", BAD_LINES, ids=json.dumps)
def test_refused_members(change: dict[str, object]) -> None:
    """A member that leads out of a folder or of the archive, or is not as we write it, is refused."""
    with pytest.raises(BadManifest):
        _read(_bundle(_manifest({**FILE_LINE, **change})))


def test_short_answers() -> None:
    """A reader that gives less than it was asked for is told from a whole one."""
    content = _bundle(_manifest(FILE_LINE))
    with pytest.raises(BadManifest, match="shorter"):
        list(read_manifest(lambda offset, length: content[offset : offset + length - 1], len(content)))


def test_reading_beyond(tmp_path: Path) -> None:
    """Reading a local file beyond its end gives what there is, and leaves its position."""
    (tmp_path / "f").write_bytes(b"0123456789")
    with (tmp_path / "f").open("rb") as file:
        file.seek(3)
        assert reader_of(file)(8, 100) == b"89"
        assert file.seek(0, io.SEEK_CUR) == 3
