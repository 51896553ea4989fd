"""Hashing a part that is too big to be held: three hashes side by side over one reading."""

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from glacierkeep.domain.limits import MIB
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.treehash import combine, leaves_of
from glacierkeep.transfer.parts import PartBody, PartSource

BLOCK = 4 * MIB
"""Read at once while hashing; two of them are held."""


class Hash(Protocol):
    """What hashlib makes."""

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class Lane:
    """A thread that feeds hashes in the order it is asked to."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1)

    def feed(self, one: Hash, data: bytes) -> "Future[None]":
        """Feed *data* to *one*, some time soon, after what was asked before."""
        return self._thread.submit(one.update, data)

    def close(self) -> None:
        """Return once all is fed."""
        self._thread.shutdown()


def hash_streamed(source: PartSource, part: ByteRange, whole: Hash, lanes: tuple[Lane, Lane]) -> PartBody:
    """The part's hashes; *whole* is fed with its bytes as well. The part is read again when it is sent."""
    linear, leaves = hashlib.sha256(), list[bytes]()
    fed: list[Future[None]] = []
    for start in range(part.start, part.stop, BLOCK):
        content = source.read_part(ByteRange(start, min(start + BLOCK, part.stop)))
        _settle(fed)
        fed = [lanes[0].feed(whole, content), lanes[1].feed(linear, content)]
        leaves += leaves_of(content)
    _settle(fed)
    return PartBody(lambda: source.open_part(part), part.length, linear.digest(), combine(leaves))


def sha256_of(source: PartSource, part: ByteRange) -> bytes:
    """The linear SHA-256 of the part as it is now."""
    linear = hashlib.sha256()
    for start in range(part.start, part.stop, BLOCK):
        linear.update(source.read_part(ByteRange(start, min(start + BLOCK, part.stop))))
    return linear.digest()


def _settle(fed: "list[Future[None]]") -> None:
    for each in fed:
        each.result()
