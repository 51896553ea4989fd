"""What uploads that were broken off left behind: in the catalog, and at the service."""

from collections.abc import Iterable
from dataclasses import dataclass

from glacierkeep.catalog import Catalog, Records
from glacierkeep.domain import description as descriptions
from glacierkeep.domain.description import ArchiveKind
from glacierkeep.domain.records import Archive, Upload, Vault, VolumeSet
from glacierkeep.domain.service import OpenUpload
from glacierkeep.operations.activity import is_sending
from glacierkeep.operations.ending import may_be_archive
from glacierkeep.operations.roots import Place
from glacierkeep.operations.uploads import set_token


@dataclass(frozen=True, slots=True)
class Leftovers:
    """*uploads* of which *acknowledged* bytes had arrived, *doubtful* ones that may have become archives, *sets* of
    volumes with the *archives* that hold them, and uploads that are *unrecorded*: open, ours, and in no record."""

    uploads: tuple[Upload, ...] = ()
    acknowledged: int = 0
    doubtful: tuple[Upload, ...] = ()
    sets: tuple[VolumeSet, ...] = ()
    archives: tuple[Archive, ...] = ()
    unrecorded: tuple[OpenUpload, ...] = ()

    def __add__(self, other: "Leftovers") -> "Leftovers":
        return Leftovers(
            self.uploads + other.uploads,
            self.acknowledged + other.acknowledged,
            self.doubtful + other.doubtful,
            self.sets + other.sets,
            self.archives + other.archives,
            self.unrecorded + other.unrecorded,
        )

    def __len__(self) -> int:
        return len(self.uploads + self.doubtful) + len(self.sets) + len(self.archives) + len(self.unrecorded)


def of_place(place: Place, vault: Vault, opened: Iterable[OpenUpload], *, records: Records) -> Leftovers:
    """What is left in *vault* of the uploads of *place*; bundles hold files from all over a root and go with any of it.

    *opened*: the uploads that the service lists.
    """
    root_id = place.root.root_id
    begun = records.volume_sets.of_root(vault.vault_id, root_id)
    sets = tuple(each for each in begun if place.holds(each.path))
    others = {each.token for each in begun} - {each.token for each in sets}
    left = [
        each
        for each in records.uploads.outstanding(vault.vault_id, root_id)
        if (each.kind != ArchiveKind.FILE or place.holds(each.source)) and set_token(each) not in others
    ]
    keys = [volume.archive_key for each in sets for volume in records.volume_sets.volumes(each.set_id)]
    archives = tuple(records.archives.many(keys).values())
    return _sorted(left, vault, opened, records) + Leftovers(sets=sets, archives=archives)


def of_copies(vault: Vault, opened: Iterable[OpenUpload], *, records: Records) -> Leftovers:
    """What is left of copies of the records that were on their way to *vault*."""
    left = records.uploads.outstanding(vault.vault_id)
    return _sorted([each for each in left if each.kind == ArchiveKind.CATALOG], vault, opened, records)


def _sorted(left: list[Upload], vault: Vault, opened: Iterable[OpenUpload], records: Records) -> Leftovers:
    ids = {each.upload_id for each in opened}
    doubtful = tuple(each for each in left if may_be_archive(each, ids))
    ended = tuple(each for each in left if each not in doubtful)
    arrived = records.uploads.acknowledged(vault.vault_id)
    return Leftovers(ended, sum(arrived.get(each.upload_key, 0) for each in ended), doubtful)


def unrecorded(opened: Iterable[OpenUpload], vault: Vault, *, catalog: Catalog) -> tuple[OpenUpload, ...]:
    """Those of *opened* that say they are this catalog's, though no record knows them: it was restored from a backup.

    Read after *opened* was listed: an upload is written down before it is opened. None while another gk of this catalog
    is sending, and never another catalog's or another tool's.
    """
    with catalog.read() as records:
        if any(is_sending(each.activity) for each in records.leases.all(void=False)):
            return ()
        return tuple(each for each in opened if _is_unrecorded(each, vault, catalog.id, records))


def _is_unrecorded(opened: OpenUpload, vault: Vault, catalog_id: str, records: Records) -> bool:
    said = descriptions.read(opened.description)
    if said is None or said.catalog != catalog_id:
        return False
    known = records.uploads.by_token(vault.vault_id, said.token)
    return known is None and records.archives.by_token(vault.vault_id, said.token) is None


def places_of(vault: Vault, *, records: Records) -> list[Place]:
    """The roots of which something is left in *vault*."""
    left = {each.root_id for each in records.uploads.outstanding(vault.vault_id)}
    left |= {each.root_id for each in records.volume_sets.of_vault(vault.vault_id)}
    return [Place(root, b"") for root in records.roots.all() if root.root_id in left]
