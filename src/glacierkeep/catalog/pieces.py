"""Where the pieces of archives lie: the keys of their segments, looked up once and checked."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from glacierkeep.catalog.schema import archives, segments
from glacierkeep.catalog.values import ArchiveGone
from glacierkeep.domain.records import ArchiveState, NewVersion, Piece

Lying = tuple[int, int, int, int]
"""A segment's key, offset and length in its plain content, and the offset in the version: an extent's last columns."""


class Pieces:
    """The pieces of one recording, in one vault; those that name no archive lie in *archive_key*."""

    def __init__(self, connection: Connection, vault_id: int, archive_key: int | None) -> None:
        self._connection = connection
        self._vault_id = vault_id
        self._archive_key = archive_key or 0
        self._loaded: set[int] = set()
        self._segments: dict[tuple[int, int], tuple[int, int]] = {}

    def places(self, items: Sequence[NewVersion]) -> list[list[Lying]]:
        """Where the pieces of each of *items* lie.

        Raises ArchiveGone, or ValueError for an archive of another vault and for a piece outside its archive.
        """
        named = {piece.archive_key for item in items for piece in item.pieces}
        for key in sorted({self.archive_of(key) for key in named} - self._loaded):
            self._load(key)
        return [[self.place(piece) for piece in item.pieces] for item in items]

    def archive_of(self, named: int | None) -> int:
        """The archive that a piece means which names *named*."""
        return named or self._archive_key

    def place(self, piece: Piece) -> Lying:
        """Where *piece* lies, whose archive is known by now."""
        offset, length, version_offset, index, named = piece
        segment_id, plain = self._segments.get((named or self._archive_key, index), (0, -1))
        if offset < 0 or length < 0 or offset + length > plain:
            raise ValueError("a piece lies outside its archive")
        return segment_id, offset, length, version_offset

    def _load(self, key: int) -> None:
        found = select(archives.c.state, archives.c.vault_id).where(archives.c.id == key)
        row = self._connection.execute(found).first()
        if row is None or row.vault_id != self._vault_id:
            raise ValueError("pieces need an archive of this vault")
        if row.state != ArchiveState.PRESENT:
            raise ArchiveGone((key,))
        known = select(segments).where(segments.c.archive_key == key)
        self._segments |= {
            (key, row.idx): (row.id, row.plain_length) for row in self._connection.execute(known)
        }
        self._loaded.add(key)
