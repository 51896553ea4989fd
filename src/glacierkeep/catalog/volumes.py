"""Volumes: big files and streams that go as sets of archives, while they are under way."""

from typing import Any

from sqlalchemy import Connection, Row, select

from glacierkeep.catalog.batches import inserted_key
from glacierkeep.catalog.columns import signed, unsigned
from glacierkeep.catalog.schema_work import volume_sets, volumes
from glacierkeep.clock import Clock
from glacierkeep.domain.files import kept_mtime
from glacierkeep.domain.records import Volume, VolumeSet


class VolumeSets:
    """Sets whose last volume is not stored yet. A set is forgotten when its file's version is recorded."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def begin(
        self,
        vault_id: int,
        root_id: int,
        token: str,
        path: bytes,
        size: int | None,
        mtime_ns: int,
        inode: int,
        volume_size: int,
        form: str,
    ) -> VolumeSet:
        """Write down a set before its first volume is made."""
        now = self._clock.now()
        row = {
            "vault_id": vault_id, "root_id": root_id, "token": token, "path": path, "size": size,
            "mtime_ns": kept_mtime(mtime_ns), "inode": signed(inode), "volume_size": volume_size, "form": form,
            "created_at": now,
        }  # fmt: skip
        key = inserted_key(self._connection, volume_sets, row)
        return VolumeSet(
            key, vault_id, root_id, token, path, size, kept_mtime(mtime_ns), inode, volume_size, form, now
        )

    def by_token(self, vault_id: int, token: str) -> VolumeSet | None:
        """The set of that token, or None."""
        same = select(volume_sets).where(volume_sets.c.vault_id == vault_id, volume_sets.c.token == token)
        row = self._connection.execute(same).first()
        return _read_set(row) if row else None

    def of_root(self, vault_id: int, root_id: int) -> list[VolumeSet]:
        """The sets of that root in that vault, oldest first."""
        own = select(volume_sets).where(volume_sets.c.vault_id == vault_id, volume_sets.c.root_id == root_id)
        return [_read_set(row) for row in self._connection.execute(own.order_by(volume_sets.c.id))]

    def of_vault(self, vault_id: int) -> list[VolumeSet]:
        """The sets in that vault, oldest first."""
        own = select(volume_sets).where(volume_sets.c.vault_id == vault_id).order_by(volume_sets.c.id)
        return [_read_set(row) for row in self._connection.execute(own)]

    def all(self) -> list[VolumeSet]:
        """Every set, oldest first."""
        return [
            _read_set(row) for row in self._connection.execute(select(volume_sets).order_by(volume_sets.c.id))
        ]

    def add(self, set_id: int, volume: Volume) -> None:
        """The vault has that volume; said twice, the last one holds."""
        same = (volumes.c.set_id == set_id) & (volumes.c.idx == volume.index)
        self._connection.execute(volumes.delete().where(same))
        row = {
            "set_id": set_id, "idx": volume.index, "archive_key": volume.archive_key, "offset": volume.offset,
            "length": volume.length, "content_offset": volume.content_offset, "tree_hash": volume.tree_hash,
        }  # fmt: skip
        self._connection.execute(volumes.insert(), row)

    def volumes(self, set_id: int) -> list[Volume]:
        """The volumes of a set that the vault has, in order."""
        own = select(volumes).where(volumes.c.set_id == set_id).order_by(volumes.c.idx)
        return [
            Volume(row.idx, row.archive_key, row.offset, row.length, row.content_offset, row.tree_hash)
            for row in self._connection.execute(own)
        ]

    def forget(self, set_id: int) -> None:
        """The set is done with: its file is recorded, or it never will be."""
        self._connection.execute(volumes.delete().where(volumes.c.set_id == set_id))
        self._connection.execute(volume_sets.delete().where(volume_sets.c.id == set_id))


def _read_set(row: Row[Any]) -> VolumeSet:
    return VolumeSet(
        set_id=row.id,
        vault_id=row.vault_id,
        root_id=row.root_id,
        token=row.token,
        path=row.path,
        size=row.size,
        mtime_ns=row.mtime_ns,
        inode=unsigned(row.inode),
        volume_size=row.volume_size,
        form=row.form,
        created_at=row.created_at,
    )
