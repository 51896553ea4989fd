"""The tree of names under a root: what is known of a folder, and what is gone."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, Select, bindparam, func, select

from glacierkeep.catalog.batches import batched
from glacierkeep.catalog.known import KnownNames, first_names, known_at
from glacierkeep.catalog.places import find_files, find_folders, find_top, make_top
from glacierkeep.catalog.schema import files, folders, runs, versions
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.names import name_of, parent_of
from glacierkeep.domain.records import Known

# Built once: it runs for every folder of every scan.
_SUBFOLDERS = select(folders.c.name, folders.c.id).where(
    folders.c.root_id
    == select(folders.c.root_id).where(folders.c.id == bindparam("folder")).scalar_subquery(),
    folders.c.parent_id == bindparam("folder"),
)


class Tree:
    """Folders and the names in them. Paths are root-relative; b"" is the root itself."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_top(self, root_id: int) -> int | None:
        """The key of the root's own folder, or None before anything was recorded."""
        return find_top(self._connection, root_id)

    def make_top(self, root_id: int) -> int:
        """The key of the root's own folder, made if need be (in a write)."""
        return make_top(self._connection, root_id)

    def known_at(self, folder_id: int, vault_id: int, name: bytes) -> Known | None:
        """What is known of one name in the folder."""
        return known_at(self._connection, folder_id, vault_id, name)

    def first_names(self, folder_id: int, vault_id: int) -> KnownNames:
        """The first names of the folder; `Catalog.names_after` has the next ones."""
        return first_names(self._connection, folder_id, vault_id)

    def subfolders(self, folder_id: int) -> dict[bytes, int]:
        """Every folder ever recorded in this one: name and key; what lies in it may all be gone."""
        rows = self._connection.execute(_SUBFOLDERS, {"folder": folder_id})
        return {row.name: row.id for row in rows}

    def find_folder(self, root_id: int, path: bytes) -> int | None:
        """The key of the folder at *path*, or None."""
        return find_folders(self._connection, root_id, [path]).get(path)

    def live_count(self, root_id: int, below: bytes = b"", *, until: datetime | None = None) -> int:
        """How many files, symlinks and hard links are there now, in the root or *below* a folder of it.

        With *until*, only those whose version was first seen no later.

        Takes about a second per million.
        """
        count = (
            select(func.count())
            .select_from(files)
            .join(versions, versions.c.id == files.c.current_version)
            .where(versions.c.kind != int(FileKind.FOLDER))
        )
        if until is not None:
            count = count.where(versions.c.first_seen <= until)
        if below:
            inside = files.c.id.in_(self._files_below(root_id, [below]))
        else:
            inside = files.c.folder_id.in_(select(folders.c.id).where(folders.c.root_id == root_id))
        return int(self._connection.execute(count.where(inside)).scalar_one())

    def mark_gone(self, run_id: int, root_id: int, paths: Iterable[bytes]) -> int:
        """What is at *paths*, and below them, was not found by this run; the number of versions marked.

        Only for a complete run. b"name/" means only what lies below, for a folder that became a file.
        """
        began = self._connection.execute(select(runs.c.started_at).where(runs.c.id == run_id)).scalar_one()
        gone = {"absent_run": run_id, "gone_at": began}
        count = 0
        for few in batched(paths):
            count += self._mark(self._files_at(root_id, few), gone)
            count += self._mark(self._files_below(root_id, few), gone)
        return count

    def _files_at(self, root_id: int, paths: list[bytes]) -> Select[tuple[int]]:
        above = find_folders(
            self._connection, root_id, {parent_of(path) for path in paths if path[-1:] != b"/"}
        )
        places = [
            (above[parent_of(path)], name_of(path))
            for path in paths
            if path[-1:] != b"/" and parent_of(path) in above
        ]
        keys = find_files(self._connection, places).values()
        return select(files.c.id).where(files.c.id.in_(list(keys)))

    def _files_below(self, root_id: int, paths: list[bytes]) -> Select[tuple[int]]:
        plain = [path.rstrip(b"/") for path in paths]
        found = find_folders(self._connection, root_id, plain)
        seeds = select(folders.c.id).where(folders.c.id.in_([found[path] for path in plain if path in found]))
        below = seeds.cte("below", recursive=True)
        deeper = select(folders.c.id).where(folders.c.root_id == root_id, folders.c.parent_id == below.c.id)
        every = below.union(deeper)
        return select(files.c.id).where(files.c.folder_id.in_(select(every.c.id)))

    def _mark(self, chosen: Select[tuple[int]], gone: dict[str, object]) -> int:
        there = files.c.id.in_(chosen) & files.c.current_version.is_not(None)
        # Counted apart: the driver tells no rowcount of an UPDATE that begins with WITH.
        count = self._connection.execute(select(func.count()).select_from(files).where(there)).scalar_one()
        if count:
            current = select(files.c.current_version).where(there)
            self._connection.execute(versions.update().where(versions.c.id.in_(current)).values(gone))
            self._connection.execute(files.update().where(there).values(current_version=None))
        return int(count)
