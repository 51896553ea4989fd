"""The bytes of archives as they lie in the local Glacier's store, behind its back."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class AtRest:
    """The store in *folder*. Only files are changed, not what is recorded of them."""

    folder: Path

    def ids(self) -> list[str]:
        """The ids of the archives that are there, oldest first."""
        return [row[0] for row in self._rows("SELECT id FROM archives WHERE died IS NULL ORDER BY archive")]

    def read(self, archive_id: str) -> bytes:
        """All of an archive."""
        return b"".join(file.read_bytes() for file, _, _ in self._pieces(archive_id))

    def write(self, archive_id: str, content: bytes) -> None:
        """Put *content*, of the same length, in the place of an archive's bytes."""
        for file, start, size in self._pieces(archive_id):
            file.write_bytes(content[start : start + size])

    def truncate(self, archive_id: str, length: int) -> None:
        """Let an archive end early, unknown to the service."""
        for file, start, _ in self._pieces(archive_id):
            file.write_bytes(file.read_bytes()[: max(0, length - start)])

    def shorten(self, archive_id: str, length: int) -> None:
        """Let an archive end early, and the service think that it always did."""
        with closing(sqlite3.connect(self.folder / "state.db")) as db, db:
            db.execute("UPDATE archives SET size = ? WHERE id = ?", (length, archive_id))
            lying = "archive = (SELECT archive FROM archives WHERE id = ?)"
            db.execute(f"DELETE FROM pieces WHERE start >= ? AND {lying}", (length, archive_id))
            db.execute(f"UPDATE pieces SET size = min(size, ? - start) WHERE {lying}", (length, archive_id))

    def _pieces(self, archive_id: str) -> list[tuple[Path, int, int]]:
        asked = (
            "SELECT file, start, pieces.size FROM pieces JOIN archives USING (archive) WHERE id = ? ORDER BY start",
            archive_id,
        )
        return [(self.folder / file, start, size) for file, start, size in self._rows(*asked)]

    def _rows(self, asked: str, *values: str) -> list[Any]:
        with closing(sqlite3.connect(self.folder / "state.db")) as db:
            return db.execute(asked, values).fetchall()
