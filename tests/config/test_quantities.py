from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.config.quantities import duration, read_duration, read_size, write_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("8388608", 8388608),
        ("16MiB", 16 * 1024**2),
        ("16 mib", 16 * 1024**2),
        ("1GB", 10**9),
        ("1G", 1024**3),
        ("1.5KiB", 1536),
        ("2T", 2 * 1024**4),
        ("3b", 3),
    ],
)
def test_sizes(text: str, size: int) -> None:
    """Binary units are powers of 1024, decimal ones of 1000, and a bare number is bytes."""
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["", "MiB", "-1", "1XB", "1.0001KB", "1 000", "1e6", "1MiB2", "٣MiB"])
def test_what_is_no_size(text: str) -> None:
    """Anything else is refused, fractions of a byte included."""
    with pytest.raises(ValueError, match=r"size|whole"):
        read_size(text)


@given(st.integers(0, 2**60))
def test_a_written_size_reads_back(size: int) -> None:
    """What is shown of a size is exactly that size."""
    assert read_size(write_size(size)) == size


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("5h", timedelta(hours=5)),
        ("90m", timedelta(minutes=90)),
        ("1d12h", timedelta(days=1.5)),
        ("1d 12h", timedelta(days=1.5)),
        ("1.5h", timedelta(minutes=90)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_durations(text: str, length: timedelta) -> None:
    """Lengths of time are added up from their units."""
    assert read_duration(text) == length


@pytest.mark.parametrize("text", ["", "5", "h", "-5h", "5y", "1h-1m", "1..5h", "soon"])
def test_what_is_no_duration(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(ValueError, match="length of time"):
        read_duration(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("10m", 600.0), ("90", 90.0), ("0", 0.0), ("1.5", 1.5), ("3d", 259_200.0)]
)
def test_durations_in_seconds(text: str, seconds: float) -> None:
    """A length of time is seconds; a bare number is one of seconds."""
    assert duration(text) == seconds


@given(st.text(max_size=20))
def test_reading_is_total(text: str) -> None:
    """Whatever is given, the answer is an amount or a ValueError."""
    for read in (read_size, read_duration, duration):
        try:
            read(text)
        except ValueError:
            continue
