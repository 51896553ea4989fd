"""Copies of a vault's records in the vault itself, so that a lost catalog can be had back from there.

A copy is a catalog archive: the records as JSON Lines, the one member of a bundle that is compressed, and sealed where
the vault is. A full copy now and then, increments between. A copy that was broken off is given up and made anew.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from glacierkeep.bundle.encode import Stored, encode
from glacierkeep.bundle.entries import entry_of
from glacierkeep.bundle.files import as_disk_trouble, open_new
from glacierkeep.bundle.pack import BundleWriter
from glacierkeep.bundle.storing import Coding
from glacierkeep.catalog import Catalog, Records
from glacierkeep.clock import Clock
from glacierkeep.domain.copies import Copy, is_full_due
from glacierkeep.domain.description import ArchiveKind
from glacierkeep.domain.forms import Compression, Squeeze
from glacierkeep.domain.records import Upload, Vault
from glacierkeep.errors import GlacierkeepError, Locked
from glacierkeep.events import Listener, Noted
from glacierkeep.operations.activity import copy_activity, lease
from glacierkeep.operations.asking import new_token
from glacierkeep.operations.ending import end_upload
from glacierkeep.operations.intents import Intents
from glacierkeep.operations.preconditions import NotSealed
from glacierkeep.operations.shipping import Shipping
from glacierkeep.operations.unfinished import clear_staging
from glacierkeep.operations.volumes import drop_staged
from glacierkeep.transfer.source import StagedSource

MEMBER = b"catalog.jsonl"
"""What the copy is called in its bundle."""

_FORM = "copy-form:"
"""Before a vault's key: the catalog's own value of how its last copy was stored."""


def copy_catalog(
    vault: Vault,
    *,
    catalog: Catalog,
    staging: Path,
    clock: Clock,
    host: str,
    coding: Coding,
    part: int,
    shipping: Shipping,
    tell: Listener,
) -> bool:
    """Bring the copy in the vault up to date, if anything changed since the last one; whether one was sent.

    What goes wrong is told and no reason to fail: the next run sends a copy.
    """
    try:
        with lease(copy_activity(vault), catalog=catalog, clock=clock, host=host):
            return _Copying(vault, catalog, staging, coding, part, shipping).bring_up_to_date()
    except Locked:
        return False
    except GlacierkeepError as error:
        tell(Noted("catalog-copy", f"the copy of the records could not be sent to {vault.address}: {error}"))
        return False


@dataclass(frozen=True, slots=True)
class _Copying:
    vault: Vault
    catalog: Catalog
    staging: Path
    coding: Coding
    part: int
    shipping: Shipping

    def bring_up_to_date(self) -> bool:
        give_up_copies(self.vault, catalog=self.catalog, staging=self.staging, shipping=self.shipping)
        clear_staging(self.staging, catalog=self.catalog)
        after, due = self._look()
        if not due:
            return False
        self._keep_secrets()
        upload, copy = self._begin(after)
        try:
            stored = self._stage(upload, self.catalog.copy_lines(copy, after))
            self._send(upload, copy, stored)
        except BaseException:
            with self.catalog.write() as records:
                records.copies.give_up(copy.copy_id)
            raise
        return True

    def _keep_secrets(self) -> None:
        """Raises NotSealed where a plain copy would tell what sealed archives hold."""
        with self.catalog.read() as records:
            if self.coding.seal is None and records.archives.any_sealed(self.vault.vault_id):
                raise NotSealed("it would tell in plain what encrypted archives hold")

    def _look(self) -> tuple[Copy | None, bool]:
        """The copy that an increment would follow, None for a full one; and whether there is anything to say."""
        with self.catalog.read() as records:
            same_form = records.identity.get(f"{_FORM}{self.vault.vault_id}") == self.coding.form
            chain = records.copies.chain(self.vault.vault_id) if same_form else []
            last = chain[-1] if chain else None
            due = records.copies.has_changed(self.vault.vault_id, last)
        full = is_full_due([copy.size or 0 for copy in chain])
        return (None if full else last), due

    def _begin(self, after: Copy | None) -> tuple[Upload, Copy]:
        with self.catalog.write() as records:
            token = after.set_token if after else new_token()
            copy = records.copies.begin(self.vault.vault_id, token, after)
        intents = Intents(None, None, self.vault, self.part, self.catalog)
        return intents.staging(ArchiveKind.CATALOG, set_token=copy.set_token, index=copy.index), copy

    def _stage(self, upload: Upload, lines: Iterable[bytes]) -> Stored:
        """The copy as a finished archive in staging."""
        staged = self.staging / upload.source.decode()
        plain = staged.with_name(staged.name + ".lines")
        with as_disk_trouble("a copy of the records"):
            try:
                plain.unlink(missing_ok=True)
                with open_new(plain) as out:
                    out.writelines(lines)
                with BundleWriter(staged) as writer:
                    entry = entry_of(os.fsencode(plain))
                    writer.add_file(MEMBER, entry, lambda: os.open(plain, os.O_RDONLY | os.O_CLOEXEC))
                    packed = writer.finish()
            finally:
                plain.unlink(missing_ok=True)
        squeeze = Squeeze(Compression.ALWAYS, self.coding.squeeze.level)
        return encode(packed, Coding(squeeze, self.coding.seal, self.coding.sealed_to))

    def _send(self, upload: Upload, copy: Copy, stored: Stored) -> None:
        def record(records: Records, archive_key: int) -> None:
            records.copies.acknowledge(copy.copy_id, archive_key, stored.size)
            records.identity.set(f"{_FORM}{self.vault.vault_id}", self.coding.form)

        upload = Intents(None, None, self.vault, self.part, self.catalog).staged(upload, stored.size)
        with StagedSource(stored.path) as source:
            self.shipping.ship(upload, source, record, files=0, name=MEMBER, segments=stored.segments)
        drop_staged(stored.path)


def give_up_copies(vault: Vault, *, catalog: Catalog, staging: Path, shipping: Shipping) -> list[Upload]:
    """End what an earlier run began, the lease of copies held; those that may have become archives, which an inventory
    will show. Raises what the store raises."""
    with catalog.read() as records:
        left = [
            each for each in records.uploads.outstanding(vault.vault_id) if each.kind == ArchiveKind.CATALOG
        ]
        begun = [copy for copy in records.copies.all(vault.vault_id) if copy.archive_key is None]
    opened = list(shipping.store.list_uploads()) if left else []
    kept = [each for each in left if not end_upload(each, opened, shipping=shipping, staging=staging)]
    with catalog.write() as records:
        for copy in begun:
            records.copies.give_up(copy.copy_id)
    return kept
