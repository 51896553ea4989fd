"""Roots: folders that were given to `gk upload`."""

from typing import Any

from sqlalchemy import Connection, Row, select

from glacierkeep.catalog.batches import inserted_key
from glacierkeep.catalog.schema import roots
from glacierkeep.domain.records import Root


class Roots:
    """The roots of every host that shares this catalog."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[Root]:
        """Every root, by label."""
        return [_root(row) for row in self._connection.execute(select(roots).order_by(roots.c.label))]

    def by_label(self, label: str) -> Root | None:
        """The root called *label*, or None."""
        row = self._connection.execute(select(roots).where(roots.c.label == label)).first()
        return _root(row) if row else None

    def by_id(self, root_id: int) -> Root:
        """The root with that key. Raises KeyError."""
        row = self._connection.execute(select(roots).where(roots.c.id == root_id)).first()
        if row is None:
            raise KeyError(root_id)
        return _root(row)

    def at(self, host: str, path: bytes) -> Root | None:
        """The root at exactly *path* on *host*, or None."""
        here = select(roots).where(roots.c.host == host, roots.c.path == path)
        row = self._connection.execute(here).first()
        return _root(row) if row else None

    def add(self, label: str, host: str, path: bytes) -> Root:
        """A new root. Raises ValueError if the label or the place is taken."""
        if self.by_label(label) is not None:
            raise ValueError(f"the label {label} is taken")
        if self.at(host, path) is not None:
            raise ValueError("this folder is a root already")
        key = inserted_key(self._connection, roots, {"label": label, "host": host, "path": path})
        return Root(key, label, host, path)

    def claim(self, root_id: int, host: str, path: bytes) -> Root:
        """The root, now that of the folder *path* on *host*. Raises ValueError if that folder is a root already."""
        if self.at(host, path) is not None:
            raise ValueError("this folder is a root already")
        self._connection.execute(roots.update().where(roots.c.id == root_id).values(host=host, path=path))
        return self.by_id(root_id)

    def holding(self, host: str, path: bytes) -> Root | None:
        """The deepest root of *host* that is *path* or a folder above it, or None. *path* is absolute."""
        above = [path]
        while b"/" in path and path != b"/":
            path = path.rpartition(b"/")[0] or b"/"
            above.append(path)
        for place in above:
            root = self.at(host, place)
            if root is not None:
                return root
        return None


def _root(row: Row[Any]) -> Root:
    return Root(row.id, row.label, row.host, row.path)
