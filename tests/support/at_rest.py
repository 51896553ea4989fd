"""The bytes of archives as they lie in the local Glacier's store, behind its back."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class AtRest:
    """The store in *folder*. Only files are changed, never what is recorded of them."""

    folder: Path

    def ids(self) -> list[str]:
        """The ids of the archives that are there, oldest first."""
        return [row[0] for row in self._rows("SELECT id FROM archives WHERE died IS NULL ORDER BY archive")]

    def read(self, archive_id: str) -> bytes:
        """All of an archive."""
        return b"".join(file.read_bytes() for file, _ in self._pieces(archive_id))

    def write(self, archive_id: str, content: bytes) -> None:
        """Put *content*, of the same length, in the place of an archive's bytes."""
        for file, start in self._pieces(archive_id):
            file.write_bytes(content[start : start + file.stat().st_size])

    def truncate(self, archive_id: str, length: int) -> None:
        """Let an archive's last file end early."""
        for file, start in self._pieces(archive_id):
            file.write_bytes(file.read_bytes()[: max(0, length - start)])

    def _pieces(self, archive_id: str) -> list[tuple[Path, int]]:
        asked = (
            "SELECT file, start FROM pieces JOIN archives USING (archive) WHERE id = ? ORDER BY start",
            archive_id,
        )
        return [(self.folder / file, start) for file, start in self._rows(*asked)]

    def _rows(self, asked: str, *values: str) -> list[Any]:
        with closing(sqlite3.connect(self.folder / "state.db")) as db:
            return db.execute(asked, values).fetchall()
