"""Archives and segments of a copy, as they are recorded here."""

from typing import Any

from glacierkeep.catalog.arriving import Arriving
from glacierkeep.domain.copied import LARGEST, BadCopy, Fields
from glacierkeep.domain.description import ArchiveKind
from glacierkeep.domain.records import ArchiveState
from glacierkeep.domain.segments import Codec, SealKind
from glacierkeep.domain.token import is_token

_FOREIGN = "foreign"
_LONGEST_ID = 2200
_MOST_SEGMENTS = 1 << 32
_FACTS = "stored_offset, stored_length, plain_length, codec, seal, hash"

_OVERLAP = """
    SELECT 1 FROM (
        SELECT stored_offset - lag(stored_offset + stored_length, 1, 0)
               OVER (PARTITION BY archive_key ORDER BY idx) AS gap
        FROM temp.arriving JOIN segments ON archive_key = target WHERE kind = 5
    ) WHERE gap < 0 LIMIT 1
"""


class Archives:
    """Takes in lines of archives, each followed by lines of its segments."""

    def __init__(self, arriving: Arriving, vault_id: int) -> None:
        self._arriving = arriving
        self._vault_id = vault_id
        self._source = 0
        self._key = 0
        self._size = 0
        self._idx = -1

    def archive(self, said: Fields) -> None:
        """An archive: the one of that id in the vault, else a new one."""
        here, source = self._arriving, said.key("id")
        archive_id, size = said.text("archive_id", _LONGEST_ID), said.number("size", 0, LARGEST)
        if not archive_id:
            raise BadCopy("an archive has no id")
        fixed = (size, said.digest("tree_hash", 32))
        told = _told(said)
        known = here.one(
            "SELECT id, size, tree_hash, state, kind FROM archives WHERE vault_id = ? AND archive_id = ?",
            self._vault_id, archive_id,
        )  # fmt: skip
        if known is not None and known[1:3] != fixed:
            raise BadCopy(f"the archive {source} has another size or tree hash than is recorded here")
        key = self._insert(source, archive_id, fixed, told) if known is None else self._update(known, told)
        here.note("archive", source, key)
        self._source, self._key, self._size, self._idx = source, key, size, -1

    def _insert(self, source: int, archive_id: str, fixed: tuple[int, bytes], told: dict[str, Any]) -> int:
        key = self._arriving.key("archives", source)
        own = {"id": key, "vault_id": self._vault_id, "archive_id": archive_id}
        row = own | {"size": fixed[0], "tree_hash": fixed[1]} | told
        marks = ", ".join("?" * len(row))
        names = ", ".join(row)
        self._arriving.do(f"INSERT INTO archives ({names}) VALUES ({marks})", *row.values())  # noqa: S608
        return key

    def _update(self, known: Any, told: dict[str, Any]) -> int:
        """Take over what the copy says; a deletion that was begun here stays, as does what is known only here."""
        key, _, _, state, kind = known
        if kind == ArchiveKind.CATALOG:
            raise BadCopy("it tells of a catalog archive")
        if state in (ArchiveState.DELETING, ArchiveState.DELETED):
            told = told | {"state": state}
        kept = ("token", "md5", "part_size", "rehashed_at", "retrieved_at")
        new = ", ".join(f"{name} = coalesce(?, {name})" if name in kept else f"{name} = ?" for name in told)
        self._arriving.do(f"UPDATE archives SET {new} WHERE id = ?", *told.values(), key)  # noqa: S608
        return int(key)

    def segment(self, said: Fields) -> None:
        """A segment of the archive before it, in order of index."""
        here, source = self._arriving, said.key("id")
        if said.number("archive") != self._source:
            raise BadCopy("a segment does not follow its archive")
        idx = said.number("idx", self._idx + 1, _MOST_SEGMENTS)
        offset, stored = said.number("stored_offset"), said.number("stored_length")
        plain = said.number("plain_length", 0, LARGEST)
        if offset + stored > self._size:
            raise BadCopy("a segment lies outside its archive")
        codec, seal = said.word("codec", Codec), said.word("seal", SealKind)
        facts = (offset, stored, plain, str(codec), str(seal), said.maybe_digest("hash", 32))
        here.note("segment", source, self._segment(source, idx, facts), plain)
        self._idx = idx

    def _segment(self, source: int, idx: int, facts: tuple[Any, ...]) -> int:
        here = self._arriving
        recorded = f"SELECT id, {_FACTS} FROM segments WHERE archive_key = ? AND idx = ?"  # noqa: S608
        known = here.one(recorded, self._key, idx)
        if known is None:
            key = here.key("segments", source)
            here.do(
                f"INSERT INTO segments (id, archive_key, idx, {_FACTS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                key, self._key, idx, *facts,
            )  # fmt: skip
            return key
        if known[1:] != facts:
            self._replace_adopted(known[0], facts)
        return int(known[0])

    def _replace_adopted(self, key: int, facts: tuple[Any, ...]) -> None:
        """Nobody had read the archive here and it was taken for one piece: the copy knows better."""
        here = self._arriving
        real = "SELECT 1 FROM extents JOIN versions ON id = version_id WHERE segment_id = ? AND adopted = 0"
        if here.one(real, key) is not None:
            raise BadCopy("a segment is not what is recorded here")
        lying = "(SELECT version_id FROM extents WHERE segment_id = ?)"
        here.do(f"UPDATE files SET current_version = NULL WHERE current_version IN {lying}", key)  # noqa: S608
        when = "(SELECT acknowledged_at FROM archives WHERE id = ?)"
        retired = f"UPDATE versions SET retired_at = coalesce(retired_at, {when}) WHERE id IN {lying}"  # noqa: S608
        here.do(retired, self._key, key)
        here.do("DELETE FROM extents WHERE segment_id = ?", key)
        new = ", ".join(f"{name} = ?" for name in _FACTS.split(", "))
        here.do(f"UPDATE segments SET {new} WHERE id = ?", *facts, key)  # noqa: S608

    def check(self) -> None:
        """At the end: no two segments of an archive overlap. Raises BadCopy."""
        if self._arriving.one(_OVERLAP) is not None:
            raise BadCopy("segments of an archive overlap")


def _told(said: Fields) -> dict[str, Any]:
    """What the copy says of an archive that may change."""
    kind = said.text("kind", 16)
    if kind == ArchiveKind.CATALOG or kind not in (_FOREIGN, *ArchiveKind):
        raise BadCopy(f"an archive is of the kind {kind}")
    token = said.text("token", 26) if said.has("token") else None
    if token is not None and not is_token(token):
        raise BadCopy("an archive's token is none")
    return {
        "token": token,
        "kind": kind,
        "state": str(said.word("state", ArchiveState)),
        "md5": said.maybe_digest("md5", 16),
        "description": said.text("description", 4096),
        "created_at": said.moment("created_at"),
        "part_size": said.maybe("part_size", 0, LARGEST),
        "acknowledged_at": said.moment("acknowledged_at"),
        "rehashed_at": said.maybe_moment("rehashed_at"),
        "retrieved_at": said.maybe_moment("retrieved_at"),
        "absent_since": said.maybe_moment("absent_since"),
    }
