"""Files, versions and extents of a copy, as they are recorded here."""

from typing import Any

from glacierkeep.catalog.arriving import Arriving
from glacierkeep.catalog.searching import searchable
from glacierkeep.domain.copied import LARGEST, BadCopy, Fields
from glacierkeep.domain.files import KIND_WORDS, FileKind
from glacierkeep.domain.names import trouble_with

_MOST_EXTENTS = 1 << 32
_MOST_VERSIONS = 1_000_000

# Whether the version ? of some other vault comes after the version ? of this one; see `view`.
_LATER = """
    SELECT 1 FROM versions AS rival, versions AS ours WHERE rival.id = ? AND ours.id = ?
    AND (-rival.adopted, rival.first_seen, rival.id) > (-ours.adopted, ours.first_seen, ours.id)
"""
_OURS = """
    SELECT 1 FROM versions WHERE id = ? AND (
        EXISTS (SELECT 1 FROM runs WHERE runs.id = first_run AND runs.vault_id = ?)
        OR EXISTS (SELECT 1 FROM extents WHERE version_id = versions.id AND extents.vault_id = ?)
    )
"""


class Versions:
    """Takes in lines of files, each followed by lines of its versions, each followed by lines of its extents."""

    def __init__(self, arriving: Arriving, vault_id: int, *, is_own: bool) -> None:
        """*is_own*: this is the catalog that made the copy, so a key beyond all that are here is new."""
        self._arriving = arriving
        self._vault_id = vault_id
        self._is_own = is_own
        self._file: tuple[int, int] | None = None
        self._is_new = False
        self._wanted: int | None = None
        self._current: int | None = None
        self._taken: dict[int, int] = {}
        self._highest = 0
        self._version = (0, 0)
        self._size = 0
        self._ordinal = -1

    def file(self, said: Fields) -> None:
        """A file: the one of the same name in the same folder, else a new one."""
        self.end_file()
        here, source = self._arriving, said.key("id")
        folder_id, _ = here.known("folder", said.key("folder"))
        is_top = here.one("SELECT parent_id IS NULL FROM folders WHERE id = ?", folder_id)[0]
        name = b"" if is_top and said.name("name") == b"" else said.component("name")
        known = here.one("SELECT id FROM files WHERE folder_id = ? AND name = ?", folder_id, name)
        self._is_new = known is None
        if known is None:
            known = (here.key("files", source),)
            row = (known[0], folder_id, name, searchable(name))
            here.do("INSERT INTO files (id, folder_id, name, text) VALUES (?, ?, ?, ?)", *row)
            self._highest = 0
        else:
            there = here.one("SELECT coalesce(max(id), 0) FROM versions WHERE file_id = ?", known[0])
            self._highest = there[0]
        self._file = (source, int(known[0]))
        self._wanted, self._current = said.maybe_key("current"), None

    def end_file(self) -> None:
        """The versions of a file are all there. Raises BadCopy if the current one was not among them."""
        if self._file is None:
            return
        if self._wanted is not None and self._current is None:
            raise BadCopy("a file's current version is not among its versions")
        self._set_current(self._file[1])
        self._file, self._taken, self._version = None, {}, (0, 0)

    def _set_current(self, file_id: int) -> None:
        """The copy decides, unless what is current here is of other vaults only and comes later."""
        here, ours = self._arriving, self._current
        there = here.one("SELECT current_version FROM files WHERE id = ?", file_id)[0]
        if there == ours:
            return
        others = there is not None and here.one(_OURS, there, self._vault_id, self._vault_id) is None
        if others and (ours is None or here.one(_LATER, there, ours) is not None):
            return
        here.do("UPDATE files SET current_version = ? WHERE id = ?", ours, file_id)

    def version(self, said: Fields) -> None:
        """A version of the file before it: the one that says the same, else a new one."""
        source = said.key("id")
        if self._file is None or said.number("file") != self._file[0]:
            raise BadCopy("a version does not follow its file")
        facts, told = _facts(said), self._told(said)
        key = self._find(source, facts, told)
        if key is None:
            key = self._insert(source, facts, told)
        else:
            self._update(key, told)
        self._take(key, source)
        self._highest = max(self._highest, key)
        self._version, self._size, self._ordinal = (source, key), facts["size"], -1
        if source == self._wanted:
            self._current = key

    def _find(self, source: int, facts: dict[str, Any], told: dict[str, Any]) -> int | None:
        """The version here that says the same and was not taken for another one; none if the file is new.

        In the catalog that made the copy a key says who it is. Elsewhere what is gone or retired stays so: it is not
        what the copy still has.
        """
        beyond = self._is_own and source >= self._arriving.following("versions")
        if self._is_new or beyond or self._file is None:
            return None
        same = "file_id = ? AND " + " AND ".join(f"{name} IS ?" for name in facts)
        values = (self._file[1], *facts.values())
        own = self._arriving.one(f"SELECT id FROM versions WHERE id = ? AND {same}", source, *values)  # noqa: S608
        if self._is_own and own is not None:
            return source
        same += " AND (gone_at IS NULL OR gone_at IS ?) AND (retired_at IS NULL OR retired_at IS ?)"
        values += (told["gone_at"], told["retired_at"])
        rows = self._arriving.cursor.execute(
            f"SELECT id FROM versions WHERE {same} ORDER BY id <> ?",  # noqa: S608
            (*values, source),
        )
        return next((key for (key,) in rows if self._taken.get(key, source) == source), None)

    def _take(self, key: int, source: int) -> None:
        if not self._is_new:
            self._taken[key] = source
        if len(self._taken) > _MOST_VERSIONS:
            raise BadCopy(f"a file has more than {_MOST_VERSIONS} versions")

    def _insert(self, source: int, facts: dict[str, Any], told: dict[str, Any]) -> int:
        assert self._file is not None
        key = self._arriving.key("versions", source, above=self._highest)
        row = {"id": key, "file_id": self._file[1]} | facts | told
        marks = ", ".join("?" * len(row))
        names = ", ".join(row)
        self._arriving.do(f"INSERT INTO versions ({names}) VALUES ({marks})", *row.values())  # noqa: S608
        return key

    def _update(self, key: int, told: dict[str, Any]) -> None:
        """What the copy does not know stays; its extents in this vault are told anew."""
        rules = {"adopted": "min(adopted, ?)", "inode": "?"}
        new = ", ".join(f"{name} = {rules.get(name, f'coalesce(?, {name})')}" for name in told)
        self._arriving.do(f"UPDATE versions SET {new} WHERE id = ?", *told.values(), key)  # noqa: S608
        self._arriving.do("DELETE FROM extents WHERE version_id = ? AND vault_id = ?", key, self._vault_id)

    def _told(self, said: Fields) -> dict[str, Any]:
        """What may be learned of a version later."""
        return {
            "inode": said.number("inode", -(1 << 63)),
            "md5": said.maybe_digest("md5", 16),
            "sha256": said.maybe_digest("sha256", 32),
            "first_run": self._run(said, "first_run"),
            "absent_run": self._run(said, "absent_run"),
            "gone_at": said.maybe_moment("gone_at"),
            "retired_at": said.maybe_moment("retired_at"),
            "adopted": said.flag("adopted"),
        }

    def _run(self, said: Fields, key: str) -> int | None:
        source = said.maybe_key(key)
        return None if source is None else self._arriving.known("run", source)[0]

    def extent(self, said: Fields) -> None:
        """An extent of the version before it, in order of ordinals."""
        if said.number("version") != self._version[0]:
            raise BadCopy("an extent does not follow its version")
        ordinal = said.number("ordinal", self._ordinal + 1, _MOST_EXTENTS)
        segment_id, plain = self._arriving.known("segment", said.key("segment"))
        offset, length = said.number("offset"), said.number("length")
        if offset + length > plain:
            raise BadCopy("an extent lies outside its segment")
        version_offset = said.number("version_offset")
        if version_offset + length > self._size:
            raise BadCopy("an extent lies outside its version")
        where = (segment_id, offset, length, version_offset)
        row = (self._version[1], self._vault_id, ordinal, *where)
        self._arriving.do(
            'INSERT INTO extents (version_id, vault_id, ordinal, segment_id, "offset", length, version_offset)'
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            *row,
        )
        self._ordinal = ordinal


def _facts(said: Fields) -> dict[str, Any]:
    """What makes a version another one."""
    kind = KIND_WORDS.get(said.text("kind", 16))
    if kind is None:
        raise BadCopy("a version is of no kind")
    target = said.name("target") if said.has("target") or said.has("target_b64") else None
    if target is not None and kind not in (FileKind.SYMLINK, FileKind.HARDLINK):
        raise BadCopy("something that is no link has a target")
    if kind is FileKind.HARDLINK and target is not None and (trouble := trouble_with(target)):
        raise BadCopy(f"a hard link's target is no path: {trouble}")
    return {
        "kind": int(kind),
        "size": said.number("size", 0, LARGEST),
        "mtime_ns": said.number("mtime_ns", -(1 << 63)),
        "mode": said.number("mode", 0, 0o7777),
        "target": target,
        "tree_hash": said.maybe_digest("tree_hash", 32),
        "first_seen": said.moment("first_seen"),
    }
