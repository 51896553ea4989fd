"""Roots, runs and folders of a copy, as they are recorded here."""

from itertools import count

from glacierkeep.catalog.arriving import Arriving
from glacierkeep.catalog.searching import searchable
from glacierkeep.domain.copied import LONGEST_NAME, BadCopy, Fields
from glacierkeep.domain.labels import FOUND_PATH, NO_HOST, trouble_with_label

_DEEPEST = 4 * LONGEST_NAME
"""Bytes of a folder's path, at most."""


class Places:
    """Takes in lines of roots, runs and folders: what is here already under the same name is the same."""

    def __init__(self, arriving: Arriving, vault_id: int) -> None:
        self._arriving = arriving
        self._vault_id = vault_id

    def root(self, said: Fields) -> None:
        """A root: the one at the same place, or the one of that label that adoption made, else a new one."""
        source, label = said.key("id"), said.text("label", 1024)
        host, path = said.text("host", 1024), said.name("path")
        trouble = trouble_with_label(label)
        if trouble or not path:
            raise BadCopy(f"a root has no label or no path: {trouble or 'it is empty'}")
        self._arriving.note("root", source, self._root(source, label, host, path))

    def _root(self, source: int, label: str, host: str, path: bytes) -> int:
        here = self._arriving
        same = here.one("SELECT id FROM roots WHERE host = ? AND path = ?", host, path)
        if same is not None:
            return int(same[0])
        held = here.one("SELECT id, host, path FROM roots WHERE label = ?", label)
        if held is not None and held[1] == NO_HOST and held[2] != FOUND_PATH:
            here.do("UPDATE roots SET host = ?, path = ? WHERE id = ?", host, path, held[0])
            return int(held[0])
        key = here.key("roots", source)
        label = label if held is None else self._free(label)
        here.do("INSERT INTO roots (id, label, host, path) VALUES (?, ?, ?, ?)", key, label, host, path)
        return key

    def _free(self, label: str) -> str:
        for number in count(2):
            free = f"{label}-{number}"
            if self._arriving.one("SELECT 1 FROM roots WHERE label = ?", free) is None:
                return free
        raise AssertionError

    def run(self, said: Fields) -> None:
        """A run: the one of the same root that began at the same time, else a new one."""
        here, source = self._arriving, said.key("id")
        root_id, _ = here.known("root", said.key("root"))
        began, ended = said.moment("started_at"), said.maybe_moment("ended_at")
        same = here.one(
            "SELECT id FROM runs WHERE root_id = ? AND vault_id = ? AND started_at = ? ORDER BY id <> ?, id",
            root_id, self._vault_id, began, source,
        )  # fmt: skip
        if same is None:
            same = (here.key("runs", source),)
            values = (same[0], root_id, self._vault_id, began)
            here.do("INSERT INTO runs (id, root_id, vault_id, started_at) VALUES (?, ?, ?, ?)", *values)
        complete = said.flag("complete")
        here.do(
            "UPDATE runs SET ended_at = coalesce(?, ended_at), complete = max(complete, ?) WHERE id = ?",
            ended, complete, same[0],
        )  # fmt: skip
        here.note("run", source, same[0])

    def folder(self, said: Fields) -> None:
        """A folder: the one of the same name in the same folder, else a new one."""
        here, source = self._arriving, said.key("id")
        root_id, _ = here.known("root", said.key("root"))
        if not said.has("parent"):
            if said.name("name"):
                raise BadCopy("a root's own folder has a name")
            here.note("folder", source, self._folder(source, root_id, None, b""), 0)
            return
        parent, depth = here.known("folder", said.key("parent"))
        if here.one("SELECT root_id FROM folders WHERE id = ?", parent)[0] != root_id:
            raise BadCopy("a folder lies in a folder of another root")
        name = said.component("name")
        depth += len(name) + 1
        if depth > _DEEPEST:
            raise BadCopy(f"a folder's path is longer than {_DEEPEST} bytes")
        here.note("folder", source, self._folder(source, root_id, parent, name), depth)

    def _folder(self, source: int, root_id: int, parent: int | None, name: bytes) -> int:
        here = self._arriving
        known = here.one(
            "SELECT id FROM folders WHERE root_id = ? AND parent_id IS ? AND name = ?", root_id, parent, name
        )
        if known is not None:
            return int(known[0])
        key = here.key("folders", source)
        values = (key, root_id, parent, name, searchable(name))
        here.do("INSERT INTO folders (id, root_id, parent_id, name, text) VALUES (?, ?, ?, ?, ?)", *values)
        return key
