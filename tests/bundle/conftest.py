"""Trees on disk for the tests of bundle/."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from glacierkeep.bundle.entries import restat
from glacierkeep.bundle.folder import open_root, open_source
from glacierkeep.bundle.pack import BundleWriter, PackedBundle
from glacierkeep.bundle.rules import Rules
from glacierkeep.bundle.walk import FolderListing, walk
from glacierkeep.domain.files import Entry, FileKind
from glacierkeep.domain.manifest import Member

NOBODY = 65534


class Troubles:
    """A listener for what could not be taken."""

    def __init__(self) -> None:
        self.told: list[tuple[bytes, str]] = []

    def __call__(self, path: bytes, code: str, sentence: str) -> None:
        assert sentence
        self.told.append((path, code))


class Tree:
    """A root folder for tests, with what is needed to fill, walk and pack it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self.raw = os.fsencode(path)
        self.root = open_root(self.raw)
        self.troubles = Troubles()

    def below(self, name: bytes) -> bytes:
        """The absolute path of *name*, whose folders are created."""
        path = self.raw + b"/" + name
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def file(
        self, name: bytes, content: bytes = b"content", mtime_ns: int = 1_500_000_000_123_456_789
    ) -> Entry:
        """A new file and its entry."""
        with open(self.below(name), "wb") as file:
            file.write(content)
        os.utime(self.below(name), ns=(mtime_ns, mtime_ns))
        return self.entry(name)

    def entry(self, name: bytes) -> Entry:
        """What lies at *name*."""
        return restat(self.root, name)

    def source(self, name: bytes) -> Callable[[], int]:
        """What opens *name* for the bundle."""
        return lambda: open_source(self.root, name)

    def walk(self, rules: Rules | None = None) -> dict[bytes, FolderListing]:
        """All listings by path, in order."""
        found = walk(self.raw, rules=rules or Rules(), one_file_system=True, trouble=self.troubles)
        return {listing.path: replace(listing, entries=list(listing.entries)) for listing in found}

    def pack(self, path: Path, label: bytes = b"root") -> tuple[PackedBundle, list[Member]]:
        """A bundle of all that the walk finds, and its members."""
        members: list[Member] = []
        with BundleWriter(path) as writer:
            for listing in self.walk().values():
                if listing.path and not listing.entries and not listing.folders:
                    members.append(writer.add_folder(label + b"/" + listing.path, listing.entry))
                members.extend(self._add(writer, label, entry) for entry in listing.entries)
            return writer.finish(), members

    def _add(self, writer: BundleWriter, label: bytes, entry: Entry) -> Member:
        name = label + b"/" + entry.path
        if entry.kind is FileKind.SYMLINK:
            return writer.add_symlink(name, entry)
        return writer.add_file(name, entry, self.source(entry.path))


@pytest.fixture(scope="session")
def tree_type() -> type[Tree]:
    """What trees are made of, for tests that make one per example."""
    return Tree


@pytest.fixture
def make_tree(tmp_path: Path) -> Iterator[Callable[[str], Tree]]:
    """Makes trees below the test's folder."""
    trees: list[Tree] = []

    def make(name: str) -> Tree:
        trees.append(Tree(tmp_path / name))
        return trees[-1]

    yield make
    for tree in trees:
        os.close(tree.root)


@pytest.fixture
def tree(make_tree: Callable[[str], Tree]) -> Tree:
    """An empty tree."""
    return make_tree("tree")


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that every user can reach."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.fixture
def unprivileged() -> Callable[[], AbstractContextManager[None]]:
    """Without root's rights, within the context."""

    @contextmanager
    def context() -> Iterator[None]:
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(NOBODY)
        try:
            yield
        finally:
            if is_root:
                os.seteuid(0)

    return context


@pytest.fixture
def unpack(tmp_path: Path) -> Callable[[Path], bytes]:
    """Unpacks an archive by the system's own tar, which may warn of odd times and charsets; gives the folder."""

    def run(archive: Path) -> bytes:
        folder = tmp_path / "unpacked"
        folder.mkdir()
        done = subprocess.run(["tar", "-xpf", archive, "-C", folder], capture_output=True, check=False)
        harmless = (b"hdrcharset", b"time stamp")
        unexpected = [line for line in done.stderr.splitlines() if not any(word in line for word in harmless)]
        assert (done.returncode, unexpected) == (0, [])
        return os.fsencode(folder)

    return run
