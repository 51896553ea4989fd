"""The service's tree hash: SHA-256 over leaves of 1 MiB, paired upwards, an odd one promoted unchanged.

Source: developer guide, "Computing checksums".
"""

import hashlib
from collections.abc import Iterable, Sequence

from glacierkeep.domain.limits import LEAF

EMPTY = hashlib.sha256(b"").digest()


def leaves_of(data: bytes | bytearray | memoryview) -> list[bytes]:
    """The SHA-256 digests of the leaves of *data*, whose start must be a leaf's start."""
    view = memoryview(data)
    return [hashlib.sha256(view[at : at + LEAF]).digest() for at in range(0, len(view), LEAF)]


def combine(digests: Iterable[bytes]) -> bytes:
    """The root over *digests*, which are leaves or the tree hashes of equal parts of 2^n leaves.

    No digest at all gives the tree hash of nothing.
    """
    level: Sequence[bytes] = list(digests)
    if not level:
        return EMPTY
    while len(level) > 1:
        level = [_pair(level[at : at + 2]) for at in range(0, len(level), 2)]
    return level[0]


def _pair(digests: Sequence[bytes]) -> bytes:
    return digests[0] if len(digests) == 1 else hashlib.sha256(digests[0] + digests[1]).digest()


def tree_hash(data: bytes | bytearray | memoryview) -> bytes:
    """The tree hash of *data*: 32 bytes."""
    return combine(leaves_of(data))


class TreeHasher:
    """A tree hash fed piece by piece, in pieces of any size.

    Memory grows by the logarithm of the size: finished subtrees are combined at once.
    """

    def __init__(self) -> None:
        self._subtrees: list[tuple[int, bytes]] = []
        self._leaf = hashlib.sha256()
        self._filled = 0

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Feed *data*."""
        view = memoryview(data)
        while view:
            piece = view[: LEAF - self._filled]
            self._leaf.update(piece)
            self._filled += len(piece)
            view = view[len(piece) :]
            if self._filled == LEAF:
                self._close_leaf()

    def add_leaves(self, leaves: Iterable[bytes]) -> None:
        """Feed the digests of whole leaves; what came before must end at a leaf's end."""
        if self._filled:
            raise ValueError("a leaf is unfinished")
        for leaf in leaves:
            self._push(leaf)

    def digest(self) -> bytes:
        """The tree hash of all that was fed; more may be fed afterwards."""
        subtrees = [digest for _, digest in self._subtrees]
        if self._filled or not subtrees:
            subtrees.append(self._leaf.digest())
        root = subtrees.pop()
        while subtrees:
            root = hashlib.sha256(subtrees.pop() + root).digest()
        return root

    def _close_leaf(self) -> None:
        self._push(self._leaf.digest())
        self._leaf = hashlib.sha256()
        self._filled = 0

    def _push(self, digest: bytes) -> None:
        height = 0
        while self._subtrees and self._subtrees[-1][0] == height:
            digest = hashlib.sha256(self._subtrees.pop()[1] + digest).digest()
            height += 1
        self._subtrees.append((height, digest))
