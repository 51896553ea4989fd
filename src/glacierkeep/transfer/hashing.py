"""Hashing a part while it is read: MD5 of the whole, linear SHA-256 of the part and its leaves, side by side."""

import hashlib
import threading
from collections.abc import Callable

from glacierkeep.domain.cutting import pieces
from glacierkeep.domain.limits import BLOCK, LEAF
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.treehash import combine, leaves_of
from glacierkeep.transfer.crew import Crew, Strand, Task
from glacierkeep.transfer.parts import Digests, PartSource


class Md5:
    """The MD5 of a whole archive, fed in order by the hashing threads."""

    def __init__(self, crew: Crew) -> None:
        self.strand = crew.strand(first=True)
        self._md5 = hashlib.md5(usedforsecurity=False)

    def update(self, block: memoryview) -> None:
        """The next bytes."""
        self._md5.update(block)

    def digest(self) -> bytes:
        """Of all blocks that were fed, once none is waiting."""
        return self._md5.digest()


class PartHashing:
    """One part of *length* bytes. *released* is given each block that is hashed, *done* of the digests
    once all are; *failed* of what went wrong, before.

    Up to one leaf the tree hash is the SHA-256: such a part is hashed once.
    """

    def __init__(
        self,
        crew: Crew,
        whole: Md5,
        length: int,
        *,
        released: Callable[[memoryview], None],
        done: Callable[[Digests], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        blocks = -(-length // BLOCK)
        self._crew, self._whole = crew, whole
        self._released, self._done, self._failed = released, done, failed
        self._linear = hashlib.sha256()
        self._strand: Strand | None = crew.strand() if length > LEAF else None
        self._leaves: list[list[bytes]] = [[]] * blocks
        self._left = Countdown(blocks, self._finish)

    def feed(self, index: int, block: memoryview) -> None:
        """Have the block *index* hashed; blocks are fed in order."""
        tasks = self._tasks(index, block)
        left = Countdown(1 + len(tasks), lambda: self._release(block))
        self._whole.strand.hash(self._task(lambda: self._whole.update(block), left))
        for where, work in tasks:
            where(self._task(work, left))

    def _tasks(self, index: int, block: memoryview) -> list[tuple[Callable[[Task], None], Task]]:
        """Both SHA-256 passes and where to do them: side by side where there are processors for it; else together, leaf
        by leaf, so that the second pass finds the bytes in the processor's cache."""
        if self._strand is None:
            return [(self._crew.hash, lambda: self._hash_leaves(index, block))]
        if self._crew.hashers <= 2:
            return [(self._strand.hash, lambda: self._hash_both(index, block))]
        return [
            (self._strand.hash, lambda: self._linear.update(block)),
            (self._crew.hash, lambda: self._hash_leaves(index, block)),
        ]

    def _task(self, work: Task, left: "Countdown") -> Task:
        def task() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - whoever reads is told, else it would wait for ever
                self._failed(error)
            finally:
                left.one()

        return task

    def _hash_leaves(self, index: int, block: memoryview) -> None:
        self._leaves[index] = leaves_of(block)

    def _hash_both(self, index: int, block: memoryview) -> None:
        leaves = []
        for at in range(0, len(block), LEAF):
            leaf = block[at : at + LEAF]
            self._linear.update(leaf)
            leaves.append(hashlib.sha256(leaf).digest())
        self._leaves[index] = leaves

    def _release(self, block: memoryview) -> None:
        self._released(block)
        self._left.one()

    def _finish(self) -> None:
        leaves = [leaf for block in self._leaves for leaf in block]
        tree_hash = combine(leaves)
        self._done(Digests(self._linear.digest() if self._strand else tree_hash, tree_hash))


class Countdown:
    """Does *then*, in the thread that comes last, once it was told *count* times."""

    def __init__(self, count: int, then: Task) -> None:
        self._count, self._then = count, then
        self._lock = threading.Lock()

    def one(self) -> None:
        """One more is done."""
        with self._lock:
            self._count -= 1
            last = self._count == 0
        if last:
            self._then()


def sha256_of(source: PartSource, part: ByteRange, buffer: bytearray) -> bytes:
    """The linear SHA-256 of the part as it is now, read through *buffer*."""
    linear = hashlib.sha256()
    for block in pieces(part, len(buffer)):
        view = memoryview(buffer)[: block.length]
        source.read_into(block.start, view)
        linear.update(view)
    return linear.digest()
