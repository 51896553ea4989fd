"""Uploads: archives on their way, from the intent to the acknowledgement."""

from typing import Any

from sqlalchemy import Connection, Row, func, select

from glacierkeep.catalog.batches import inserted_key
from glacierkeep.catalog.columns import signed, unsigned
from glacierkeep.catalog.schema_work import parts, uploads
from glacierkeep.clock import Clock
from glacierkeep.domain.files import kept_mtime
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.records import Upload, UploadState
from glacierkeep.domain.service import SentPart


class Uploads:
    """What was begun and is not settled."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def intend(
        self,
        vault_id: int,
        run_id: int | None,
        root_id: int | None,
        token: str,
        kind: str,
        state: UploadState,
        source: bytes,
        size: int,
        mtime_ns: int,
        inode: int,
        mode: int,
        part_size: int,
        description: str,
    ) -> int:
        """Write down what is about to be sent, before the first byte leaves; its key."""
        row = {
            "vault_id": vault_id, "run_id": run_id, "root_id": root_id, "token": token, "kind": kind,
            "state": str(state), "source": source, "size": size, "mtime_ns": kept_mtime(mtime_ns),
            "inode": signed(inode), "mode": mode, "part_size": part_size, "description": description,
            "created_at": self._clock.now(),
        }  # fmt: skip
        return inserted_key(self._connection, uploads, row)

    def update(
        self,
        upload_key: int,
        *,
        state: UploadState | None = None,
        upload_id: str | None = None,
        size: int | None = None,
        description: str | None = None,
        part_size: int | None = None,
    ) -> None:
        """Change what is given; None leaves it."""
        given = {
            "state": None if state is None else str(state), "upload_id": upload_id, "size": size,
            "description": description, "part_size": part_size,
        }  # fmt: skip
        values = {column: value for column, value in given.items() if value is not None}
        if values:
            self._connection.execute(uploads.update().where(uploads.c.id == upload_key).values(values))
        if upload_id is not None:
            self._moved(upload_key)

    def part_sent(self, upload_key: int, start: int, length: int, tree_hash: bytes) -> None:
        """The service has acknowledged that part; said twice, the last one holds."""
        same = (parts.c.upload_key == upload_key) & (parts.c.start == start)
        self._connection.execute(parts.delete().where(same))
        row = {"upload_key": upload_key, "start": start, "length": length, "tree_hash": tree_hash}
        self._connection.execute(parts.insert(), row)
        self._moved(upload_key)

    def _moved(self, upload_key: int) -> None:
        """The service has just answered about the upload."""
        own = uploads.update().where(uploads.c.id == upload_key)
        self._connection.execute(own.values(moved_at=self._clock.now()))

    def drop_parts(self, upload_key: int) -> None:
        """Its parts are lost with the service: all are to be sent again."""
        self._connection.execute(parts.delete().where(parts.c.upload_key == upload_key))

    def parts(self, upload_key: int) -> list[SentPart]:
        """The parts the service has, in order."""
        own = select(parts).where(parts.c.upload_key == upload_key).order_by(parts.c.start)
        return [
            SentPart(ByteRange(row.start, row.start + row.length), row.tree_hash)
            for row in self._connection.execute(own)
        ]

    def acknowledged(self, vault_id: int) -> dict[int, int]:
        """How many bytes of each of the vault's uploads the service has in parts, by key; none that has no part."""
        summed = (
            select(parts.c.upload_key, func.sum(parts.c.length).label("length"))
            .join(uploads, uploads.c.id == parts.c.upload_key)
            .where(uploads.c.vault_id == vault_id)
            .group_by(parts.c.upload_key)
        )
        return {row.upload_key: row.length for row in self._connection.execute(summed)}

    def get(self, upload_key: int) -> Upload:
        """The upload with that key. Raises KeyError."""
        row = self._connection.execute(select(uploads).where(uploads.c.id == upload_key)).first()
        if row is None:
            raise KeyError(upload_key)
        return _upload(row)

    def by_token(self, vault_id: int, token: str) -> Upload | None:
        """The upload with that token, or None."""
        same = select(uploads).where(uploads.c.vault_id == vault_id, uploads.c.token == token)
        row = self._connection.execute(same).first()
        return _upload(row) if row else None

    def outstanding(
        self, vault_id: int | None = None, root_id: int | None = None, *, uncertain: bool = False
    ) -> list[Upload]:
        """What is to be settled, oldest first; those that only an inventory can settle if *uncertain*."""
        wanted = select(uploads).order_by(uploads.c.id)
        if vault_id is not None:
            wanted = wanted.where(uploads.c.vault_id == vault_id)
        if root_id is not None:
            wanted = wanted.where(uploads.c.root_id == root_id)
        if not uncertain:
            wanted = wanted.where(uploads.c.state != UploadState.UNCERTAIN)
        return [_upload(row) for row in self._connection.execute(wanted)]

    def forget(self, upload_key: int) -> None:
        """It is settled: it became an archive, or never will."""
        self.drop_parts(upload_key)
        self._connection.execute(uploads.delete().where(uploads.c.id == upload_key))


def _upload(row: Row[Any]) -> Upload:
    return Upload(
        upload_key=row.id,
        vault_id=row.vault_id,
        run_id=row.run_id,
        root_id=row.root_id,
        token=row.token,
        kind=row.kind,
        state=UploadState(row.state),
        source=row.source,
        size=row.size,
        mtime_ns=row.mtime_ns,
        inode=unsigned(row.inode),
        mode=row.mode,
        part_size=row.part_size,
        description=row.description,
        upload_id=row.upload_id,
        created_at=row.created_at,
        moved_at=row.moved_at,
    )
