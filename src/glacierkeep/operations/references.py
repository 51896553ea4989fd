"""What is recorded without being sent: folders, and files whose content the vault has already."""

from glacierkeep.catalog import ArchiveGone, Catalog
from glacierkeep.domain.records import NewVersion
from glacierkeep.operations.scan import Change

_BATCH = 500


class References:
    """One run's versions that need no archive of their own, written down together."""

    def __init__(self, run_id: int, root_id: int, vault_id: int, *, catalog: Catalog) -> None:
        self.let_down: list[Change] = []
        """Changes whose content was deleted since it was found in the vault: they are to be sent after all."""
        self._run_id, self._root_id, self._vault_id, self._catalog = run_id, root_id, vault_id, catalog
        self._noted: list[tuple[NewVersion, Change]] = []

    def note(self, version: NewVersion, change: Change) -> None:
        """Write *version* down with the next ones."""
        self._noted.append((version, change))
        if len(self._noted) >= _BATCH:
            self.write()

    def write(self) -> None:
        """Write down all that was noted; one by one if something that they rely on is gone."""
        noted, self._noted = self._noted, []
        if not noted:
            return
        try:
            self._record([version for version, _ in noted])
        except ArchiveGone:
            for version, change in noted:
                self._record_one(version, change)

    def _record_one(self, version: NewVersion, change: Change) -> None:
        try:
            self._record([version])
        except ArchiveGone:
            self.let_down.append(change)

    def _record(self, versions: list[NewVersion]) -> None:
        with self._catalog.write() as records:
            records.versions.record(self._run_id, self._root_id, self._vault_id, None, versions)
