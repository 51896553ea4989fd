"""gk ls: what is archived, from the catalog alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from glacierkeep.catalog import Catalog, FolderName
from glacierkeep.domain import names
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.records import Version
from glacierkeep.operations.selection import NOW, Moment, folder_named, select


@dataclass(frozen=True, slots=True)
class RootListed:
    """A root, and how much of it is archived now. *size* in bytes."""

    path: bytes
    host: str
    source: bytes
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class FolderListed:
    """A folder of which nothing but the name is known."""

    path: bytes


Listed = RootListed | FolderListed | Version


def ls(
    wanted: Sequence[str],
    *,
    catalog: Catalog,
    host: str,
    recursive: bool = False,
    moment: Moment = NOW,
) -> Iterator[Listed]:
    """The roots, or what is in each folder that *wanted* names, or the files it names. Raises NoSuchName."""
    if not wanted:
        yield from _roots(catalog)
    for name in wanted:
        folder = None if recursive or moment.history else folder_named(name, catalog=catalog, host=host)
        if folder is None:
            yield from select(name, catalog=catalog, host=host, moment=moment)
            continue
        for child in catalog.children(*folder, at=moment.at, deleted=moment.deleted):
            yield FolderListed(child.path) if isinstance(child, FolderName) else child


def is_folder(listed: Listed) -> bool:
    """Whether there may be more inside."""
    return not isinstance(listed, Version) or listed.kind is FileKind.FOLDER


def shown_name(listed: Listed) -> str:
    """The name as archived, safe to print; a folder's ends in a slash."""
    return names.printable(listed.path) + "/" * is_folder(listed)


def _roots(catalog: Catalog) -> Iterator[RootListed]:
    with catalog.read() as records:
        roots = records.roots.all()
    for root in roots:
        with catalog.read() as records:
            totals = records.statistics.totals(root.root_id)
        yield RootListed(root.label.encode(), root.host, root.path, totals.files, totals.bytes)
