"""A part on its way, and what transfer needs of those who have bytes or take them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.treehash import combine, leaves_of


@dataclass(frozen=True, slots=True)
class Digests:
    """Of one part, raw: the SHA-256 of its bytes, and its tree hash."""

    sha256: bytes
    tree_hash: bytes


@dataclass(frozen=True, slots=True)
class PartBody:
    """One part: its bytes, or a way to open them for reading from their first byte on.

    *length* in bytes; *sha256* and *tree_hash* of exactly these bytes, raw digests.
    """

    content: bytes | Callable[[], BinaryIO]
    length: int
    sha256: bytes
    tree_hash: bytes


class PartSource(Protocol):
    """Something of *size* bytes that can be read at any place, from several threads at once."""

    @property
    def size(self) -> int: ...

    def read_into(self, start: int, buffer: memoryview) -> None:
        """Fill *buffer* with the bytes from *start* on. Raises SourceChanged if there are fewer."""

    def open_part(self, wanted: ByteRange) -> BinaryIO:
        """The bytes *wanted* as a file of their own: readable, seekable."""

    def let_go(self, part: ByteRange) -> None:
        """The bytes of *part* will not be read again soon."""

    def check(self) -> None:
        """Raises SourceChanged if it is not what it was when the reading was planned."""


class PartSink(Protocol):
    """Where parts go."""

    def send(self, start: int, body: PartBody) -> None:
        """Hand over the part that starts at byte *start*, until it is acknowledged. Called in parallel."""

    def sent(self, start: int, length: int, tree_hash: bytes) -> None:
        """The part was acknowledged: write it down. Called in parallel."""


def part_body(content: bytes) -> PartBody:
    """*content* with its hashes. Up to one leaf the tree hash is the SHA-256: it is hashed once."""
    leaves = leaves_of(content)
    sha256 = leaves[0] if len(leaves) == 1 else hashlib.sha256(content).digest()
    return PartBody(content, len(content), sha256, combine(leaves))
