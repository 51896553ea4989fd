"""Ranges of bytes: how an archive is cut for sending, and what part of it is asked back."""

from collections.abc import Iterable
from dataclasses import dataclass

from glacierkeep.domain.limits import (
    BLOCK,
    DEFAULT_PART_SIZE,
    LEAF,
    MAX_ARCHIVE,
    MAX_PART_SIZE,
    MAX_PARTS,
    MIB,
    MIN_PART_SIZE,
    SINGLE_REQUEST_LIMIT,
)


@dataclass(frozen=True, slots=True, order=True)
class ByteRange:
    """Bytes from *start* up to, not including, *stop*."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start

    def holds(self, other: "ByteRange") -> bool:
        return self.start <= other.start and other.stop <= self.stop


def is_part_size(size: int) -> bool:
    """Whether *size* is 1 MiB times a power of two, at most 4 GiB."""
    return MIN_PART_SIZE <= size <= MAX_PART_SIZE and size & (size - 1) == 0


def choose_part_size(size: int, wanted: int = DEFAULT_PART_SIZE) -> int:
    """The smallest allowed part size from *wanted* up with which *size* bytes fit into 10,000 parts.

    Raises ValueError for a size no archive can have, or a *wanted* that is no part size.
    """
    if not 0 < size <= MAX_ARCHIVE:
        raise ValueError(f"an archive has 1 to {MAX_ARCHIVE} bytes, not {size}")
    if not is_part_size(wanted):
        raise ValueError(f"a part size is 1 MiB times a power of two, at most 4 GiB, not {wanted}")
    while wanted * MAX_PARTS < size:
        wanted *= 2
    return wanted


def split(size: int, part_size: int) -> list[ByteRange]:
    """*size* bytes as consecutive ranges of *part_size*, the last one what is left."""
    return [ByteRange(at, min(at + part_size, size)) for at in range(0, size, part_size)]


def request_count(size: int, part_size: int) -> int:
    """How many requests it takes to send an archive of *size* bytes by multipart or, if small, at once."""
    return 1 if size <= SINGLE_REQUEST_LIMIT else 2 + -(-size // part_size)


def held_bound(jobs: int) -> int:
    """How many bytes of archives sending holds in memory at most, however big files and parts are.

    These are blocks that are read ahead, hashed or sent, one more than *jobs*, and a MiB for each job that sends.
    """
    return (jobs + 1) * BLOCK + jobs * MIB


def align(wanted: ByteRange, size: int) -> ByteRange:
    """The smallest range that holds *wanted* and that the service retrieves from an archive of *size* bytes.

    It starts at a multiple of 1 MiB and ends at one, or at the archive's end (InitiateJob,
    RetrievalByteRange).
    """
    stop = -(-max(wanted.stop, wanted.start + 1) // LEAF) * LEAF
    return ByteRange(wanted.start // LEAF * LEAF, min(stop, size))


def cover(wanted: Iterable[ByteRange], size: int, gap: int) -> list[ByteRange]:
    """Aligned ranges that hold all of *wanted*, joined where less than *gap* bytes lie between them."""
    joined: list[ByteRange] = []
    for one in sorted(align(each, size) for each in wanted):
        if joined and one.start - joined[-1].stop < max(gap, 1):
            joined[-1] = ByteRange(joined[-1].start, max(joined[-1].stop, one.stop))
        else:
            joined.append(one)
    return joined


def widen(wanted: ByteRange, size: int) -> ByteRange:
    """*wanted*, or the smallest subtree of the tree hash that holds it, where that is at most an eighth more.

    Of such a range the service tells its own tree hash (developer guide, "Receiving checksums when downloading data").
    """
    first, last, total = wanted.start // LEAF, -(-wanted.stop // LEAF), -(-size // LEAF)
    step = 1
    while first // step * step + step < last:
        step *= 2
    start = first // step * step
    subtree = ByteRange(start * LEAF, min(min(start + step, total) * LEAF, size))
    return subtree if subtree.length * 8 <= wanted.length * 9 else wanted


def is_tree_hash_aligned(wanted: ByteRange, size: int) -> bool:
    """Whether *wanted* is a whole subtree of the tree hash of *size* bytes.

    In leaves, [A, B) of N is a subtree iff for some k A is a multiple of 2^k and B = min(A + 2^k, N).
    """
    if wanted.start % LEAF or not 0 <= wanted.start < wanted.stop <= size:
        return False
    if wanted.stop % LEAF and wanted.stop != size:
        return False
    first, last, total = wanted.start // LEAF, -(-wanted.stop // LEAF), -(-size // LEAF)
    step = 1
    while first % step == 0:
        if last == min(first + step, total):
            return True
        if first + step >= total:
            return False
        step *= 2
    return False
