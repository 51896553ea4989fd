"""What must be asked back for a wish: archives, and the ranges of them that hold the wanted bytes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from glacierkeep.bundle.opening import is_plain, segment_of
from glacierkeep.catalog import Catalog
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.parts import ByteRange, cover, widen
from glacierkeep.domain.records import Archive, Extent, Job, Version
from glacierkeep.domain.segments import SealKind

_BATCH = 400
JOIN_GAP = 4 * MIB
"""Ranges nearer than this are one job: at list prices a job costs about as much as bringing 5 MiB back."""


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """One job: the whole *archive*, or *range* of it."""

    archive: Archive
    range: ByteRange | None

    @property
    def size(self) -> int:
        return self.range.length if self.range else self.archive.size


@dataclass(slots=True)
class RetrievalPlan:
    """What a wish comes to. *elsewhere* names versions whose bytes are not in the vault; *sealed* is how many are."""

    files: int = 0
    size: int = 0
    jobs: list[PlannedJob] = field(default_factory=list)
    elsewhere: list[bytes] = field(default_factory=list)
    sealed: int = 0

    @property
    def job_bytes(self) -> int:
        return sum(job.size for job in self.jobs)


def plan_retrieval(versions: Iterable[Version], vault_id: int, *, catalog: Catalog) -> RetrievalPlan:
    """The jobs that bring back the content of *versions* from the vault; what has no content needs none."""
    plan = RetrievalPlan()
    wanted: dict[int, list[ByteRange]] = {}
    rest = iter(versions)
    while batch := list(islice(rest, _BATCH)):
        with catalog.read() as records:
            lying = records.versions.extents_of([each.version_id for each in batch if each.size], vault_id)
        for version in batch:
            plan.files += 1
            plan.size += version.size
            extents = [extent for extent in lying.get(version.version_id, ()) if extent.length]
            if version.size and not extents:
                plan.elsewhere.append(version.path)
            plan.sealed += any(extent.seal != SealKind.NONE for extent in extents)
            for extent in extents:
                _want(wanted.setdefault(extent.archive_key, []), stored_range(extent))
    with catalog.read() as records:
        for archive_key, ranges in wanted.items():
            plan.jobs.extend(_jobs(records.archives.get(archive_key), ranges))
    return plan


def stored_range(extent: Extent) -> ByteRange:
    """The bytes of the archive that must be fetched to open *extent*: of a plain segment just its own."""
    if is_plain(segment_of(extent)):
        start = extent.stored_offset + extent.offset
        return ByteRange(start, start + extent.length)
    return ByteRange(extent.stored_offset, extent.stored_offset + extent.stored_length)


def brings(job: Job, wanted: ByteRange) -> bool:
    """Whether the output of *job* holds the bytes *wanted* of its archive."""
    return job.range is None or job.range.holds(wanted)


def is_whole_archive(version: Version, extents: list[Extent], archive: Archive) -> bool:
    """Whether the archive is just this file, as it is."""
    plain = version.kind is FileKind.FILE and len(extents) == 1 and is_plain(segment_of(extents[0]))
    return plain and extents[0].length == archive.size == version.size


def _want(ranges: list[ByteRange], one: ByteRange) -> None:
    """Add *one*, joined with its predecessor where they are near: members come in path order, so lists stay short."""
    if ranges and ranges[-1].start <= one.start <= ranges[-1].stop + JOIN_GAP:
        ranges[-1] = ByteRange(ranges[-1].start, max(ranges[-1].stop, one.stop))
    else:
        ranges.append(one)


def _jobs(archive: Archive, ranges: list[ByteRange]) -> list[PlannedJob]:
    whole = ByteRange(0, archive.size)
    asked = (widen(each, archive.size) for each in cover(ranges, archive.size, JOIN_GAP))
    return [PlannedJob(archive, None if each == whole else each) for each in asked]
