"""Ranges: cutting for sending, aligning for asking back, and what is a subtree."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glacierkeep.domain.limits import (
    GIB,
    LEAF,
    MAX_ARCHIVE,
    MAX_PART_SIZE,
    MAX_PARTS,
    MIB,
    SINGLE_REQUEST_LIMIT,
)
from glacierkeep.domain.parts import (
    ByteRange,
    align,
    choose_part_size,
    cover,
    held_bound,
    is_part_size,
    is_tree_hash_aligned,
    request_count,
    split,
)

PART_SIZES = st.integers(0, 12).map(lambda power: MIB << power)


@st.composite
def wishes(draw: st.DrawFn) -> tuple[int, list[ByteRange]]:
    """An archive's size and some ranges inside it, none empty."""
    size = draw(st.integers(1, 40 * LEAF))
    edges = st.integers(0, size)
    pairs = draw(st.lists(st.tuples(edges, edges).filter(lambda pair: pair[0] != pair[1]), max_size=8))
    return size, [ByteRange(min(pair), max(pair)) for pair in pairs]


def subtrees(leaves: int) -> set[tuple[int, int]]:
    """Every node of the tree over so many leaves, as the half-open range of leaves below it."""
    level = [(leaf, leaf + 1) for leaf in range(leaves)]
    nodes = set(level)
    while len(level) > 1:
        pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
        level = [(pair[0][0], pair[-1][1]) for pair in pairs]
        nodes.update(level)
    return nodes


@given(st.integers(1, 10**7), st.integers(1, 10**6).filter(lambda step: step > 2000))
def test_split_is_a_partition(size: int, step: int) -> None:
    """The parts follow each other without gap or overlap, all but the last of the part size."""
    parts = split(size, step)

    assert [part.start for part in parts] == [0, *(part.stop for part in parts[:-1])]
    assert parts[-1].stop == size
    assert all(part.length == step for part in parts[:-1])
    assert 0 < parts[-1].length <= step


def test_nothing_splits_into_nothing() -> None:
    """No bytes make no part."""
    assert split(0, MIB) == []


@given(st.integers(1, MAX_ARCHIVE), PART_SIZES)
@example(MAX_ARCHIVE, MIB)
@example(MAX_PARTS * MIB, MIB)
@example(MAX_PARTS * MIB + 1, MIB)
def test_part_size_is_the_smallest_that_does(size: int, wanted: int) -> None:
    """The chosen part size is allowed, gives at most 10,000 parts, and no smaller one from the wanted up does."""
    chosen = choose_part_size(size, wanted)

    assert is_part_size(chosen)
    assert chosen >= wanted
    assert -(-size // chosen) <= MAX_PARTS
    assert chosen == wanted or -(-size // (chosen // 2)) > MAX_PARTS


@pytest.mark.parametrize("size", [0, -1, MAX_ARCHIVE + 1])
def test_sizes_no_archive_can_have(size: int) -> None:
    """Nothing, less than nothing and more than 40,000 GiB are refused."""
    with pytest.raises(ValueError, match="an archive has"):
        choose_part_size(size)


@pytest.mark.parametrize("wanted", [0, 1, MIB - 1, 3 * MIB, 2 * MAX_PART_SIZE])
def test_sizes_no_part_can_have(wanted: int) -> None:
    """A part size that is not 1 MiB times a power of two, or above 4 GiB, is refused."""
    assert not is_part_size(wanted)
    with pytest.raises(ValueError, match="a part size is"):
        choose_part_size(GIB, wanted)


@given(st.integers(1, 10**9), PART_SIZES)
def test_requests_are_counted(size: int, part_size: int) -> None:
    """A small archive takes one request; any other an opening, its parts and a completion."""
    expected = 1 if size <= SINGLE_REQUEST_LIMIT else len(split(size, part_size)) + 2

    assert request_count(size, part_size) == expected


def test_what_sending_holds_grows_with_the_jobs_only() -> None:
    """What sending holds is five blocks of 4 MiB for four jobs, and a MiB for each of them."""
    assert held_bound(4) == 5 * 4 * MIB + 4 * MIB
    assert held_bound(1) < held_bound(2)


@given(wishes())
def test_align_is_the_smallest_allowed(wish: tuple[int, list[ByteRange]]) -> None:
    """The aligned range holds the wanted one, is allowed, and neither edge could be moved inwards."""
    size, ranges = wish
    for wanted in ranges:
        aligned = align(wanted, size)

        assert aligned.holds(wanted)
        assert aligned.start % LEAF == 0
        assert aligned.stop % LEAF == 0 or aligned.stop == size
        assert wanted.start - aligned.start < LEAF
        assert aligned.stop - wanted.stop < LEAF
        assert aligned.stop <= size


def test_an_empty_range_is_asked_as_the_leaf_it_lies_in() -> None:
    """A range without length still asks for something that can be asked."""
    assert align(ByteRange(LEAF, LEAF), 3 * LEAF) == ByteRange(LEAF, 2 * LEAF)


@given(wishes(), st.integers(0, 6 * LEAF))
def test_cover_against_the_definition(wish: tuple[int, list[ByteRange]], gap: int) -> None:
    """The cover is the wanted leaves, in order, with gaps of less than the given length closed."""
    size, ranges = wish
    wanted = {leaf for one in ranges for leaf in range(one.start // LEAF, -(-one.stop // LEAF))}
    expected: list[ByteRange] = []
    for leaf in sorted(wanted):
        start, stop = leaf * LEAF, min((leaf + 1) * LEAF, size)
        if expected and (start == expected[-1].stop or start - expected[-1].stop < gap):
            expected[-1] = ByteRange(expected[-1].start, stop)
        else:
            expected.append(ByteRange(start, stop))

    assert cover(iter(ranges), size, gap) == expected


@pytest.mark.parametrize("last", [LEAF, 1, LEAF - 1])
def test_tree_hash_alignment_against_the_tree(last: int) -> None:
    """For every archive below 40 leaves a range of whole leaves is aligned exactly if it is a node of the tree."""
    for leaves in range(1, 40):
        size, nodes = (leaves - 1) * LEAF + last, subtrees(leaves)
        found = {
            (first, stop)
            for first in range(leaves)
            for stop in range(first + 1, leaves + 1)
            if is_tree_hash_aligned(ByteRange(first * LEAF, min(stop * LEAF, size)), size)
        }

        assert found == nodes


@given(wishes())
def test_unaligned_edges_are_no_subtree(wish: tuple[int, list[ByteRange]]) -> None:
    """A range with an edge inside a leaf is never a subtree, unless that edge is the archive's end."""
    size, ranges = wish
    for wanted in ranges:
        if wanted.start % LEAF or (wanted.stop % LEAF and wanted.stop != size):
            assert not is_tree_hash_aligned(wanted, size)


@pytest.mark.parametrize(
    "wanted", [ByteRange(0, 0), ByteRange(-LEAF, LEAF), ByteRange(LEAF, 0), ByteRange(0, 5 * LEAF)]
)
def test_no_range_of_the_archive_is_no_subtree(wanted: ByteRange) -> None:
    """Empty, reversed and overlong ranges are answered, not followed."""
    assert not is_tree_hash_aligned(wanted, 4 * LEAF)


def test_ranges_sort_and_hold() -> None:
    """Ranges sort by their start, know their length, and hold what lies within."""
    inner, outer = ByteRange(2, 5), ByteRange(1, 5)

    assert sorted([inner, outer]) == [outer, inner]
    assert inner.length == 3
    assert outer.holds(inner)
    assert outer.holds(outer)
    assert not inner.holds(outer)
