"""Letting go of old copies of a vault's records: when a newer full one was seen, when it is free, where permitted."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from glacierkeep.catalog import Catalog, Inventory
from glacierkeep.domain import description as descriptions
from glacierkeep.domain.description import ArchiveKind
from glacierkeep.domain.patience import may_have_been_done
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


def listed_full_copy(vault: Vault, inventory: Inventory, *, catalog: Catalog) -> Archive | None:
    """The full copy that the newest increments follow, if the received *inventory* lists it as it is recorded."""
    with catalog.read() as records:
        keys = [copy.archive_key for copy in records.copies.chain(vault.vault_id)]
        full = records.archives.get(keys[0]) if keys and keys[0] is not None else None
        return full if full is not None and records.inventories.lists(inventory.inventory_id, full) else None


def let_go_of_copies_before(
    full: Archive, vault: Vault, *, catalog: Catalog, store: Store, tell: Listener
) -> int:
    """Delete this catalog's copies that *full*, which an inventory showed, replaces; how many.

    The first that cannot be deleted ends it, and is no reason to fail: a policy or a lock may forbid it.
    """
    gone = 0
    for archive in list(_replaced(full, vault, store.now(), catalog)):
        with catalog.write() as records:
            if not records.archives.begin_deletion([archive.archive_key]):
                continue
        try:
            store.delete_archive(archive.archive_id)
        except ServiceError as error:
            if not may_have_been_done(error):  # else it stays marked, and gk poll deletes it
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


def _replaced(full: Archive, vault: Vault, now: datetime, catalog: Catalog) -> Iterator[Archive]:
    free = now - FREE_AFTER[parse_address(vault.address).kind]
    for archive in catalog.archive_rows(vault.vault_id):
        older = archive.created_at < full.created_at and archive.created_at <= free
        if older and _is_own_copy(archive, catalog.id):
            yield archive


def _is_own_copy(archive: Archive, catalog_id: str) -> bool:
    if archive.kind != ArchiveKind.CATALOG or archive.state is not ArchiveState.PRESENT:
        return False
    said = descriptions.read(archive.description)
    return said is not None and said.catalog == catalog_id
