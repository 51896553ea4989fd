"""Where a path stands: its folder's and its file's row, looked up and made in bulk."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, Select, bindparam, func, select

from glacierkeep.catalog.asking import Place, rows_at
from glacierkeep.catalog.batches import batched, insert_rows, next_key
from glacierkeep.catalog.schema import files, folders, roots
from glacierkeep.catalog.searching import searchable
from glacierkeep.domain.names import join, name_of, parent_of, trouble_with

_NO_NAMES = (b"", b".", b"..")
_COLUMNS = ("id", "root_id", "parent_id", "name", "text")


_TOP = select(folders.c.id).where(folders.c.root_id == bindparam("root"), folders.c.parent_id.is_(None))


def find_top(connection: Connection, root_id: int) -> int | None:
    """The root's own folder, or None."""
    return connection.execute(_TOP, {"root": root_id}).scalar()


def make_top(connection: Connection, root_id: int) -> int:
    """The root's own folder, made if need be."""
    known = find_top(connection, root_id)
    if known is not None:
        return known
    key = next_key(connection, folders)
    insert_rows(connection, folders, _COLUMNS, [(key, root_id, None, b"", "")])
    return key


def find_folders(connection: Connection, root_id: int, paths: Iterable[bytes]) -> dict[bytes, int]:
    """The folders among *paths* (root-relative, b"" the root) that are known, and those above them."""
    top = find_top(connection, root_id)
    return {} if top is None else _resolve(connection, root_id, top, paths, make=False)


def make_folders(connection: Connection, root_id: int, paths: Iterable[bytes]) -> dict[bytes, int]:
    """All folders of *paths* and above them, made if need be. Raises ValueError for a path that leads out."""
    return _resolve(connection, root_id, make_top(connection, root_id), paths, make=True)


def make_places(connection: Connection, root_id: int, paths: Iterable[bytes]) -> list[Place]:
    """The place of each of *paths*, in order, its folder made if need be. Raises ValueError for one that leads out."""
    parted = [_parted(path) for path in paths]
    above = make_folders(
        connection, root_id, {checked(parent) for parent in {parent for parent, _ in parted}}
    )
    return [(above[parent], name) for parent, name in parted]


def _parted(path: bytes) -> tuple[bytes, bytes]:
    parent, slash, name = path.rpartition(b"/")
    if name in _NO_NAMES or b"\0" in name or (slash and not parent):
        checked(path)
    return parent, name


def _resolve(
    connection: Connection, root_id: int, top: int, paths: Iterable[bytes], *, make: bool
) -> dict[bytes, int]:
    found = {b"": top}
    for level in _levels(paths):
        places = {
            (found[above], name_of(path)): path for path in level if (above := parent_of(path)) in found
        }
        known = _known_folders(connection, root_id, places)
        if make:
            known |= _insert_folders(connection, root_id, [place for place in places if place not in known])
        found |= {places[place]: key for place, key in known.items()}
    return found


def _levels(paths: Iterable[bytes]) -> list[set[bytes]]:
    """*paths* and all folders above them, by depth, the root itself left out."""
    levels: list[set[bytes]] = []
    for deepest in paths:
        path, depth = deepest, deepest.count(b"/")
        while path:
            levels.extend(set() for _ in range(depth + 1 - len(levels)))
            if path in levels[depth]:
                break
            levels[depth].add(path)
            path, depth = parent_of(path), depth - 1
    return levels


def _known_folders(connection: Connection, root_id: int, places: Iterable[Place]) -> dict[Place, int]:
    rows = rows_at(connection, _select_folders, places, root=root_id)
    return {(row.parent_id, row.name): row.id for row in rows}


def _select_folders(asked: CTE) -> Select[Any]:
    there = (folders.c.parent_id == asked.c.column1) & (folders.c.name == asked.c.column2)
    return (
        select(folders.c.id, folders.c.parent_id, folders.c.name)
        .select_from(asked.join(folders, there))
        .where(folders.c.root_id == bindparam("root"))
    )


def _insert_folders(connection: Connection, root_id: int, places: list[Place]) -> dict[Place, int]:
    if not places:
        return {}
    first = next_key(connection, folders)
    made = {place: first + at for at, place in enumerate(places)}
    rows = [(key, root_id, parent_id, name, searchable(name)) for (parent_id, name), key in made.items()]
    insert_rows(connection, folders, _COLUMNS, rows)
    return made


def occupied(connection: Connection, places: Iterable[Place]) -> set[int]:
    """The folders in which some file's row stands between the first and the last name asked for: a quick look."""
    asked: dict[int, list[bytes]] = {}
    for folder_id, name in places:
        asked.setdefault(folder_id, []).append(name)
    firsts = [(folder_id, min(some)) for folder_id, some in asked.items()]
    rows = rows_at(connection, _select_next, firsts)
    return {row.column1 for row in rows if row.first is not None and row.first <= max(asked[row.column1])}


def _select_next(asked: CTE) -> Select[Any]:
    following = (files.c.folder_id == asked.c.column1) & (files.c.name >= asked.c.column2)
    first = select(func.min(files.c.name)).where(following).correlate(asked).scalar_subquery()
    return select(asked.c.column1, first.label("first"))


def find_files(connection: Connection, places: Iterable[Place]) -> dict[Place, int]:
    """The files' rows at *places*, whether anything is there now or not."""
    return {(row.folder_id, row.name): row.id for row in rows_at(connection, _select_files, places)}


def _select_files(asked: CTE) -> Select[Any]:
    return select(files.c.id, files.c.folder_id, files.c.name).select_from(
        asked.join(files, stands_at(asked))
    )


def stands_at(asked: CTE) -> ColumnElement[bool]:
    """The condition that a file's row stands at a place asked for."""
    return (files.c.folder_id == asked.c.column1) & (files.c.name == asked.c.column2)


def checked(path: bytes) -> bytes:
    """*path* if it is root-relative and stays inside, b"" included. Raises ValueError."""
    trouble = trouble_with(path) if path else None
    if trouble:
        raise ValueError(f"not a path below a root: {trouble}")
    return path


class FolderPaths:
    """Paths of folders from their keys, the root's label first; remembers the last ones asked for."""

    _MOST = 50_000

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, bytes]] = {}

    def load(self, connection: Connection, keys: Iterable[int]) -> dict[int, tuple[int, bytes]]:
        """Root's key and path of each folder of *keys*."""
        wanted = set(keys)
        if len(self._known) > self._MOST:
            self._known = {key: known for key, known in self._known.items() if key in wanted}
        missing = wanted - self._known.keys()
        if missing:
            self._add(chains(connection, missing), _labels(connection))
        return {key: self._known[key] for key in wanted}

    def _add(self, chains: dict[int, tuple[int, int | None, bytes]], labels: dict[int, bytes]) -> None:
        for key in chains:
            self._spell(key, chains, labels)

    def _spell(
        self, key: int, chains: dict[int, tuple[int, int | None, bytes]], labels: dict[int, bytes]
    ) -> None:
        below: list[int] = []
        at: int | None = key
        while at is not None and at not in self._known:
            below.append(at)
            at = chains[at][1]
        path = self._known[at][1] if at is not None else b""
        for one in reversed(below):
            root_id, parent, name = chains[one]
            path = labels[root_id] if parent is None else join(path, name)
            self._known[one] = (root_id, path)


def chains(connection: Connection, keys: set[int]) -> dict[int, tuple[int, int | None, bytes]]:
    """Root, parent and name of the folders *keys* and all above them."""
    found: dict[int, tuple[int, int | None, bytes]] = {}
    wanted = keys
    while wanted:
        for few in batched(wanted):
            rows = connection.execute(select(folders).where(folders.c.id.in_(few)))
            found |= {row.id: (row.root_id, row.parent_id, row.name) for row in rows}
        wanted = {parent for key in wanted if (parent := found[key][1]) is not None} - found.keys()
    return found


def _labels(connection: Connection) -> dict[int, bytes]:
    return {row.id: row.label.encode() for row in connection.execute(select(roots.c.id, roots.c.label))}
