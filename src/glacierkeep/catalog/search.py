"""Finding versions by what their names look like."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from glacierkeep.catalog.batches import PAGE, Opener
from glacierkeep.catalog.places import FolderPaths
from glacierkeep.catalog.reading import read_versions, select_versions
from glacierkeep.catalog.schema import files, folders, versions
from glacierkeep.catalog.searching import folded, searchable
from glacierkeep.catalog.view import View
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.records import Version

WINDOW = 50_000
"""Files looked at in one read: no read lasts long, however few match."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for; see `Catalog.search`."""

    pattern: str | None = None
    root_id: int | None = None
    kinds: Collection[FileKind] | None = None
    least_size: int | None = None
    most_size: int | None = None
    modified_from: int | None = None
    modified_until: int | None = None
    tree_hash: bytes | None = None
    view: View = field(default_factory=View)


def search(read: Opener, sought: Sought) -> Iterator[Version]:
    """What agrees with *sought*, in order of first recording."""
    fits = _Fit(sought.pattern)
    paths = FolderPaths()
    with read() as connection:
        end = connection.execute(select(func.coalesce(func.max(files.c.id), 0))).scalar_one()
    file_id, version_id = 0, 0
    while file_id <= end:
        stop = file_id + WINDOW
        with read() as connection:
            rows = connection.execute(_page(sought, fits, file_id, version_id, stop)).all()
            found = read_versions(connection, _of_root(connection, rows, sought.root_id, paths), paths)
        yield from (version for version in found if fits(version.path))
        full = len(rows) == PAGE
        file_id, version_id = (rows[-1].file_id, rows[-1].id) if full else (stop, 0)


def _of_root(connection: Connection, rows: Any, root_id: int | None, paths: FolderPaths) -> list[Row[Any]]:
    if root_id is None:
        return list(rows)
    known = paths.load(connection, {row.folder_id for row in rows})
    return [row for row in rows if known[row.folder_id][0] == root_id]


def _page(sought: Sought, fits: "_Fit", file_id: int, version_id: int, stop: int) -> Select[Any]:
    wanted = select_versions().where(
        files.c.id >= file_id,
        files.c.id < stop,
        (files.c.id > file_id) | (versions.c.id > version_id),
        sought.view.condition(),
    )
    if fits.like is not None:
        wanted = wanted.where(files.c.text.like(fits.like, escape="\\"))
    return _narrowed(wanted, sought).order_by(files.c.id, versions.c.id).limit(PAGE)


def _narrowed(wanted: Select[Any], sought: Sought) -> Select[Any]:
    columns = versions.c
    if sought.root_id is not None:
        own = select(folders.c.id).where(
            folders.c.id == files.c.folder_id, folders.c.root_id == sought.root_id
        )
        wanted = wanted.where(own.correlate(files).exists())
    if sought.kinds is not None:
        wanted = wanted.where(columns.kind.in_([int(kind) for kind in sought.kinds]))
    if sought.tree_hash is not None:
        wanted = wanted.where(columns.tree_hash == sought.tree_hash)
    bounds = (
        (sought.least_size, columns.size.__ge__),
        (sought.most_size, columns.size.__le__),
        (sought.modified_from, columns.mtime_ns.__ge__),
        (sought.modified_until, columns.mtime_ns.__lt__),
    )
    return wanted.where(*(compare(bound) for bound, compare in bounds if bound is not None))


class _Fit:
    """Whether a path fits a pattern; *like* is what its name must look like to SQL, None for anything."""

    def __init__(self, pattern: str | None) -> None:
        text = folded(pattern or "")
        glob = any(sign in text for sign in "*?[")
        self.like = _like(text, glob)
        self._whole = "/" in text
        self._part = None if glob else text
        self._expression = re.compile(translate(text)) if glob else None

    def __call__(self, path: bytes) -> bool:
        text = searchable(path)
        if not self._whole:
            text = text.rpartition("/")[2]
        if self._expression is None:
            return (self._part or "") in text
        if self._expression.match(text):
            return True
        return self._whole and any(
            self._expression.match(text, at + 1) for at, sign in enumerate(text) if sign == "/"
        )


def _like(text: str, glob: bool) -> str | None:
    """A pattern for LIKE that lets through whatever fits *text*, and more."""
    if not text or ("/" in text and not glob):
        return None
    if not glob:
        return f"%{_escaped(text)}%"
    name = text.rpartition("/")[2] if "[" not in text else ""
    # A star in the last component may stand for slashes too, so only what follows it is sure of the name.
    if "/" in text:
        return f"%{_escaped(name.rpartition('*')[2]).replace('?', '_')}" if name else None
    return "".join({"*": "%", "?": "_"}.get(sign, _escaped(sign)) for sign in name) or None


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
