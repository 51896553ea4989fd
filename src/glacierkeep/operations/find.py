"""gk find: search the catalog by name, kind, size and time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from glacierkeep.catalog import Catalog
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.records import Root, Version
from glacierkeep.errors import NoSuchName
from glacierkeep.operations.selection import NOW, Moment


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is searched for: a part of a name or a glob, without regard to case; sizes in bytes."""

    pattern: str | None = None
    label: str | None = None
    kinds: tuple[FileKind, ...] = ()
    least_size: int | None = None
    most_size: int | None = None
    modified_from: datetime | None = None
    modified_until: datetime | None = None


def find(wanted: Wanted, *, catalog: Catalog, moment: Moment = NOW) -> Iterator[Version]:
    """The versions that fit, in no particular order. Raises NoSuchName for an unknown label."""
    return catalog.search(
        wanted.pattern,
        root_id=_root(wanted.label, catalog).root_id if wanted.label else None,
        kinds=wanted.kinds or None,
        least_size=wanted.least_size,
        most_size=wanted.most_size,
        modified_from=_ns(wanted.modified_from),
        modified_until=_ns(wanted.modified_until),
        at=moment.at,
        deleted=moment.deleted,
        history=moment.history,
    )


def _root(label: str, catalog: Catalog) -> Root:
    with catalog.read() as records:
        root = records.roots.by_label(label)
    if root is None:
        raise NoSuchName(label)
    return root


def _ns(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1_000_000) * 1000
