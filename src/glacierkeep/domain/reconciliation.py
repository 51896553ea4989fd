"""Catalog and inventory side by side: every archive ends as exactly one finding.

`compare` is pure and total. Both sides come sorted by archive id and are walked once, so a million archives need
no more memory than two.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias, TypeVar

from glacierkeep.domain.records import Archive, ArchiveState
from glacierkeep.domain.service import ListedArchive

GRACE = timedelta(days=3)
"""An inventory is made about daily and may lag; users' tools before us found three days to be safe."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Recorded and listed alike."""

    record: Archive
    listed: ListedArchive


@dataclass(frozen=True, slots=True)
class Differs:
    """Recorded and listed with another size or tree hash."""

    record: Archive
    listed: ListedArchive


@dataclass(frozen=True, slots=True)
class TooRecent:
    """Recorded and not listed, but too new to be judged, or absent for the first time."""

    record: Archive
    first_absence: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """Recorded, old enough, and absent from two inventories."""

    record: Archive


@dataclass(frozen=True, slots=True)
class StillListed:
    """Deleted by us, and still listed."""

    record: Archive
    listed: ListedArchive


@dataclass(frozen=True, slots=True)
class Gone:
    """Deleted by us, and no longer listed."""

    record: Archive


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """Listed, and not known to the catalog."""

    listed: ListedArchive


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Listed, not known, and holding what a recorded archive holds already."""

    listed: ListedArchive
    twin: Archive


Finding: TypeAlias = Confirmed | Differs | TooRecent | Missing | StillListed | Gone | Unrecorded | Duplicate
_Row = TypeVar("_Row", Archive, ListedArchive)
Twin: TypeAlias = Callable[[ListedArchive], Archive | None]

_DELETED = (ArchiveState.DELETING, ArchiveState.DELETED)


def no_twin(listed: ListedArchive) -> Archive | None:
    """Nothing is a duplicate."""
    return None


def compare(
    records: Iterable[Archive],
    inventory: Iterable[ListedArchive],
    *,
    date: datetime,
    twin: Twin = no_twin,
) -> Iterator[Finding]:
    """One finding for every archive on either side.

    *records* and *inventory* ascend by archive id, each id once (else ValueError); *date* is the inventory's;
    *twin* tells which recorded archive holds what an unknown one holds.
    """
    known, listed = _ascending(records), _ascending(inventory)
    record, line = next(known, None), next(listed, None)
    while record or line:
        if line is None or (record and record.archive_id < line.archive_id):
            assert record
            yield _judge_absent(record, date)
            record = next(known, None)
        elif record is None or line.archive_id < record.archive_id:
            yield _judge_unknown(line, twin)
            line = next(listed, None)
        else:
            yield _judge_both(record, line)
            record, line = next(known, None), next(listed, None)


def _ascending(rows: Iterable[_Row]) -> Iterator[_Row]:
    last = None
    for row in rows:
        if last is not None and row.archive_id <= last:
            raise ValueError(f"archive ids do not ascend: {row.archive_id!r} after {last!r}")
        last = row.archive_id
        yield row


def _judge_both(record: Archive, listed: ListedArchive) -> Finding:
    if record.state in _DELETED:
        return StillListed(record, listed)
    if record.size == listed.size and record.tree_hash == listed.tree_hash:
        return Confirmed(record, listed)
    return Differs(record, listed)


def _judge_absent(record: Archive, date: datetime) -> Finding:
    if record.state in _DELETED:
        return Gone(record)
    if record.created_at + GRACE > date:
        return TooRecent(record, first_absence=False)
    if record.absent_since is None or record.absent_since >= date:
        return TooRecent(record, first_absence=True)
    return Missing(record)


def _judge_unknown(listed: ListedArchive, twin: Twin) -> Finding:
    same = twin(listed)
    return Duplicate(listed, same) if same else Unrecorded(listed)


def looks_wrong(missing: int, recorded: int) -> bool:
    """Whether an inventory that lacks *missing* of *recorded* archives is news rather than an instruction."""
    return missing > 1 and missing * 2 > recorded
