"""Times as the service and as descriptions write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glacierkeep.domain.times import read_stamp, write_compact, write_stamp

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2012-03-20T17:03:43Z", 0),
        ("2012-03-20T17:03:43.221Z", 221_000),
        ("2012-03-20T17:03:43.000001Z", 1),
        ("2012-03-20T17:03:43.123456789Z", 123_456),
    ],
)
def test_the_service_writes_fractions_or_none(text: str, microsecond: int) -> None:
    """A stamp is read with any number of digits after the second, as aware UTC."""
    assert read_stamp(text) == datetime(2012, 3, 20, 17, 3, 43, microsecond, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "", "2012-03-20", "2012-03-20T17:03:43", "2012-03-20 17:03:43Z", "2012-03-20T17:03:43+00:00",
        "2012-03-20T17:03:43.Z", "2012-13-20T17:03:43Z", "2012-02-30T17:03:43Z", "2012-03-20T25:03:43Z",
        "2012-03-20T17:03:60Z", "0000-01-01T00:00:00Z", "2012-03-20T17:03:43Z\n", "12012-03-20T17:03:43Z",
    ],
)  # fmt: skip
def test_what_is_no_stamp_is_refused(text: str) -> None:
    """Anything else, impossible dates included, is a ValueError."""
    with pytest.raises(ValueError, match=r"not a UTC time|must be in|range"):
        read_stamp(text)


@given(st.text(max_size=30))
def test_reading_fails_in_one_way(text: str) -> None:
    """Any text is a time or a ValueError."""
    try:
        moment = read_stamp(text)
    except ValueError:
        return
    assert moment.tzinfo is UTC


@given(
    st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)).map(lambda moment: moment.replace(tzinfo=UTC))
)
def test_a_stamp_comes_back_to_the_second(moment: datetime) -> None:
    """What is written is read back, without the fraction of the second."""
    assert read_stamp(write_stamp(moment)) == moment.replace(microsecond=0)


def test_other_zones_are_written_as_utc() -> None:
    """A moment known in another zone is written in UTC."""
    moment = datetime(2020, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))

    assert write_stamp(moment) == "2019-12-31T23:30:00Z"


@given(st.datetimes(), st.integers(0, SECOND - 1))
@example(datetime(1, 1, 1), 0)
@example(datetime(9999, 12, 31, 23, 59, 59), SECOND - 1)
def test_compact_is_the_second_it_lies_in(moment: datetime, fraction: int) -> None:
    """Nanoseconds are cut to the second they lie in, before 1970 as after it."""
    second = moment.replace(microsecond=0)
    since = (second - datetime(1970, 1, 1)) // timedelta(seconds=1)

    written = write_compact(since * SECOND + fraction)

    assert written == second.isoformat().replace("-", "").replace(":", "") + "Z"


@pytest.mark.parametrize(
    ("mtime_ns", "text"),
    [
        (-1, "19691231T235959Z"),
        (0, "19700101T000000Z"),
        (1562235072123456789, "20190704T101112Z"),
        (1 << 80, "99991231T235959Z"),
        (-(1 << 80), "00010101T000000Z"),
    ],
)
def test_compact_times(mtime_ns: int, text: str) -> None:
    """Known moments are written as known texts, years that have no date as the nearest that has."""
    assert write_compact(mtime_ns) == text
