"""What is recorded of any content: its size, MD5 and tree hash."""

import hashlib
from typing import NamedTuple

from glacierkeep.domain.treehash import TreeHasher


class Hashes(NamedTuple):
    """Size in bytes, MD5 (16 bytes; None where nobody has read the content) and tree hash (32 bytes) of one content."""

    size: int
    md5: bytes | None
    tree_hash: bytes

    def agree_with(self, other: "Hashes") -> bool:
        """Whether both can be of the same content: what both know is equal."""
        same_md5 = self.md5 == other.md5 or None in (self.md5, other.md5)
        return same_md5 and (self.size, self.tree_hash) == (other.size, other.tree_hash)


class ContentHasher:
    """Hashes of content fed in order."""

    def __init__(self) -> None:
        self.size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._tree = TreeHasher()

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Feed *data*."""
        self.size += len(data)
        self._md5.update(data)
        self._tree.update(data)

    def result(self) -> Hashes:
        """The hashes of all that was fed."""
        return Hashes(self.size, self._md5.digest(), self._tree.digest())


def hash_content(data: bytes) -> Hashes:
    """The hashes of *data*."""
    hasher = ContentHasher()
    hasher.update(data)
    return hasher.result()
