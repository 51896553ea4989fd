"""Letting go of old copies of a vault's records: when a newer full one was seen, when it is free, where permitted."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from glacierkeep.catalog import Catalog
from glacierkeep.domain import description as descriptions
from glacierkeep.domain.description import ArchiveKind
from glacierkeep.domain.records import Archive, ArchiveState, Vault
from glacierkeep.domain.vault import VaultKind, parse_address
from glacierkeep.errors import ServiceError
from glacierkeep.events import ArchiveDeleted, Listener
from glacierkeep.stores.store import Store

FREE_AFTER = {
    VaultKind.LOCAL: timedelta(0),
    VaultKind.GLACIER: timedelta(days=90),
    VaultKind.S3: timedelta(days=180),
}
"""How old an archive must be for its deletion to cost nothing: three months in a vault (developer guide, "Deleting an
archive"), 180 days in the class DEEP_ARCHIVE."""


def let_go_of_old_copies(vault: Vault, *, catalog: Catalog, store: Store, tell: Listener) -> int:
    """Delete this catalog's copies that a newer full one, which an inventory showed, replaces; how many."""
    gone = 0
    for archive in list(_replaced(vault, store.now(), catalog)):
        with catalog.write() as records:
            if not records.archives.begin_deletion([archive.archive_key]):
                continue
        try:
            store.delete_archive(archive.archive_id)
        except ServiceError:
            # A policy or a lock may forbid it, and nothing needs it to be gone.
            with catalog.write() as records:
                records.archives.mark([archive.archive_key], ArchiveState.PRESENT)
            return gone
        with catalog.write() as records:
            copy = records.copies.by_archive(archive.archive_key)
            if copy is not None:
                records.copies.drop(copy.copy_id)
            records.archives.mark([archive.archive_key], ArchiveState.DELETED)
        tell(ArchiveDeleted(vault.address, archive.archive_id, archive.size))
        gone += 1
    return gone


def _replaced(vault: Vault, now: datetime, catalog: Catalog) -> Iterator[Archive]:
    with catalog.read() as records:
        chain = records.copies.chain(vault.vault_id)
        held = records.archives.many([copy.archive_key for copy in chain if copy.archive_key is not None])
        seen_until = records.vaults.by_id(vault.vault_id).inventory_date
        inventoried = chain[0].archive_key if chain else None
    full = held.get(inventoried) if inventoried is not None else None
    if full is None or seen_until is None or full.created_at > seen_until or full.absent_since is not None:
        return
    free = now - FREE_AFTER[parse_address(vault.address).kind]
    for archive in catalog.archive_rows(vault.vault_id):
        ours = _is_own_copy(archive, catalog.id) and archive.archive_key not in held
        if ours and archive.created_at < full.created_at and archive.created_at <= free:
            yield archive


def _is_own_copy(archive: Archive, catalog_id: str) -> bool:
    if archive.kind != ArchiveKind.CATALOG or archive.state is not ArchiveState.PRESENT:
        return False
    said = descriptions.read(archive.description)
    return said is not None and said.catalog == catalog_id
