"""The tree hash, written for the service's side alone: AWS developer guide, "Computing Checksums"."""

from hashlib import sha256

MIB = 1024 * 1024
DIGEST_SIZE = 32


class UploadHashes:
    """The linear SHA-256 of a stream of *expected* bytes and the SHA-256 of each MiB of it, from one reading.

    Up to 1 MiB the two are the same, so that only one is computed.
    """

    __slots__ = ("_expected", "_leaf", "_leaves", "_linear", "_size")

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self._linear = sha256()
        self._leaf = sha256() if expected > MIB else self._linear
        self._leaves: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes | memoryview) -> None:
        """Take the next bytes, none beyond what is expected."""
        rest = memoryview(piece)
        while rest:
            room = MIB - self._size % MIB
            self._add_within_leaf(rest[:room])
            rest = rest[room:]

    def _add_within_leaf(self, piece: memoryview) -> None:
        self._linear.update(piece)
        if self._leaf is not self._linear:
            self._leaf.update(piece)
        self._size += len(piece)
        if self._size % MIB == 0 or self._size == self._expected:
            self._leaves.append(self._leaf.digest())
            self._leaf = sha256()

    @property
    def size(self) -> int:
        """Bytes taken so far."""
        return self._size

    @property
    def linear(self) -> str:
        """SHA-256 of everything, lower-case hex."""
        return self._linear.hexdigest()

    @property
    def leaves(self) -> bytes:
        """The leaves' digests, 32 bytes each, in order."""
        return b"".join(self._leaves)

    @property
    def tree(self) -> str:
        """The tree hash of everything, lower-case hex."""
        return tree_root(self.leaves).hex()


def tree_root(digests: bytes) -> bytes:
    """The root over neighbouring *digests* (32 bytes each): pairs are hashed, an odd one goes up as it is.

    No digest at all gives the SHA-256 of nothing.
    """
    if not digests:
        return sha256().digest()
    pair = 2 * DIGEST_SIZE
    while len(digests) > DIGEST_SIZE:
        rows = (digests[at : at + pair] for at in range(0, len(digests), pair))
        digests = b"".join(sha256(row).digest() if len(row) == pair else row for row in rows)
    return digests


def leaf_count(size: int) -> int:
    """How many leaves *size* bytes have."""
    return -(-size // MIB)


def is_tree_hash_aligned(start: int, stop: int, size: int) -> bool:
    """Whether bytes [*start*, *stop*) of an archive of *size* bytes are a whole subtree of its tree.

    In leaves, with N of them: [A, B) is one if some k has A % 2**k == 0 and B == min(A + 2**k, N).
    """
    if start % MIB or not start < stop <= size or (stop % MIB and stop != size):
        return False
    first, end, total = start // MIB, leaf_count(stop), leaf_count(size)
    width = 1
    while first % width == 0:
        if min(first + width, total) == end:
            return True
        if first + width >= total:
            return False
        width *= 2
    return False
