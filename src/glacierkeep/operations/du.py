"""gk du: how much is archived, by root or folder, and by vault."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from glacierkeep.catalog import Catalog
from glacierkeep.domain.files import FileKind
from glacierkeep.operations.selection import select


@dataclass(frozen=True, slots=True)
class Usage:
    """*files* of *size* bytes at *path*, as they are now."""

    path: bytes
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class VaultUsage:
    """What lies in a vault: *archives* of *stored* bytes, which hold *files* of *size* bytes."""

    vault: str
    archives: int
    stored: int
    files: int
    size: int


def du(wanted: Sequence[str], *, catalog: Catalog, host: str) -> Iterator[Usage]:
    """How much each of *wanted* holds; every root, if none is named. Raises NoSuchName."""
    if not wanted:
        with catalog.read() as records:
            roots = records.roots.all()
        for root in roots:
            with catalog.read() as records:
                totals = records.statistics.totals(root.root_id)
            yield Usage(root.label.encode(), totals.files, totals.bytes)
    for name in wanted:
        files = size = 0
        for version in select(name, catalog=catalog, host=host):
            files += version.kind is not FileKind.FOLDER
            size += version.size if version.kind is FileKind.FILE else 0
        yield Usage(name.encode("utf-8", "surrogateescape"), files, size)


def du_vaults(*, catalog: Catalog) -> Iterator[VaultUsage]:
    """How much each vault holds."""
    with catalog.read() as records:
        vaults = records.vaults.all()
    for vault in vaults:
        with catalog.read() as records:
            totals = records.statistics.totals(None, vault.vault_id)
        yield VaultUsage(vault.address, totals.archives, totals.stored_bytes, totals.files, totals.bytes)
