"""What is about to be sent, written down before anything of it is."""

from dataclasses import dataclass, replace

from glacierkeep.catalog import Catalog
from glacierkeep.domain import description as descriptions
from glacierkeep.domain import names
from glacierkeep.domain.description import ArchiveKind, Description
from glacierkeep.domain.files import Entry
from glacierkeep.domain.parts import choose_part_size
from glacierkeep.domain.records import Root, Upload, UploadState, Vault
from glacierkeep.operations.asking import new_token


@dataclass(frozen=True, slots=True)
class Intents:
    """The intents of one run: *part* is the wanted part size in bytes."""

    root: Root | None
    run_id: int | None
    vault: Vault
    part: int
    catalog: Catalog

    def file(self, entry: Entry) -> Upload:
        """A file that is to be sent from where it lies."""
        return self._write(
            self.description_of(entry), UploadState.INTENDED, entry.path, entry=entry, size=entry.size
        )

    def staging(self, kind: ArchiveKind, *, set_token: str | None = None, index: int | None = None) -> Upload:
        """An archive that is about to be made in staging, under `staged_name`."""
        said = Description(kind, new_token(), self.catalog.id, set_token=set_token, index=index)
        return self._write(said, UploadState.STAGING, staged_name(said.token).encode(), entry=None, size=0)

    def staged(self, upload: Upload, size: int) -> Upload:
        """The archive of *upload* lies in staging, whole: *size* bytes."""
        with self.catalog.write() as records:
            records.uploads.update(
                upload.upload_key,
                state=UploadState.INTENDED,
                size=size,
                part_size=choose_part_size(size, self.part),
            )
            return records.uploads.get(upload.upload_key)

    def forget(self, upload: Upload) -> None:
        """Nothing of *upload* was sent, and nothing will be."""
        with self.catalog.write() as records:
            records.uploads.forget(upload.upload_key)

    def description_of(self, entry: Entry) -> Description:
        """What a file archive of *entry* says of itself, under a new token."""
        said = Description(ArchiveKind.FILE, new_token(), self.catalog.id)
        label = self.root.label.encode() if self.root else b""
        return replace(said, path=names.join(label, entry.path), mtime_ns=entry.mtime_ns, mode=entry.mode)

    def _write(
        self, said: Description, state: UploadState, source: bytes, *, entry: Entry | None, size: int
    ) -> Upload:
        with self.catalog.write() as records:
            key = records.uploads.intend(
                vault_id=self.vault.vault_id,
                run_id=self.run_id,
                root_id=self.root.root_id if self.root else None,
                token=said.token,
                kind=said.kind.value,
                state=state,
                source=source,
                size=size,
                mtime_ns=entry.mtime_ns if entry else 0,
                inode=entry.inode if entry else 0,
                mode=entry.mode if entry else 0,
                part_size=choose_part_size(size or 1, self.part),
                description=descriptions.write(said),
            )
            return records.uploads.get(key)


def staged_name(token: str) -> str:
    """What the staged archive of an upload is called."""
    return f"{token}.archive"
