"""gk show: all that is known of a file's versions, or of an archive."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from glacierkeep.catalog import Catalog
from glacierkeep.domain.records import Archive, Vault, Version
from glacierkeep.operations.evidence import Evidence, evidence_of
from glacierkeep.operations.selection import Moment, archive_named, select

_ALL = Moment(history=True, deleted=True)


@dataclass(frozen=True, slots=True)
class Holding:
    """An archive in which bytes of a version lie, and how surely it is safe. Size in bytes."""

    vault: str
    archive_id: str
    kind: str
    state: str
    evidence: Evidence
    size: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class VersionShown:
    """A version, and where it lies."""

    version: Version
    holdings: tuple[Holding, ...]


@dataclass(frozen=True, slots=True)
class ArchiveShown:
    """An archive, and what of it is still needed. *live_bytes* of *live_versions* that are not retired."""

    archive: Archive
    vault: str
    evidence: Evidence
    live_bytes: int
    live_versions: int


def show(name: str, *, catalog: Catalog, host: str) -> Iterator[VersionShown | ArchiveShown]:
    """The archive `archive:ID` means, or every version of the files *name* means. Raises NoSuchName."""
    archive = archive_named(name, catalog=catalog)
    if archive is not None:
        yield _shown(archive, catalog)
        return
    for version in select(name, catalog=catalog, host=host, moment=_ALL):
        with catalog.read() as records:
            holdings = records.versions.holdings(version.version_id)
        yield VersionShown(
            version, tuple(_holding(vault, each) for vault, archives in holdings for each in archives)
        )


def _shown(archive: Archive, catalog: Catalog) -> ArchiveShown:
    with catalog.read() as records:
        vault = records.vaults.by_id(archive.vault_id)
        size, count = records.archives.live_bytes(archive.archive_key)
    return ArchiveShown(archive, vault.address, evidence_of(archive, vault), size, count)


def _holding(vault: Vault, archive: Archive) -> Holding:
    return Holding(
        vault.address,
        archive.archive_id,
        archive.kind,
        archive.state.value,
        evidence_of(archive, vault),
        archive.size,
        archive.created_at,
    )
