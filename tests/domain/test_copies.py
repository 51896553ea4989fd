"""When a copy is full, which one is expected, and how lines are cut and checked."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.domain.copied import BadCopy, read_header, read_line, split_lines
from glacierkeep.domain.copies import (
    LONGEST_LINE,
    CopyHeader,
    Expected,
    is_full_due,
    next_after,
    trouble_with_header,
)

SET = "0123456789abcdefghjkmnpqrs"
HEADER = CopyHeader("00000000", "local:a", 7, SET, 0, None, "0003", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("sizes", "due"),
    [
        ([], True),
        ([100], False),
        ([100, 50], False),
        ([100, 51], True),
        ([100, 20, 30, 1], True),
        ([10_000, *[1] * 19], False),
        ([10_000, *[1] * 20], True),
    ],
)
def test_when_a_copy_is_full(sizes: list[int], due: bool) -> None:
    """Full is the first, what follows 20 increments, and what follows increments larger than half of the full one."""
    assert is_full_due(sizes) is due


def test_which_copy_is_expected() -> None:
    """A header is judged by catalog, vault, set, index and predecessor."""
    assert trouble_with_header(HEADER, Expected("00000000", "local:a")) is None
    assert trouble_with_header(HEADER, Expected("00000000", "local:a", SET)) is None
    assert trouble_with_header(HEADER, Expected("00000001", "local:a"))
    assert trouble_with_header(HEADER, Expected("00000000", "local:b"))
    assert trouble_with_header(HEADER, Expected("00000000", "local:a", SET[::-1]))
    assert trouble_with_header(HEADER, next_after(HEADER))
    following = CopyHeader("00000000", "local:a", 9, SET, 1, 7, "0003", HEADER.made_at)
    assert trouble_with_header(following, next_after(HEADER)) is None
    older = CopyHeader("00000000", "local:a", 5, SET, 1, 7, "0003", HEADER.made_at)
    assert trouble_with_header(older, next_after(HEADER))


@given(
    lines=st.lists(st.binary(max_size=50).map(lambda line: line.replace(b"\n", b""))), cut=st.integers(1, 60)
)
def test_lines_are_cut_wherever_chunks_end(lines: list[bytes], cut: int) -> None:
    """The lines of a stream are the same, however it is cut into chunks."""
    joined = b"".join(line + b"\n" for line in lines)
    chunks = [joined[at : at + cut] for at in range(0, len(joined), cut)]
    assert list(split_lines(chunks)) == lines


def test_a_line_without_end_is_not_collected() -> None:
    """A stream that never ends its line is given up, not gathered."""
    seen = []

    def endless():
        while True:
            seen.append(1)
            yield b"x" * 1000

    with pytest.raises(BadCopy):
        list(split_lines(endless()))
    assert len(seen) <= LONGEST_LINE // 1000 + 1


@given(line=st.binary(max_size=200))
def test_reading_is_total(line: bytes) -> None:
    """Any bytes are fields, or refused with the one error there is for that."""
    for read in (read_line, read_header):
        try:
            read(line)
        except BadCopy:
            continue
