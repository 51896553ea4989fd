from datetime import timedelta

import pytest

from glacierkeep.cli.render.words import count, duration, moment, size


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1024**2 - 1, "1.0 MiB"),
        (1024**2 * 3 // 2, "1.5 MiB"),
        (1024**4, "1.0 TiB"),
        (1024**6, "1024.0 PiB"),
    ],
)
def test_sizes(number: int, text: str) -> None:
    """Sizes are short and never show 1024 of a unit that has a bigger one."""
    assert size(number) == text


def test_counts_and_moments() -> None:
    """One file, two files, 12,000 files; no time is a dash."""
    assert (count(1, "file"), count(12000, "file")) == ("1 file", "12,000 files")
    assert count(2, "entry", "entries") == "2 entries"
    assert moment(None) == "-"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (45, "45s"), (3660, "1h 1m"), (86400 * 2 + 3600 * 4 + 59, "2d 4h"), (-60, "-1m")],
)
def test_durations(seconds: int, text: str) -> None:
    """A length of time is told in its two biggest units."""
    assert duration(timedelta(seconds=seconds)) == text
