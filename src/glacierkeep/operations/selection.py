"""What a NAME on the command line means: versions in the catalog.

A NAME is a path as archived, a folder, a glob, `archive:ID`, or the absolute path of something archived.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from glacierkeep.catalog import Catalog
from glacierkeep.domain import globs, names
from glacierkeep.domain.records import Archive, Root, Version
from glacierkeep.errors import NoSuchName, UsageError

_ARCHIVE = "archive:"


@dataclass(frozen=True, slots=True)
class Moment:
    """Which of a file's versions is meant: that of the moment *at* (None: now), of files gone too, or all."""

    at: datetime | None = None
    deleted: bool = False
    history: bool = False


NOW = Moment()


def select(name: str, *, catalog: Catalog, host: str, moment: Moment = NOW) -> Iterator[Version]:
    """The versions *name* means, in path order; of `archive:ID`, those whose bytes lie in it. Raises NoSuchName."""
    archive = archive_named(name, catalog=catalog)
    if archive is not None:
        found = catalog.versions_in(archive.archive_key)
    else:
        found = _find(_spelled(name), catalog=catalog, host=host, moment=moment)
    first = next(found, None)
    if first is None:
        raise NoSuchName(names.printable(os.fsencode(name)))
    yield first
    yield from found


def _spelled(name: str) -> bytes:
    """*name* as it stands in the catalog: a shell may have put `./` before it and a slash behind."""
    return os.fsencode(name).removeprefix(b"./").rstrip(b"/") or b"/"


def folder_named(name: str, *, catalog: Catalog, host: str) -> tuple[Root, bytes] | None:
    """The root and folder *name* spells exactly, if the catalog knows such a folder."""
    place = _place(_spelled(name), catalog=catalog, host=host)
    if place is None:
        return None
    root, path = place
    with catalog.read() as records:
        there = records.tree.find_folder(root.root_id, path) is not None
    return place if there else None


def archive_named(name: str, *, catalog: Catalog) -> Archive | None:
    """The archive `archive:ID` means, or None if *name* is no such name. Raises NoSuchName."""
    if not name.startswith(_ARCHIVE):
        return None
    with catalog.read() as records:
        found = records.archives.find_id(name.removeprefix(_ARCHIVE))
    if len(found) != 1:
        raise NoSuchName(names.printable(os.fsencode(name)))
    return found[0]


def _find(name: bytes, *, catalog: Catalog, host: str, moment: Moment) -> Iterator[Version]:
    place = _place(name, catalog=catalog, host=host)
    if place is not None:
        found = _below(*place, catalog=catalog, moment=moment)
        first = next(found, None)
        if first is not None:
            yield first
            yield from found
            return
    if globs.is_glob(name):
        yield from _matching(name, catalog=catalog, moment=moment)


def _place(name: bytes, *, catalog: Catalog, host: str) -> tuple[Root, bytes] | None:
    """The root and the path below it that *name* spells without any pattern."""
    with catalog.read() as records:
        if name.startswith(b"/"):
            root = records.roots.holding(host, name)
            return (root, name[len(root.path) :].strip(b"/")) if root else None
        label, _, path = name.partition(b"/")
        root = records.roots.by_label(names.readable(label))
    return (root, path) if root else None


def _below(root: Root, path: bytes, *, catalog: Catalog, moment: Moment) -> Iterator[Version]:
    return catalog.versions_below(root, path, at=moment.at, deleted=moment.deleted, history=moment.history)


def _matching(pattern: bytes, *, catalog: Catalog, moment: Moment) -> Iterator[Version]:
    """What matches *pattern* and all that lies below a folder which does."""
    label, slash, rest = pattern.partition(b"/")
    try:
        fits, matches = globs.matcher(label), globs.matcher(pattern, below=True)
    except ValueError as error:
        raise UsageError(str(error)) from error
    with catalog.read() as records:
        roots = records.roots.all()
    for root in roots:
        if slash and b"**" not in label and not fits(root.label.encode()):
            continue
        start = globs.literal_folder(rest) if slash else b""
        for version in _below(root, start, catalog=catalog, moment=moment):
            if matches(version.path) if slash else _any_component(matches, version.path):
                yield version


def _any_component(matches: Callable[[bytes], object], path: bytes) -> bool:
    """A pattern without a slash means a name at any depth, and what lies below it."""
    return any(matches(component) for component in path.split(b"/"))
