"""Which copies of catalogs' records a vault's inventory lists."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from glacierkeep.catalog import Catalog, Inventory, Records
from glacierkeep.domain import description as descriptions
from glacierkeep.domain.copies import MOST_INCREMENTS
from glacierkeep.domain.description import ArchiveKind, Description
from glacierkeep.domain.records import Archive, NewArchive, Vault
from glacierkeep.domain.service import ListedArchive


@dataclass(slots=True)
class ListedSet:
    """A full copy, 0, and the increments after it, by their place in the set; of one listed twice, the younger."""

    token: str
    catalog_id: str
    archives: dict[int, ListedArchive] = field(default_factory=dict)

    @property
    def made_at(self) -> datetime:
        """When the full copy was stored, as the service says."""
        return self.archives[0].created_at

    def before(self, moment: datetime) -> "ListedSet":
        """Those of them that were stored before *moment*."""
        early = {index: one for index, one in self.archives.items() if one.created_at < moment}
        return ListedSet(self.token, self.catalog_id, early)

    def in_order(self) -> Iterator[ListedArchive]:
        """The full copy and the increments up to the first that is not there."""
        for index in range(MOST_INCREMENTS + 1):
            if index not in self.archives:
                return
            yield self.archives[index]


def find_sets(inventory: Inventory, *, catalog: Catalog) -> list[ListedSet]:
    """The sets in the inventory whose full copy is there. Memory holds the copies, not the inventory."""
    found: dict[tuple[str, str], ListedSet] = {}
    for listed in catalog.listed_rows(inventory.inventory_id):
        said = _copy_said(listed.description)
        if said is None or said.set_token is None or said.index is None:
            continue
        one = found.setdefault((said.catalog, said.set_token), ListedSet(said.set_token, said.catalog))
        there = one.archives.get(said.index)
        if there is None or there.created_at < listed.created_at:
            one.archives[said.index] = listed
    return [each for each in found.values() if 0 in each.archives]


def take_in(chosen: ListedSet, vault: Vault, records: Records) -> None:
    """Record the archives of *chosen* as far as they follow each other, so that jobs can be asked for."""
    for listed in chosen.in_order():
        said = _copy_said(listed.description)
        assert said is not None
        new = NewArchive(
            vault.vault_id,
            listed.archive_id,
            ArchiveKind.CATALOG,
            listed.size,
            None,
            listed.tree_hash,
            listed.description,
            said.token,
            None,
            listed.created_at,
        )
        records.archives.acknowledge(new)


def chosen_archives(vault: Vault, set_token: str, *, catalog: Catalog) -> list[Archive]:
    """The recorded archives of that set, by their place in it."""
    found: dict[int, Archive] = {}
    for archive in catalog.archive_rows(vault.vault_id):
        said = _copy_said(archive.description)
        if said is not None and said.set_token == set_token and said.index is not None:
            found[said.index] = archive
    return [found[index] for index in sorted(found)]


def _copy_said(description: str) -> Description | None:
    said = descriptions.read(description)
    return said if said is not None and said.kind is ArchiveKind.CATALOG else None
