"""Recording in bulk what nobody knew: names that have no row yet. Nearly all of a first upload is that."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from glacierkeep.catalog.asking import Place
from glacierkeep.catalog.batches import insert_rows, next_key
from glacierkeep.catalog.columns import signed
from glacierkeep.catalog.pieces import Lying
from glacierkeep.catalog.schema import extents, files, versions
from glacierkeep.catalog.searching import searchable
from glacierkeep.domain.files import FileKind, kept_mtime
from glacierkeep.domain.records import NewVersion

FILE = ("id", "folder_id", "name", "text", "current_version")
VERSION = (
    "id", "file_id", "kind", "size", "mtime_ns", "mode", "target", "md5", "tree_hash", "inode", "adopted",
    "first_run", "first_seen",
)  # fmt: skip
EXTENT = ("version_id", "vault_id", "ordinal", "segment_id", "offset", "length", "version_offset")


class Sighting(NamedTuple):
    """How versions came to be known: by which run, when (microseconds since 1970), whether merely adopted."""

    run_id: int | None
    seen: int
    adopted: bool


def is_plain(item: NewVersion) -> bool:
    """Whether the content of *item* lies in its own pieces, wherever it is recorded."""
    return item.same_as is None and item.same_as_path is None and item.kind is not FileKind.HARDLINK


def insert_fresh(
    connection: Connection,
    items: Sequence[NewVersion],
    places: Sequence[Place],
    lying: Sequence[Sequence[Lying]],
    vault_id: int,
    sighting: Sighting,
) -> range:
    """The keys of the versions of *items*, which are plain and whose pieces are *lying* there.

    Their *places* are all different and have no row yet.
    """
    first_file, first = next_key(connection, files), next_key(connection, versions)
    keys = range(first, first + len(items))
    file_rows = [
        (first_file + at, *place, searchable(place[1]), first + at) for at, place in enumerate(places)
    ]
    version_rows = [version_row(first + at, first_file + at, item, sighting) for at, item in enumerate(items)]
    extent_rows = [
        (key, vault_id, ordinal, *piece)
        for key, pieces in zip(keys, lying, strict=True)
        for ordinal, piece in enumerate(pieces)
    ]
    insert_rows(connection, files, FILE, file_rows)
    insert_rows(connection, versions, VERSION, version_rows)
    insert_rows(connection, extents, EXTENT, extent_rows)
    return keys


def version_row(key: int, file_id: int, item: NewVersion, sighting: Sighting) -> tuple[Any, ...]:
    """The row of *item*, in the order of VERSION."""
    _, kind, size, mtime_ns, mode, inode, hashes, target, *_ = item
    _, md5, tree_hash = hashes or (0, None, None)
    return (
        key, file_id, int(kind), size, kept_mtime(mtime_ns), mode, target, md5, tree_hash, signed(inode),
        int(sighting.adopted), sighting.run_id, sighting.seen,
    )  # fmt: skip
