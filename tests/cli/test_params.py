from datetime import UTC, datetime, timedelta

import click
import pytest

from glacierkeep.cli import params
from glacierkeep.cli.params import read_moment

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20", datetime(2026, 11, 20, 23, 59, 59, 999999, tzinfo=UTC)),
        ("2026-11-20T10:00", datetime(2026, 11, 20, 10, 0, tzinfo=UTC)),
        ("2026-11-20 10:00:30", datetime(2026, 11, 20, 10, 0, 30, tzinfo=UTC)),
        ("2026-11-20T10:00Z", datetime(2026, 11, 20, 10, 0, tzinfo=UTC)),
        ("2026-11-20T10:00+02:00", datetime(2026, 11, 20, 8, 0, tzinfo=UTC)),
        ("3d", NOW - timedelta(days=3)),
        ("1d12h ago", NOW - timedelta(days=1.5)),
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    """A day means its end, a time is local unless it says otherwise, a length of time is that long ago."""
    assert read_moment(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "2026-13-01", "yesterday", "2026-11-22T25:00", "999999w", "2026-11"])
def test_what_is_no_moment(text: str) -> None:
    """Anything else is wrong usage."""
    with pytest.raises(click.BadParameter, match="is not a date"):
        params.Moment().convert(text, None, None)


def test_other_words() -> None:
    """Sizes, durations, seconds, vaults and paths become values, or wrong usage."""
    assert params.ByteSize().convert("16MiB", None, None) == 16 * 1024**2
    assert params.Duration().convert("90m", None, None) == timedelta(minutes=90)
    assert params.Seconds().convert("30", None, None) == 30.0
    assert params.Seconds().convert("5m", None, None) == 300.0
    assert params.PathName().convert("a\udcff", None, None) == b"a\xff"
    assert params.VaultText().convert("glacier://eu-west-1/x", None, None) == "glacier://eu-west-1/x"
    assert params.Pattern().split_envvar_value("'a b' c") == ["a b", "c"]
    for kind, word in (
        (params.ByteSize(), "big"),
        (params.Duration(), "5"),
        (params.Seconds(), "x"),
        (params.PathName(), ""),
        (params.VaultText(), "glacier:x"),
    ):
        with pytest.raises(click.BadParameter):
            kind.convert(word, None, None)
