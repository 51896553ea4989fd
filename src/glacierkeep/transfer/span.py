"""One range of a download on its way."""

from glacierkeep.domain.limits import LEAF
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.treehash import combine
from glacierkeep.errors import BytesMismatch
from glacierkeep.transfer.journal import Claim


class Span:
    """The range *whole*, which begins at a multiple of 1 MiB and of which the bytes up to *at* are there. For one
    thread at a time."""

    def __init__(self, whole: ByteRange, claim: Claim | None = None) -> None:
        self.whole = whole
        self.at = whole.start
        self.claim = claim if claim is not None and _begins(whole, claim.range) else None
        """What an earlier run wrote down of it, not looked at yet."""
        self.doubted = False
        """Whether it had another hash than the service's once."""
        self._leaves: list[bytes] = []
        self._told: list[tuple[ByteRange, bytes]] = []

    @property
    def rest(self) -> ByteRange:
        """What is missing."""
        return ByteRange(self.at, self.whole.stop)

    @property
    def arrived(self) -> Claim:
        """What is there."""
        return Claim(ByteRange(self.whole.start, self.at), combine(self._leaves))

    def grow(self, leaf: bytes, length: int) -> None:
        """The next *length* bytes are there, whose SHA-256 is *leaf*: 1 MiB, fewer only at the end."""
        self._leaves.append(leaf)
        self.at += length

    def believe(self, given: ByteRange, tree_hash: bytes) -> None:
        """The service says that the bytes *given* have that tree hash."""
        self._told.append((given, tree_hash))

    def check(self) -> None:
        """Raises BytesMismatch if the bytes are not what the service told."""
        for given, expected in self._told:
            first, last = (-(-(at - self.whole.start) // LEAF) for at in (given.start, given.stop))
            found = combine(self._leaves[first:last])
            if found != expected:
                what = f"received bytes {given.start} to {given.stop}"
                raise BytesMismatch(what, expected=expected, found=found, hint="run the same command again")

    def forget(self) -> None:
        """Nothing is there."""
        self.at = self.whole.start
        self._leaves, self._told = [], []


def _begins(whole: ByteRange, part: ByteRange) -> bool:
    """Whether *part* is the beginning of *whole*, up to a leaf's end."""
    at_leaf = part.stop == whole.stop or (part.stop - whole.start) % LEAF == 0
    return part.start == whole.start and part.stop <= whole.stop and at_leaf
