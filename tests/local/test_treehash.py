"""The service's own tree hash, against vectors, botocore and a slow definition."""

from hashlib import sha256
from io import BytesIO

import pytest
from botocore.utils import calculate_tree_hash
from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.local.store.treehash import MIB, UploadHashes, is_tree_hash_aligned, tree_root
from glacierkeep.local.wire.messages import Readable

VECTORS = {
    MIB: "9bc1b2a288b26af7257a36277ae3816a7d4f16e89c1e7e77d0a5c48bad62b360",
    MIB + 1: "8dd49bbc6297567fac3852c2deddcdbc57358bc403c10d4f6dc64b143ad9b27b",
    2 * MIB: "560c2c9333c719cb00cfdffee3ba293db17f58743cdd1f7e4055373ae6300afa",
    3 * MIB: "70239f4f2ead7561f69d48b956b547edef52a1280a93c262c0b582190be7db17",
    13 * MIB // 2: "0dae0a3f606e3eae41361ffc1dc3e1c5311ae06f9c14299ca46052f89947f412",
}


def hashes_of(body: Readable, size: int) -> UploadHashes:
    hashes = UploadHashes(size)
    while left := size - hashes.size:
        hashes.add(body.read(min(left, 700_001)) or b"")
    return hashes


@pytest.mark.parametrize("size", VECTORS)
def test_vector(size: int) -> None:
    """Known contents have the known tree hash, and their linear SHA-256 beside it."""
    content = b"a" * size
    hashes = hashes_of(BytesIO(content), size)
    assert (hashes.tree, hashes.linear) == (VECTORS[size], sha256(content).hexdigest())


def test_nothing_has_the_hash_of_nothing() -> None:
    """No leaf at all is the SHA-256 of the empty string."""
    assert UploadHashes(0).tree == sha256(b"").hexdigest()


@given(st.integers(1, 6 * MIB), st.binary(min_size=1, max_size=50))
def test_agrees_with_botocore(size: int, seed: bytes) -> None:
    """Whatever the content, botocore computes the same tree hash."""
    content = (seed * (size // len(seed) + 1))[:size]
    assert hashes_of(BytesIO(content), size).tree == calculate_tree_hash(BytesIO(content))


def subtrees(total: int) -> set[tuple[int, int]]:
    """Leaf ranges of all nodes of a tree of *total* leaves, built as the developer guide says."""
    row = [(at, at + 1) for at in range(total)]
    nodes = set(row)
    while len(row) > 1:
        pairs = [row[at : at + 2] for at in range(0, len(row), 2)]
        row = [(pair[0][0], pair[-1][1]) for pair in pairs]
        nodes |= set(row)
    return nodes


@given(st.integers(1, 40), st.integers(1, MIB))
def test_aligned_ranges_are_the_nodes_of_the_tree(total: int, last: int) -> None:
    """A range of leaves is aligned exactly when it is a node of the tree."""
    size = (total - 1) * MIB + last
    nodes = subtrees(total)
    for first in range(total):
        for end in range(first + 1, total + 1):
            stop = min(end * MIB, size)
            assert is_tree_hash_aligned(first * MIB, stop, size) == ((first, end) in nodes)


@pytest.mark.parametrize(
    ("start", "stop"), [(1, MIB), (0, MIB - 1), (MIB, MIB), (0, 4 * MIB), (0, 2 * MIB + 1), (2 * MIB, MIB)]
)
def test_bytes_between_leaves_are_never_aligned(start: int, stop: int) -> None:
    """A range that does not begin and end with leaves of the archive is not aligned."""
    assert not is_tree_hash_aligned(start, stop, 3 * MIB)


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70), st.integers(0, 4))
def test_roots_of_groups_make_the_same_root(leaves: list[bytes], level: int) -> None:
    """Combining the roots of groups of 2**n leaves gives the root over all leaves."""
    width = 2**level * 32
    joined = b"".join(leaves)
    groups = [tree_root(joined[at : at + width]) for at in range(0, len(joined), width)]
    assert tree_root(b"".join(groups)) == tree_root(joined)
