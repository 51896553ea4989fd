"""Which files are the same file under another name."""

import sqlite3
from types import TracebackType


class LinkTable:
    """The first path seen of each file that has several, kept on disk: memory does not grow with their number."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("", isolation_level=None)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute("PRAGMA synchronous = OFF")
        self._rows.execute("CREATE TABLE links (file BLOB PRIMARY KEY, path BLOB NOT NULL) WITHOUT ROWID")
        self._rows.execute("BEGIN")

    def first_path(self, device: int, inode: int, path: bytes) -> bytes:
        """The path this file was first asked for with: *path* itself the first time."""
        key = b"%d:%d" % (device, inode)
        row = self._rows.execute("SELECT path FROM links WHERE file = ?", (key,)).fetchone()
        if row is None:
            self._rows.execute("INSERT INTO links VALUES (?, ?)", (key, path))
            return path
        return bytes(row[0])

    def close(self) -> None:
        """Forget everything."""
        self._rows.close()

    def __enter__(self) -> "LinkTable":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
