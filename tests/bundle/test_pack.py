"""BundleWriter: what it writes, and what it refuses to have written."""

import hashlib
import os
import resource
import signal
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from glacierkeep.bundle.folder import open_below
from glacierkeep.bundle.pack import BundleWriter
from glacierkeep.bundle.read import member_pieces, read_manifest, reader_of
from glacierkeep.domain.hashes import hash_content
from glacierkeep.errors import DiskTrouble, SourceChanged

MIB = 1024 * 1024


def _bytes_of(path: Path) -> bytes:
    return path.read_bytes()


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, MIB - 1, MIB, MIB + 1, 3 * MIB + 7])
def test_content(tree: Any, tmp_path: Path, size: int) -> None:
    """A file of any size lies at its member's offset, with its hashes."""
    content = os.urandom(size)
    entry = tree.file(b"f", content)
    with BundleWriter(tmp_path / "b") as writer:
        member = writer.add_file(b"r/f", entry, tree.source(b"f"))
        packed = writer.finish()
    expected = hash_content(content)
    assert (member.size, member.md5, member.tree_hash) == (size, expected.md5, expected.tree_hash)
    assert _bytes_of(packed.path)[member.offset : member.offset + size] == content


def test_sparse(tree: Any, tmp_path: Path) -> None:
    """A sparse file is read as the zeros it stands for."""
    with open(tree.below(b"f"), "wb") as file:
        file.truncate(5 * MIB + 3)
    with BundleWriter(tmp_path / "b") as writer:
        member = writer.add_file(b"r/f", tree.entry(b"f"), tree.source(b"f"))
    assert member.tree_hash == hash_content(bytes(5 * MIB + 3)).tree_hash


def test_same_bytes(tree: Any, tmp_path: Path) -> None:
    """The same input gives the same bytes."""
    tree.file(b"a", b"1")
    tree.file(b"b/\xff", b"2" * 5000)
    os.symlink(b"a", tree.below(b"link"))
    first, second = (tree.pack(tmp_path / name)[0] for name in ("1", "2"))
    assert _bytes_of(first.path) == _bytes_of(second.path)


def test_tail(tree: Any, tmp_path: Path) -> None:
    """The last 2,048 bytes are the end's header, its 512 bytes and two zero blocks."""
    tree.file(b"a")
    packed, _ = tree.pack(tmp_path / "b")
    content = _bytes_of(packed.path)
    assert len(content) == packed.size
    assert content[-2048:].startswith(b".glacierkeep/end\0")
    assert content[-1536:].startswith(b'{"gk":1,"type":"end"')
    assert content[-1024:] == bytes(1024)


def test_private(tree: Any, tmp_path: Path) -> None:
    """The file is its owner's alone, and nothing else is left beside it."""
    (tmp_path / "staging").mkdir()
    packed, _ = tree.pack(tmp_path / "staging" / "b")
    assert stat.S_IMODE(packed.path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path / "staging") == ["b"]


def test_nothing_packed(tmp_path: Path) -> None:
    """A bundle without members is one all the same."""
    with BundleWriter(tmp_path / "b") as writer:
        packed = writer.finish()
    with packed.path.open("rb") as file:
        assert list(read_manifest(reader_of(file), packed.size)) == []


def test_abandoned(tree: Any, tmp_path: Path) -> None:
    """A bundle that is not finished leaves nothing behind."""
    (tmp_path / "staging").mkdir()
    with BundleWriter(tmp_path / "staging" / "b") as writer:
        writer.add_file(b"r/a", tree.file(b"a"), tree.source(b"a"))
    assert os.listdir(tmp_path / "staging") == []


def test_existing_file(tmp_path: Path) -> None:
    """A bundle never overwrites a file."""
    (tmp_path / "b").write_text("mine")
    with pytest.raises(FileExistsError):
        BundleWriter(tmp_path / "b")
    assert (tmp_path / "b").read_text() == "mine"


@pytest.mark.parametrize("name", [b"", b"/a", b"a/../b", b"a//b", b".glacierkeep/end", b"a\0b"])
def test_bad_names(tree: Any, tmp_path: Path, name: bytes) -> None:
    """A name that would lead out of a folder, or into the manifest's, is never written."""
    entry = tree.file(b"a")
    with BundleWriter(tmp_path / "b") as writer, pytest.raises(ValueError, match="no name for a member"):
        writer.add_file(name, entry, tree.source(b"a"))


def _grow(path: bytes) -> None:
    with open(path, "ab") as file:
        file.write(b"more")


def _rewrite(path: bytes) -> None:
    with open(path, "r+b") as file:
        file.write(b"other")


def _replace(path: bytes) -> None:
    status = os.stat(path)
    with open(path + b".new", "wb") as file:
        file.write(b"z" * status.st_size)
    os.utime(path + b".new", ns=(status.st_mtime_ns, status.st_mtime_ns))
    os.rename(path + b".new", path)


def _to_fifo(path: bytes) -> None:
    os.unlink(path)
    os.mkfifo(path)


def _shrink(path: bytes) -> None:
    os.truncate(path, 10)


def _bundle_of_good(tree: Any, path: Path) -> bytes:
    with BundleWriter(path) as writer:
        writer.add_file(b"r/good", tree.entry(b"good"), tree.source(b"good"))
        writer.finish()
    return _bytes_of(path)


@pytest.mark.parametrize("change", [_grow, _shrink, _rewrite, _replace, _to_fifo])
def test_changed_before_it_is_read(tree: Any, tmp_path: Path, change: Callable[[bytes], None]) -> None:
    """A file that is not what the scan saw is cut away; the bundle is as without it."""
    tree.file(b"good", b"good")
    entry = tree.file(b"changing", b"x" * 3000)
    change(tree.below(b"changing"))
    with BundleWriter(tmp_path / "with") as writer:
        with pytest.raises(SourceChanged):
            writer.add_file(b"r/changing", entry, tree.source(b"changing"))
        writer.add_file(b"r/good", tree.entry(b"good"), tree.source(b"good"))
        writer.finish()
    assert _bytes_of(tmp_path / "with") == _bundle_of_good(tree, tmp_path / "without")


@pytest.mark.parametrize("change", [_grow, _shrink, _rewrite])
def test_changed_while_it_is_read(tree: Any, tmp_path: Path, change: Callable[[bytes], None]) -> None:
    """A file that changes under the reader's eyes is cut away; read again, it is there with what it holds now."""
    tree.file(b"good", b"good")
    path = tree.below(b"changing")
    with open(path, "wb") as file:
        file.truncate(96 * MIB)

    def source() -> int:
        signal.setitimer(signal.ITIMER_REAL, 0.02)  # far less than it takes to hash the file
        descriptor: int = tree.source(b"changing")()
        return descriptor

    before = signal.signal(signal.SIGALRM, lambda *_: change(path))
    try:
        with BundleWriter(tmp_path / "with") as writer:
            writer.add_file(b"r/good", tree.entry(b"good"), tree.source(b"good"))
            size = writer.plain_size
            with pytest.raises(SourceChanged):
                writer.add_file(b"r/changing", tree.entry(b"changing"), source)
            assert (writer.plain_size, writer.members) == (size, 1)
            os.truncate(path, 11)
            member = writer.add_file(b"r/changing", tree.entry(b"changing"), tree.source(b"changing"))
            packed = writer.finish()
    finally:
        signal.signal(signal.SIGALRM, before)
    with open(path, "rb") as file, packed.path.open("rb") as bundle:
        assert b"".join(member_pieces(reader_of(bundle), member)) == file.read()


def test_replaced_once_it_is_open(tree: Any, tmp_path: Path) -> None:
    """A file that is replaced or removed once it is open is archived as the scan saw it."""
    entry = tree.file(b"f", b"old")

    def source() -> int:
        descriptor: int = tree.source(b"f")()
        os.unlink(tree.below(b"f"))
        return descriptor

    with BundleWriter(tmp_path / "b") as writer:
        assert writer.add_file(b"r/f", entry, source).md5 == hashlib.md5(b"old").digest()


def test_vanished(tree: Any, tmp_path: Path) -> None:
    """A file that vanished is told by the system's error, and the bundle goes on."""
    entry = tree.file(b"f")
    os.unlink(tree.below(b"f"))
    with BundleWriter(tmp_path / "b") as writer:
        with pytest.raises(FileNotFoundError):
            writer.add_file(b"r/f", entry, tree.source(b"f"))
        writer.add_file(b"r/g", tree.file(b"g"), tree.source(b"g"))
        assert writer.finish().members == 1


def test_unreadable(
    public_folder: Path,
    tmp_path: Path,
    make_tree: Any,
    unprivileged: Callable[[], AbstractContextManager[None]],
) -> None:
    """A file that may not be read is told by the system's error, and the bundle goes on."""
    tree = make_tree("elsewhere")
    hidden = public_folder / "hidden"
    hidden.write_bytes(b"secret")
    hidden.chmod(0)
    entry = tree.file(b"f")
    with BundleWriter(tmp_path / "b") as writer, unprivileged():
        with pytest.raises(PermissionError):
            writer.add_file(b"r/f", entry, lambda: os.open(hidden, os.O_RDONLY))
        assert writer.plain_size == 0


def test_not_a_file(tree: Any, tmp_path: Path) -> None:
    """A folder in the place of a file is refused, and so is a path through a file."""
    entry = tree.file(b"f")
    with BundleWriter(tmp_path / "b") as writer:
        with pytest.raises(SourceChanged):
            writer.add_file(b"r/f", entry, lambda: os.dup(tree.root))
        with pytest.raises(NotADirectoryError):
            writer.add_file(b"r/f", entry, tree.source(b"f/below"))
        assert writer.plain_size == 0


@contextmanager
def _small_disk(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_full_disk(tree: Any, tmp_path: Path) -> None:
    """When the bundle itself cannot be written, that is not taken for trouble with a file; nothing is left."""
    entry = tree.file(b"f", bytes(4 * MIB))
    (tmp_path / "staging").mkdir()
    with BundleWriter(tmp_path / "staging" / "b") as writer, _small_disk(2 * MIB), pytest.raises(DiskTrouble):
        writer.add_file(b"r/f", entry, tree.source(b"f"))
    assert os.listdir(tmp_path / "staging") == []


def test_descriptors_are_closed(tree: Any, tmp_path: Path) -> None:
    """However adding a file ends, its descriptor is closed."""
    entry = tree.file(b"f")
    given: list[int] = []

    def source() -> int:
        given.append(open_below(tree.root, b"f", os.O_RDONLY))
        return given[-1]

    with BundleWriter(tmp_path / "b") as writer:
        writer.add_file(b"r/f", entry, source)
        _grow(tree.below(b"f"))
        with pytest.raises(SourceChanged):
            writer.add_file(b"r/f", entry, source)
        for descriptor in given:
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(descriptor)


def test_longest_path(tree: Any, tmp_path: Path) -> None:
    """A path whose line no reader of manifests would take is refused like one that cannot be read."""
    entry = tree.file(b"f")
    with BundleWriter(tmp_path / "b") as writer:
        writer.add_file(b"r/" + b"\x01/" * 4000 + b"f", entry, tree.source(b"f"))
        size = writer.plain_size
        with pytest.raises(OSError, match="too long"):
            writer.add_file(b"r/" + b"\x01/" * 10_000 + b"f", entry, tree.source(b"f"))
        with pytest.raises(OSError, match="too long"):
            writer.add_folder(b"r/" + b"\x01/" * 10_000 + b"f", entry)
        assert writer.plain_size == size
        packed = writer.finish()
    with packed.path.open("rb") as file:
        assert len(list(read_manifest(reader_of(file), packed.size))) == 1
