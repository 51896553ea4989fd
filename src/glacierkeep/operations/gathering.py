"""A version that lies in several archives: its bytes gather in a partial file, archive by archive, over many passes."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from glacierkeep.bundle.files import as_disk_trouble
from glacierkeep.bundle.place import Target
from glacierkeep.catalog import Catalog
from glacierkeep.domain.records import Extent, Retrieval, Version


@dataclass(frozen=True, slots=True)
class Gathering:
    """The partial files of one retrieval's versions."""

    retrieval: Retrieval
    target: Target
    catalog: Catalog

    def name(self, version_id: int) -> str:
        """What the partial file of that version is called."""
        return f"whole-{version_id}-{self.retrieval.retrieval_id}"

    def put(self, version: Version, extents: list[Extent], content: Iterator[bytes]) -> None:
        """Write *content*, which is that of *extents*, all of one archive; it is on the disk before it is written down.

        Raises what reading *content* raises, and DiskTrouble.
        """
        with (
            as_disk_trouble("a file of volumes"),  # around: closing writes, too
            self.target.open_partial(self.name(version.version_id)) as partial,
        ):
            partial.seek(extents[0].version_offset)
            partial.writelines(content)
            partial.flush()
            os.fsync(partial.fileno())
        with self.catalog.write() as records:
            records.retrievals.note_arrival(
                self.retrieval.retrieval_id, version.version_id, extents[0].archive_key
            )

    def arrived(self) -> set[tuple[int, int]]:
        """Which versions' bytes of which archives are here."""
        with self.catalog.read() as records:
            return records.retrievals.arrivals(self.retrieval.retrieval_id)

    def is_whole(self, version: Version, arrived: set[tuple[int, int]]) -> bool:
        """Whether all of *version*, some of which gathered here, is here."""
        with self.catalog.read() as records:
            needed = records.versions.extents(version.version_id, self.retrieval.vault_id)
        return all((version.version_id, extent.archive_key) in arrived for extent in needed if extent.length)

    def drop_all(self) -> None:
        """Remove what did not become a file: nothing of this retrieval is waited for any more."""
        for version_id in {version_id for version_id, _ in self.arrived()}:
            self.target.drop_partial(self.name(version_id))
