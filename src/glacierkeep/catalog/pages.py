"""Long lists, read a page at a time by key, holding no read open in between."""

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, select

from glacierkeep.catalog.archives import read_archive
from glacierkeep.catalog.batches import PAGE, Opener, batched
from glacierkeep.catalog.inventories import lines_after
from glacierkeep.catalog.places import FolderPaths
from glacierkeep.catalog.reading import read_extent, select_extents, versions_by_key
from glacierkeep.catalog.schema import archives, extents, segments, versions
from glacierkeep.catalog.schema_work import retrieval_archives, retrieval_items
from glacierkeep.domain.records import Archive, Extent, Item, ItemState, Version
from glacierkeep.domain.service import ListedArchive

T = TypeVar("T")
K = TypeVar("K")


def archive_rows(read: Opener, vault_id: int) -> Iterator[Archive]:
    """Every archive of the vault, whatever its state, by archive id (code points)."""

    def page(connection: Connection, last: str) -> list[Archive]:
        after = select(archives).where(archives.c.vault_id == vault_id, archives.c.archive_id > last)
        rows = connection.execute(after.order_by(archives.c.archive_id).limit(PAGE))
        return [read_archive(row) for row in rows]

    return _paged(read, page, lambda archive: archive.archive_id, "")


def listed_rows(read: Opener, inventory_id: int) -> Iterator[ListedArchive]:
    """The lines of an inventory, by archive id (code points)."""

    def page(connection: Connection, last: str) -> list[ListedArchive]:
        return list(lines_after(connection, inventory_id, last, PAGE))

    return _paged(read, page, lambda line: line.archive_id, "")


def retrieval_items_of(
    read: Opener, retrieval_id: int, state: ItemState | None
) -> Iterator[tuple[Item, Version]]:
    """The items of a retrieval, in that state or in any, by version."""
    paths = FolderPaths()

    def page(connection: Connection, last: int) -> list[tuple[Item, Version]]:
        columns = retrieval_items.c
        wanted = select(retrieval_items).where(
            columns.retrieval_id == retrieval_id, columns.version_id > last
        )
        if state is not None:
            wanted = wanted.where(columns.state == str(state))
        rows = connection.execute(wanted.order_by(columns.version_id).limit(PAGE)).all()
        found = versions_by_key(connection, [row.version_id for row in rows], paths)
        return [
            (Item(row.retrieval_id, row.version_id, ItemState(row.state), row.reason), found[row.version_id])
            for row in rows
        ]

    return _paged(read, page, lambda pair: pair[0].version_id, 0)


def versions_in_archive(read: Opener, archive_key: int) -> Iterator[Version]:
    """The versions with an extent in the archive, retired ones left out, by version."""
    paths = FolderPaths()

    def page(connection: Connection, last: int) -> list[Version]:
        columns = extents.c
        inside = (
            select(columns.version_id)
            .join(segments, segments.c.id == columns.segment_id)
            .join(versions, versions.c.id == columns.version_id)
            .where(
                segments.c.archive_key == archive_key,
                versions.c.retired_at.is_(None),
                columns.version_id > last,
            )
        )
        keys = connection.execute(inside.distinct().order_by(columns.version_id).limit(PAGE)).scalars().all()
        found = versions_by_key(connection, keys, paths)
        return [found[key] for key in keys]

    return _paged(read, page, lambda version: version.version_id, 0)


def retrieval_archives_of(read: Opener, retrieval_id: int) -> Iterator[int]:
    """The archives in which bytes of waiting items lie."""
    waiting = (
        _waiting(retrieval_id)
        .where(segments.c.archive_key == retrieval_archives.c.archive_key)
        .correlate(retrieval_archives)
        .exists()
    )

    def page(connection: Connection, last: int) -> list[int]:
        columns = retrieval_archives.c
        after = select(columns.archive_key).where(
            columns.retrieval_id == retrieval_id, columns.archive_key > last, waiting
        )
        return list(connection.execute(after.order_by(columns.archive_key).limit(PAGE)).scalars())

    return _paged(read, page, lambda key: key, 0)


def _waiting(retrieval_id: int) -> Select[Any]:
    return (
        select(extents.c.version_id)
        .join(segments, segments.c.id == extents.c.segment_id)
        .join(retrieval_items, retrieval_items.c.version_id == extents.c.version_id)
        .where(retrieval_items.c.retrieval_id == retrieval_id, retrieval_items.c.state == ItemState.WAITING)
    )


Place = tuple[int, int, int]
"""Segment's index, offset in its plain content, version: the order of a retrieval's pieces."""


def retrieval_pieces(
    read: Opener, retrieval_id: int, archive_key: int
) -> Iterator[tuple[Version, list[Extent]]]:
    """The waiting items with bytes in that archive, in the order in which these lie there.

    With each comes every extent it has in that archive, by ordinal; those elsewhere are not among them.
    """
    paths = FolderPaths()
    last: Place = (0, -1, -1)
    while True:
        with read() as connection:
            places = _places_after(connection, retrieval_id, archive_key, last)
            pairs = _pairs(connection, archive_key, [version for *_, version in places], paths)
        yield from pairs
        if len(places) < PAGE:
            return
        last = places[-1]


def _places_after(connection: Connection, retrieval_id: int, archive_key: int, last: Place) -> list[Place]:
    """The first extents of the next items: the rest of the segment *last* lies in, then the segments after it."""
    index, offset, version_id = last
    columns = extents.c
    firsts = (
        _waiting(retrieval_id)
        .with_only_columns(segments.c.idx, columns.offset, columns.version_id)
        .where(segments.c.archive_key == archive_key, ~_has_earlier(archive_key))
        .order_by(segments.c.idx, columns.offset, columns.version_id)
    )
    after = (columns.offset > offset) | (columns.version_id > version_id)
    here = firsts.where(segments.c.idx == index, columns.offset >= offset, after)
    found = connection.execute(here.limit(PAGE)).all()
    rest = firsts.where(segments.c.idx > index).limit(PAGE - len(found))
    more = connection.execute(rest).all() if len(found) < PAGE else []
    return [(row[0], row[1], row[2]) for row in [*found, *more]]


def _has_earlier(archive_key: int) -> Any:
    earlier, its = extents.alias("earlier"), segments.alias("its")
    return (
        select(earlier.c.ordinal)
        .join(its, its.c.id == earlier.c.segment_id)
        .where(
            earlier.c.version_id == extents.c.version_id,
            earlier.c.vault_id == extents.c.vault_id,
            earlier.c.ordinal < extents.c.ordinal,
            its.c.archive_key == archive_key,
        )
        .correlate(extents)
        .exists()
    )


def _pairs(
    connection: Connection, archive_key: int, keys: list[int], paths: FolderPaths
) -> list[tuple[Version, list[Extent]]]:
    found = versions_by_key(connection, keys, paths)
    lying: dict[int, list[Extent]] = {}
    for few in batched(keys):
        within = select_extents().where(extents.c.version_id.in_(few), segments.c.archive_key == archive_key)
        rows = connection.execute(within.order_by(extents.c.version_id, extents.c.ordinal))
        for key, some in groupby(map(read_extent, rows), key=lambda extent: extent.version_id):
            lying[key] = list(some)
    return [(found[key], lying[key]) for key in keys]


def _paged(
    read: Opener, page: Callable[[Connection, K], list[T]], key_of: Callable[[T], K], last: K
) -> Iterator[T]:
    while True:
        with read() as connection:
            rows = page(connection, last)
        yield from rows
        if len(rows) < PAGE:
            return
        last = key_of(rows[-1])
