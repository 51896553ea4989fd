"""Any tree: packed, unpacked by others, and placed again by us."""

import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.bundle.content import write_pieces
from glacierkeep.bundle.headers import TarMember, header
from glacierkeep.bundle.pack import BundleWriter
from glacierkeep.bundle.place import Target
from glacierkeep.bundle.read import member_pieces, read_manifest, reader_of
from glacierkeep.bundle.walk import NO_BACKUP
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.hashes import Hashes

NAME = st.one_of(
    st.sampled_from([b"a", b"b", b"A", b"-x", b"\xff", b"n" * 255]),
    st.binary(min_size=1, max_size=12).filter(
        lambda name: not set(b"/\0") & set(name) and name not in (b".", b"..")
    ),
    st.text(min_size=1, max_size=30).map(
        lambda text: text.encode("utf-8", "replace").replace(b"/", b"_")[:255]
    ),
).filter(lambda name: b"\0" not in name and name not in (b".", b"..", NO_BACKUP))
MTIME = st.integers(-(2**31) * 10**9, 2**33 * 10**9)
FILES = st.tuples(st.just("file"), st.binary(max_size=2000), MTIME)
LINKS = st.tuples(
    st.just("symlink"), st.binary(min_size=1, max_size=150).filter(lambda text: b"\0" not in text), MTIME
)
FOLDERS = st.tuples(st.just("folder"), st.just(b""), MTIME)
PATH = st.lists(NAME, min_size=1, max_size=4).map(b"/".join)
TREES = st.dictionaries(PATH, st.one_of(FILES, LINKS, FOLDERS), max_size=6).map(
    lambda tree: {path: what for path, what in tree.items() if not _is_above(path, tree)}
)

Tree = dict[bytes, tuple[str, bytes, int]]


def _is_above(path: bytes, tree: Tree) -> bool:
    return any(other.startswith(path + b"/") for other in tree)


@contextmanager
def _working(tree_type: Any, tree: Tree) -> Iterator[tuple[Any, Path]]:
    """*tree* on disk, and a folder beside it to work in."""
    with tempfile.TemporaryDirectory() as name:
        laid = tree_type(Path(name) / "tree")
        for path, (kind, content, mtime_ns) in tree.items():
            _lay(laid.below(path), kind, content)
            os.utime(laid.below(path), ns=(mtime_ns, mtime_ns), follow_symlinks=False)
        try:
            yield laid, Path(name)
        finally:
            os.close(laid.root)


def _lay(path: bytes, kind: str, content: bytes) -> None:
    if kind == "symlink":
        os.symlink(content, path)
    elif kind == "folder":
        os.mkdir(path)
    else:
        with open(path, "wb") as file:
            file.write(content)


def _state(folder: bytes, tree: Tree) -> Tree:
    """What of *tree* lies in *folder* now."""
    found: Tree = {}
    for path, (kind, _, _) in tree.items():
        whole = folder + b"/" + path
        content = os.readlink(whole) if kind == "symlink" else b""
        if kind == "file":
            with open(whole, "rb") as file:
                content = file.read()
        found[path] = (kind, content, os.lstat(whole).st_mtime_ns)
    return found


@given(TREES)
def test_system_tar(tree_type: Any, tree: Tree) -> None:
    """The system's tar unpacks any tree as it was, times included."""
    with _working(tree_type, tree) as (laid, work):
        packed, _ = laid.pack(work / "b.tar")
        (work / "out").mkdir()
        done = subprocess.run(
            ["tar", "-xpf", packed.path, "-C", work / "out"], capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert _state(os.fsencode(work / "out/root"), tree) == _state(laid.raw, tree)


@given(TREES)
def test_python_tarfile(tree_type: Any, tree: Tree) -> None:
    """Python's tarfile finds the same names, contents and targets at the manifest's offsets."""
    with _working(tree_type, tree) as (laid, work):
        packed, members = laid.pack(work / "b.tar")
        content = packed.path.read_bytes()
        with tarfile.open(packed.path, encoding="utf-8", errors="surrogateescape") as archive:
            listed = archive.getmembers()
        assert [os.fsencode(one.name) for one in listed[:-2]] == [member.path for member in members]
        for one, member in zip(listed, members, strict=False):
            assert (one.offset_data, one.size, one.mode) == (member.offset, member.size, member.mode)
            assert os.fsencode(one.linkname) == (member.target or b"")
            if member.kind is FileKind.FILE:
                path = member.path.removeprefix(b"root/")
                assert content[member.offset : member.offset + member.size] == tree[path][1]


@given(TREES)
def test_same_bytes(tree_type: Any, tree: Tree) -> None:
    """The same tree packs to the same bytes."""
    with _working(tree_type, tree) as (laid, work):
        first, second = (laid.pack(work / name)[0].path.read_bytes() for name in ("1", "2"))
        assert first == second


@given(TREES)
def test_placed_again(tree_type: Any, tree: Tree) -> None:
    """What the manifest lists, placed again by it, is the tree as it was."""
    with _working(tree_type, tree) as (laid, work):
        packed, _ = laid.pack(work / "b.tar")
        with packed.path.open("rb") as bundle, Target(os.fsencode(work / "out")) as target:
            _place_all(target, bundle, packed.size)
        assert _state(os.fsencode(work / "out/root"), tree) == _state(laid.raw, tree)


def _place_all(target: Target, bundle: Any, size: int) -> None:
    read_at = reader_of(bundle)
    for member in read_manifest(read_at, size):
        if member.kind is FileKind.SYMLINK:
            target.place_symlink(member.path, member.target or b"", mtime_ns=member.mtime_ns)
        elif member.kind is FileKind.FOLDER:
            target.place_folder(member.path)
            target.finish_folder(member.path, mtime_ns=member.mtime_ns, mode=member.mode)
        else:
            expected = Hashes(member.size, member.md5 or b"", member.tree_hash or b"")
            write = write_pieces(member_pieces(read_at, member))
            target.place_file(
                member.path, write, expected=expected, mtime_ns=member.mtime_ns, mode=member.mode
            )


@given(
    st.lists(NAME, min_size=1, max_size=20).map(b"/".join),
    st.integers(0, 2**40),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 2**32 - 1),
)
def test_headers(name: bytes, size: int, mtime_ns: int, owner: int) -> None:
    """A header says to others just what it was made from, exact to the nanosecond, in whole blocks."""
    made = header(TarMember(name, b"0", size, mtime_ns, 0o7777, owner, owner))
    assert len(made) % 512 == 0
    with closing(_Opened(made)) as opened:
        member = opened.member
    assert (os.fsencode(member.name), member.size, member.mode) == (name, size, 0o7777)
    assert (member.uid, member.gid) == (owner, owner)
    text = member.pax_headers.get("mtime", str(member.mtime))
    whole, _, part = text.lstrip("-").partition(".")
    assert (int(whole) * 10**9 + int(part.ljust(9, "0"))) * (-1 if text.startswith("-") else 1) == mtime_ns


class _Opened:
    """A tar of one header, read by Python."""

    def __init__(self, made: bytes) -> None:
        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name) / "t"
        path.write_bytes(made)
        with tarfile.open(path, encoding="utf-8", errors="surrogateescape") as archive:
            self.member = archive.firstmember or archive.next()

    def close(self) -> None:
        """Remove it."""
        self._folder.cleanup()


def test_members_of_a_writer_in_any_order(tmp_path: Path, tree: Any) -> None:
    """The manifest lists members in the order they were added."""
    names = [b"z", b"a", b"m"]
    with BundleWriter(tmp_path / "b") as writer:
        for name in names:
            writer.add_file(b"r/" + name, tree.file(name), tree.source(name))
        packed = writer.finish()
    with packed.path.open("rb") as file:
        listed = [member.path for member in read_manifest(reader_of(file), packed.size)]
    assert listed == [b"r/" + name for name in names]
