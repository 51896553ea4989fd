"""gk verify: do the files on this disk still have the content that was archived?"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from glacierkeep.bundle.folder import lstat_below, open_root, open_source, readlink_below
from glacierkeep.catalog import Catalog
from glacierkeep.domain import names
from glacierkeep.domain.files import FileKind, kept_mtime
from glacierkeep.domain.hashes import Hashes
from glacierkeep.domain.records import Root, Version
from glacierkeep.errors import Exit, NoSuchName, SourceChanged, Stopped, most_serious
from glacierkeep.events import FindingMade, Listener, nobody
from glacierkeep.operations.content import hash_source
from glacierkeep.operations.sending import explain
from glacierkeep.transfer.source import FileSource


@dataclass(slots=True)
class Verification:
    """How the files on disk compare. *damaged*: same size and time as archived, and other content."""

    checked: int = 0
    size: int = 0
    changed: int = 0
    missing: int = 0
    damaged: int = 0
    unreadable: int = 0
    exit: Exit = Exit.DONE

    def judge(self) -> "Verification":
        """Set the exit code: 7 for damage, 5 for any other difference, 3 for files that could not be read."""
        self.exit = most_serious(
            [Exit.MISMATCH] * bool(self.damaged)
            + [Exit.FINDINGS] * bool(self.changed + self.missing)
            + [Exit.PARTLY] * bool(self.unreadable)
        )
        return self


def verify(
    paths: Sequence[bytes],
    *,
    catalog: Catalog,
    host: str,
    tell: Listener = nobody,
    stop: Callable[[], bool] = lambda: False,
) -> Verification:
    """Compare the files at *paths* (all roots of this machine, if none) with their newest versions, by content.

    Raises NoSuchName for a path in no root.
    """
    found = Verification()
    for root, below in _places(paths, catalog=catalog, host=host):
        try:
            root_fd = open_root(root.path)
        except OSError as error:
            found.missing += 1
            _tell(tell, "missing", root.label.encode(), f"the root {explain(error)[1]}")
            continue
        try:
            for version in catalog.versions_below(root, below):
                if stop():
                    return found.judge()
                _check(version, root, root_fd, found, tell, stop)
        finally:
            os.close(root_fd)
    return found.judge()


def _places(paths: Sequence[bytes], *, catalog: Catalog, host: str) -> list[tuple[Root, bytes]]:
    with catalog.read() as records:
        if not paths:
            return [
                (root, b"")
                for root in records.roots.all()
                if root.host == host and root.path.startswith(b"/")
            ]
        places = []
        for path in paths:
            absolute = os.path.abspath(path)
            where = os.path.join(os.path.realpath(os.path.dirname(absolute)), os.path.basename(absolute))
            where = os.path.realpath(where) if os.path.isdir(where) else where
            root = records.roots.holding(host, where)
            if root is None:
                raise NoSuchName(names.printable(path))
            below = os.path.relpath(where, root.path)
            places.append((root, b"" if below == b"." else below))
    return places


def _check(
    version: Version, root: Root, root_fd: int, found: Verification, tell: Listener, stop: Callable[[], bool]
) -> None:
    path = version.path.partition(b"/")[2]
    if version.kind is FileKind.FOLDER:
        return
    found.checked += 1
    try:
        state = lstat_below(root_fd, path)
        if version.kind is FileKind.SYMLINK:
            same = readlink_below(root_fd, path) == version.target
            return None if same else _changed(version, found, tell)
        if state.st_size != version.size or kept_mtime(state.st_mtime_ns) != version.mtime_ns:
            return _changed(version, found, tell)
        _compare_content(version, path, root_fd, state, found, tell, stop)
    except FileNotFoundError:
        found.missing += 1
        _tell(tell, "missing", version.path, "is not on this disk any more")
    except Stopped:
        return
    except (OSError, SourceChanged) as error:
        found.unreadable += 1
        _tell(tell, "unreadable", version.path, explain(error)[1])


def _compare_content(
    version: Version,
    path: bytes,
    root_fd: int,
    state: os.stat_result,
    found: Verification,
    tell: Listener,
    stop: Callable[[], bool],
) -> None:
    source = FileSource(
        lambda: open_source(root_fd, path),
        size=version.size,
        mtime_ns=state.st_mtime_ns,
        inode=state.st_ino,
        name=path.decode("utf-8", "replace"),
    )
    with source:
        hashes = hash_source(source, stop)
    found.size += version.size
    if not _agree(version, hashes):
        found.damaged += 1
        _tell(tell, "damaged", version.path, "has the size and time that were archived, and other content")


def _agree(version: Version, hashes: Hashes) -> bool:
    if version.size == 0:
        return hashes.size == 0
    return version.tree_hash == hashes.tree_hash and version.md5 in (None, hashes.md5)


def _changed(version: Version, found: Verification, tell: Listener) -> None:
    found.changed += 1
    _tell(tell, "changed", version.path, "was changed since it was archived")


def _tell(tell: Listener, kind: str, path: bytes, sentence: str) -> None:
    tell(FindingMade(kind, names.printable(path), sentence))
