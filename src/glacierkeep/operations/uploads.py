"""What was begun and is no archive yet: what goes on, what begins anew, and what only an inventory settles."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from glacierkeep.catalog import Catalog, Records
from glacierkeep.clock import Clock
from glacierkeep.domain import description as descriptions
from glacierkeep.domain import names
from glacierkeep.domain.description import ArchiveKind
from glacierkeep.domain.limits import UPLOAD_LIFE_HOURS
from glacierkeep.domain.records import Root, Upload, UploadState, Vault, VolumeSet
from glacierkeep.domain.service import OpenUpload
from glacierkeep.operations.activity import copy_activity, root_activity
from glacierkeep.operations.roots import STANDARD_INPUT_PATH

VOLUMES = "volumes"
"""The kind of what is listed for a set of volumes."""

_LIFE = timedelta(hours=UPLOAD_LIFE_HOURS)
_RESUMABLE = (UploadState.INTENDED, UploadState.OPEN, UploadState.COMPLETING)


@dataclass(frozen=True, slots=True)
class UploadListed:
    """An upload, or the volumes of one file, that are not settled. Sizes in bytes; *size* None: not known yet.

    *path* as archived, None for a bundle and a copy of the records; *source*: the folder that is given to gk upload
    again, None for standard input and copies. *acknowledged*: what the service has. *idle_since*: when it last moved.
    """

    vault: str
    kind: str
    state: UploadState
    label: str | None
    path: bytes | None
    source: bytes | None
    size: int | None
    acknowledged: int
    begun_at: datetime
    idle_since: datetime
    may_have_expired: bool
    resumable: bool
    uncertain: bool
    at_work: bool


def uploads(vault: Vault, *, catalog: Catalog, clock: Clock) -> list[UploadListed]:
    """All of *vault* that is not settled, oldest first; the volumes of one file are one."""
    with catalog.read() as records:
        left = records.uploads.outstanding(vault.vault_id, uncertain=True)
        begun = records.volume_sets.of_vault(vault.vault_id)
        return list_uploads(vault, left, begun, records=records, now=clock.now())


def list_uploads(
    vault: Vault, left: Iterable[Upload], begun: Iterable[VolumeSet], *, records: Records, now: datetime
) -> list[UploadListed]:
    """The uploads *left* and the sets *begun*, as people are told of them."""
    listing = _Listing(
        vault,
        {root.root_id: root for root in records.roots.all()},
        {lease.activity for lease in records.leases.all(void=False)},
        records.uploads.acknowledged(vault.vault_id),
        now,
    )
    of_set: dict[str, list[Upload]] = {found.token: [] for found in begun}
    listed = []
    for upload in left:
        token = set_token(upload)
        if token in of_set and upload.state is not UploadState.UNCERTAIN:
            of_set[token].append(upload)
        else:
            listed.append(listing.upload(upload))
    for found in begun:
        volumes = records.volume_sets.volumes(found.set_id)
        archives = records.archives.many([volume.archive_key for volume in volumes]).values()
        moved = max([found.created_at, *(archive.created_at for archive in archives)])
        stored = sum(volume.length for volume in volumes)
        listed.append(listing.set(found, stored, moved, of_set[found.token]))
    return sorted(listed, key=lambda each: each.begun_at)


def set_token(upload: Upload) -> str | None:
    """The token of the set of volumes that the upload belongs to, if any."""
    said = descriptions.read(upload.description)
    return said.set_token if said and said.kind is not ArchiveKind.CATALOG else None


def list_opened(vault: Vault, opened: OpenUpload) -> UploadListed:
    """An upload of ours that only the service knows, as people are told of it."""
    said = descriptions.read(opened.description)
    return UploadListed(
        vault=vault.address,
        kind=said.kind if said else "",
        state=UploadState.OPEN,
        label=None,
        path=said.path if said else None,
        source=None,
        size=None,
        acknowledged=0,
        begun_at=opened.created_at,
        idle_since=opened.created_at,
        may_have_expired=False,
        resumable=False,
        uncertain=False,
        at_work=False,
    )


@dataclass(frozen=True, slots=True)
class _Listing:
    vault: Vault
    roots: dict[int, Root]
    at_work: set[str]
    acknowledged: dict[int, int]
    now: datetime

    def upload(self, upload: Upload) -> UploadListed:
        root = self.roots.get(upload.root_id) if upload.root_id is not None else None
        idle_since = upload.moved_at or upload.created_at
        at_work = self._is_at_work(root)
        uncertain = upload.state is UploadState.UNCERTAIN
        return UploadListed(
            vault=self.vault.address,
            kind=upload.kind,
            state=upload.state,
            label=root.label if root else None,
            path=_path(root, upload.source) if root and upload.kind == ArchiveKind.FILE else None,
            source=_folder(root),
            size=None if upload.state is UploadState.STAGING else upload.size,
            acknowledged=self.acknowledged.get(upload.upload_key, 0),
            begun_at=upload.created_at,
            idle_since=idle_since,
            may_have_expired=upload.state is UploadState.OPEN and self._is_old(idle_since),
            resumable=upload.state in _RESUMABLE and root is not None,
            uncertain=uncertain or (upload.state is UploadState.SENDING and not at_work),
            at_work=at_work and not uncertain,
        )

    def set(
        self, found: VolumeSet, stored: int, stored_at: datetime, under_way: list[Upload]
    ) -> UploadListed:
        root = self.roots[found.root_id]
        parts = sum(self.acknowledged.get(upload.upload_key, 0) for upload in under_way)
        moved = [upload.moved_at or upload.created_at for upload in under_way]
        idle_since = max([stored_at, *moved])
        state = under_way[-1].state if under_way else UploadState.INTENDED
        return UploadListed(
            vault=self.vault.address,
            kind=VOLUMES,
            state=state,
            label=root.label,
            path=_path(root, found.path),
            source=_folder(root),
            size=found.size,
            acknowledged=stored + parts,
            begun_at=found.created_at,
            idle_since=idle_since,
            may_have_expired=state is UploadState.OPEN and self._is_old(idle_since),
            resumable=found.size is not None,
            uncertain=False,
            at_work=self._is_at_work(root),
        )

    def _is_at_work(self, root: Root | None) -> bool:
        return (root_activity(root) if root else copy_activity(self.vault)) in self.at_work

    def _is_old(self, idle_since: datetime) -> bool:
        return self.now - idle_since >= _LIFE


def _path(root: Root, path: bytes) -> bytes:
    return names.join(root.label.encode(), path)


def _folder(root: Root | None) -> bytes | None:
    """The folder of *root*; standard input has none."""
    return None if root is None or root.path.startswith(STANDARD_INPUT_PATH) else root.path
