"""The tree hash, against the service's published numbers, botocore's implementation and the definition."""

import hashlib
import io
import tracemalloc
from itertools import pairwise

import pytest
from botocore.utils import calculate_sha256, calculate_tree_hash
from hypothesis import example, given, settings
from hypothesis import strategies as st

from glacierkeep.domain.limits import LEAF
from glacierkeep.domain.treehash import EMPTY, TreeHasher, combine, leaves_of, tree_hash

DIGESTS = st.lists(st.binary(min_size=32, max_size=32), max_size=70)
SIZES = st.one_of(
    st.integers(0, 5 * LEAF),
    st.builds(lambda leaves, more: max(leaves * LEAF + more, 0), st.integers(0, 5), st.integers(-1, 1)),
)


def content(size: int) -> bytes:
    """Bytes that differ from leaf to leaf and are cheap to make."""
    return (b"".join(leaf.to_bytes(2) * (LEAF // 2) for leaf in range(size // LEAF + 1)))[:size]


def by_definition(digests: list[bytes]) -> bytes:
    """The root as the developer guide tells it: pair, hash, promote the odd one, until one is left."""
    if not digests:
        return EMPTY
    if len(digests) == 1:
        return digests[0]
    pairs = [b"".join(digests[at : at + 2]) for at in range(0, len(digests), 2)]
    return by_definition([pair if len(pair) == 32 else hashlib.sha256(pair).digest() for pair in pairs])


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (LEAF, "9bc1b2a288b26af7257a36277ae3816a7d4f16e89c1e7e77d0a5c48bad62b360"),
        (LEAF + 1, "8dd49bbc6297567fac3852c2deddcdbc57358bc403c10d4f6dc64b143ad9b27b"),
        (2 * LEAF, "560c2c9333c719cb00cfdffee3ba293db17f58743cdd1f7e4055373ae6300afa"),
        (3 * LEAF, "70239f4f2ead7561f69d48b956b547edef52a1280a93c262c0b582190be7db17"),
        (13 * LEAF // 2, "0dae0a3f606e3eae41361ffc1dc3e1c5311ae06f9c14299ca46052f89947f412"),
    ],
)
def test_known_vectors(size: int, expected: str) -> None:
    """So many letters a have the tree hash that is known for them."""
    assert tree_hash(b"a" * size).hex() == expected


@settings(max_examples=30)
@given(SIZES)
@example(0)
@example(LEAF)
@example(LEAF + 1)
def test_agrees_with_botocore(size: int) -> None:
    """Whatever the size, botocore computes the same tree hash."""
    data = content(size)

    assert tree_hash(data).hex() == calculate_tree_hash(io.BytesIO(data))


@given(st.binary(max_size=2000))
def test_small_content_is_linear(data: bytes) -> None:
    """Up to one leaf the tree hash is the SHA-256, as botocore computes it."""
    assert tree_hash(data).hex() == calculate_sha256(io.BytesIO(data), as_hex=True)


@settings(max_examples=30)
@given(SIZES, st.lists(st.integers(0, 5 * LEAF), max_size=6))
def test_hasher_does_not_mind_the_pieces(size: int, cuts: list[int]) -> None:
    """Content fed in pieces of any size has the tree hash of the whole."""
    data, hasher = memoryview(content(size)), TreeHasher()
    edges = [0, *sorted(min(cut, size) for cut in cuts), size]

    for start, stop in pairwise(edges):
        hasher.update(data[start:stop])

    assert hasher.digest() == tree_hash(data)


def test_hasher_may_be_asked_on_the_way() -> None:
    """A digest asked for halfway is that of what was fed, and the feeding goes on undisturbed."""
    data, hasher = content(3 * LEAF + 5), TreeHasher()

    for at in range(0, len(data), LEAF // 2):
        hasher.update(data[at : at + LEAF // 2])
        assert hasher.digest() == tree_hash(data[: at + LEAF // 2])


@given(DIGESTS)
def test_combine_follows_the_definition(digests: list[bytes]) -> None:
    """The root over any number of digests is the one the definition gives."""
    assert combine(iter(digests)) == by_definition(digests)


@given(DIGESTS)
def test_leaves_fed_as_digests(digests: list[bytes]) -> None:
    """A hasher fed with the digests of leaves agrees with combining them at once."""
    hasher = TreeHasher()

    hasher.add_leaves(digests)

    assert hasher.digest() == combine(digests)


@given(DIGESTS, st.integers(0, 6))
def test_parts_combine_to_the_whole(digests: list[bytes], power: int) -> None:
    """The roots of parts of 2^n leaves combine to the root of the whole."""
    step = 2**power
    parts = [combine(digests[at : at + step]) for at in range(0, len(digests), step)]

    assert combine(parts) == combine(digests)


@pytest.mark.parametrize("step", [3, 6])
def test_odd_parts_do_not_combine(step: int) -> None:
    """Parts that are not 2^n leaves give another root, which is why the service refuses them."""
    digests = [bytes([number]) * 32 for number in range(13)]
    parts = [combine(digests[at : at + step]) for at in range(0, len(digests), step)]

    assert combine(parts) != combine(digests)


def test_leaves_and_bytes_mix_at_leaf_ends() -> None:
    """Bytes, then digests of leaves, then bytes again give the tree hash of all of it."""
    data, hasher = content(4 * LEAF + 7), TreeHasher()

    hasher.update(data[:LEAF])
    hasher.add_leaves(leaves_of(data[LEAF : 4 * LEAF]))
    hasher.update(data[4 * LEAF :])

    assert hasher.digest() == tree_hash(data)


def test_leaves_are_refused_inside_a_leaf() -> None:
    """Digests of leaves cannot follow an unfinished leaf."""
    hasher = TreeHasher()
    hasher.update(b"a")

    with pytest.raises(ValueError, match="unfinished"):
        hasher.add_leaves([EMPTY])


def test_hasher_memory_grows_by_the_logarithm() -> None:
    """A hasher that is fed fifty thousand leaves holds a handful of digests, not all of them."""
    hasher = TreeHasher()
    tracemalloc.start()
    try:
        hasher.add_leaves(number.to_bytes(32) for number in range(50_000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 64 * 1024
