"""What is known of the names in a folder, a page at a time: this runs for every folder of every scan."""

import stat
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import BindParameter, Connection, LargeBinary, bindparam, case, select

from glacierkeep.catalog.batches import PAGE
from glacierkeep.catalog.columns import unsigned
from glacierkeep.catalog.schema import archives, extents, files, segments, versions
from glacierkeep.catalog.storing import stored
from glacierkeep.domain.files import FileKind, Glance
from glacierkeep.domain.records import ArchiveState, Known

_KINDS = {int(kind): kind for kind in FileKind}
_VAULT: BindParameter[int] = bindparam("vault")

# Nearly every version lies in one extent, found by a join; only of the others are the extents counted up.
_IN_ONE_PIECE = (extents.c.length >= versions.c.size) & (archives.c.state == ArchiveState.PRESENT)
_SAFE = case((_IN_ONE_PIECE, 1), else_=stored(_VAULT)) == 1
_FIRST_EXTENT = (
    (extents.c.version_id == versions.c.id) & (extents.c.vault_id == _VAULT) & (extents.c.ordinal == 0)
)
_MODE = versions.c.mode + case((versions.c.kind == int(FileKind.FILE), stat.S_IFREG), else_=0)

_KNOWN = (
    select(
        files.c.name, case((_SAFE, _MODE)).label("seen"), versions.c.size, versions.c.mtime_ns, versions.c.inode,
        versions.c.id, versions.c.kind, versions.c.mode, versions.c.target,
    )
    .join(versions, versions.c.id == files.c.current_version)
    .join(extents, _FIRST_EXTENT, isouter=True)
    .join(segments, segments.c.id == extents.c.segment_id, isouter=True)
    .join(archives, archives.c.id == segments.c.archive_key, isouter=True)
    .where(files.c.folder_id == bindparam("folder"))
)  # fmt: skip

_AT = _KNOWN.where(files.c.name == bindparam("name", type_=LargeBinary))
_FIRST = _KNOWN.order_by(files.c.name).limit(PAGE + 1)
_AFTER = _FIRST.where(files.c.name > bindparam("name", type_=LargeBinary))


class KnownNames:
    """Some live names of a folder, in order. In a root's top folder b"" is the root's own metadata.

    *glances* says of each what `stat` would if it were unchanged; what is no file, or not stored, never agrees.
    *last* is the last of these names; None if none come after them.
    """

    def __init__(self, rows: Sequence[Any] = (), last: bytes | None = None) -> None:
        self._rows = rows
        self.last = last
        self.glances: Mapping[bytes, Glance] = {row[0]: row[1:5] for row in rows}

    def get(self, name: bytes) -> Known | None:
        """What is known of *name*, if it is one of these."""
        return _read(self._by_name[name]) if name in self.glances else None

    @cached_property
    def _by_name(self) -> dict[bytes, Any]:
        return {row[0]: row for row in self._rows}


def first_names(connection: Connection, folder_id: int, vault_id: int) -> KnownNames:
    """The first names of the folder, at most PAGE."""
    return _page(connection.execute(_FIRST, {"folder": folder_id, "vault": vault_id}).all())


def names_after(connection: Connection, folder_id: int, vault_id: int, last: bytes) -> KnownNames:
    """The next names of the folder after *last*, at most PAGE."""
    return _page(connection.execute(_AFTER, {"folder": folder_id, "vault": vault_id, "name": last}).all())


def known_at(connection: Connection, folder_id: int, vault_id: int, name: bytes) -> Known | None:
    """What is known of one name in the folder."""
    row = connection.execute(_AT, {"folder": folder_id, "vault": vault_id, "name": name}).first()
    return _read(row) if row else None


def _page(rows: Sequence[Any]) -> KnownNames:
    return KnownNames(rows[:PAGE], rows[PAGE - 1][0]) if len(rows) > PAGE else KnownNames(rows)


def _read(row: Any) -> Known:
    _, seen, size, mtime, inode, key, kind, mode, target = row
    return Known(key, _KINDS[kind], size, mtime, mode, unsigned(inode), target, seen is not None)
