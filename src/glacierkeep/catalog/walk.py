"""Walking the tree of names in path order, a page at a time, holding no read open in between."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from typing import Any

from sqlalchemy import BindParameter, Row, Select, bindparam, select

from glacierkeep.catalog.batches import PAGE, Opener
from glacierkeep.catalog.places import find_folders
from glacierkeep.catalog.reading import read_version, select_versions
from glacierkeep.catalog.schema import files, folders, versions
from glacierkeep.catalog.values import FolderName
from glacierkeep.catalog.view import View
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.names import join, name_of, parent_of
from glacierkeep.domain.records import Root, Version

# Both pages are built once and run for every folder. No subfolder's name is empty.
_SUBFOLDERS = (
    select(folders.c.name, folders.c.id)
    .where(
        folders.c.root_id == bindparam("root"),
        folders.c.parent_id == bindparam("folder"),
        folders.c.name > bindparam("name"),
    )
    .order_by(folders.c.name)
    .limit(PAGE)
)


def _page(view: View) -> Select[Any]:
    name: BindParameter[bytes] = bindparam("name")
    key: BindParameter[int] = bindparam("key")
    after = (files.c.name >= name) & ((files.c.name > name) | (versions.c.id > key))
    wanted = select_versions().where(files.c.folder_id == bindparam("folder"), after, view.condition())
    return wanted.order_by(files.c.name, versions.c.id).limit(PAGE)


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder's row: its key, its root-relative path."""

    folder_id: int
    path: bytes


@dataclass(frozen=True, slots=True)
class _Walk:
    """One question: how to read, which root, which versions."""

    read: Opener
    root: Root
    page: Select[Any]

    def folder_at(self, path: bytes) -> _Folder | None:
        with self.read() as connection:
            key = find_folders(connection, self.root.root_id, [path]).get(path)
        return None if key is None else _Folder(key, path)

    def entries(self, folder: _Folder) -> Iterator[Version | _Folder]:
        """What lies directly in *folder*, by name; the versions of a name before the folder of that name."""
        depth = len(join(self.root.label.encode(), folder.path))

        def order(entry: Version | _Folder) -> tuple[bytes, bool]:
            if isinstance(entry, _Folder):
                return name_of(entry.path), True
            # In the top folder the root's own version has the name b"", not its label.
            return entry.path[depth + 1 :], False

        return merge(self.versions_in(folder), self.folders_in(folder), key=order)

    def versions_in(self, folder: _Folder) -> Iterator[Version]:
        prefix = join(self.root.label.encode(), folder.path)
        after: dict[str, Any] = {"folder": folder.folder_id, "name": b"", "key": 0}
        while True:
            with self.read() as connection:
                rows = connection.execute(self.page, after).all()
            yield from (self._version(row, prefix) for row in rows)
            if len(rows) < PAGE:
                return
            after |= {"name": rows[-1].name, "key": rows[-1].id}

    def versions_of(self, path: bytes) -> list[Version]:
        """The versions of the name *path* itself."""
        folder = self.folder_at(parent_of(path))
        if folder is None:
            return []
        one = self.page.where(files.c.name == name_of(path)).limit(None)
        prefix = join(self.root.label.encode(), folder.path)
        with self.read() as connection:
            rows = connection.execute(one, {"folder": folder.folder_id, "name": b"", "key": 0})
            return [self._version(row, prefix) for row in rows]

    def folders_in(self, folder: _Folder) -> Iterator[_Folder]:
        after: dict[str, Any] = {"root": self.root.root_id, "folder": folder.folder_id, "name": b""}
        while True:
            with self.read() as connection:
                rows = connection.execute(_SUBFOLDERS, after).all()
            yield from (_Folder(row.id, join(folder.path, row.name)) for row in rows)
            if len(rows) < PAGE:
                return
            after["name"] = rows[-1].name

    def below(self, folder: _Folder) -> Iterator[Version]:
        """Everything in *folder*, depth first."""
        stack = [self.entries(folder)]
        while stack:
            entry = next(stack[-1], None)
            if entry is None:
                stack.pop()
            elif isinstance(entry, _Folder):
                stack.append(self.entries(entry))
            else:
                yield entry

    def _version(self, row: Row[Any], prefix: bytes) -> Version:
        return read_version(row, self.root.root_id, prefix)


def versions_below(read: Opener, root: Root, path: bytes, view: View) -> Iterator[Version]:
    """The versions of *path* and of all below it, in the order of their paths' components.

    b"" is the whole root. A name whose bytes sort first comes first; of one name, older versions first.
    """
    walk = _Walk(read, root, _page(view))
    if path:
        yield from walk.versions_of(path)
    folder = walk.folder_at(path)
    if folder is not None:
        yield from walk.below(folder)


def children(read: Opener, root: Root, path: bytes, view: View) -> Iterator[Version | FolderName]:
    """What lies directly in the folder *path*, by name, or the file itself if *path* is one.

    A folder is given as its own version, or by its name if it has none and something lies below it.
    """
    walk = _Walk(read, root, _page(view))
    own = walk.versions_of(path) if path else []
    folder = walk.folder_at(path)
    if folder is None or any(version.kind is not FileKind.FOLDER for version in own):
        yield from own
        return
    yield from _level(walk, folder)


def _level(walk: _Walk, folder: _Folder) -> Iterator[Version | FolderName]:
    label = walk.root.label.encode()
    shown: bytes | None = None
    for entry in walk.entries(folder):
        if isinstance(entry, Version):
            if entry.path != label:
                shown = entry.path if entry.kind is FileKind.FOLDER else shown
                yield entry
        elif join(label, entry.path) != shown and next(walk.below(entry), None) is not None:
            yield FolderName(walk.root.root_id, join(label, entry.path))
