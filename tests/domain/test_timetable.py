from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.config.quantities import read_size
from glacierkeep.domain.timetable import DAY, LEAST_RATE, Timetable, read_timetable

KIB, MIB = 1024, 1024 * 1024
RATES = st.one_of(st.none(), st.integers(LEAST_RATE, 10**12))


def read(text: str) -> Timetable:
    return read_timetable(text, read_size)


def at(hour: int, minute: int = 0) -> int:
    return hour * 60 + minute


def spelled(rate: int | None) -> str:
    return "off" if rate is None else str(rate)


def clock(minute: int) -> str:
    return time(minute // 60, minute % 60).isoformat("minutes")


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("500k", 500 * KIB),
        ("off", None),
        ("OFF", None),
        ("1MB", 1_000_000),
        (" 2048 ", 2048),
        ("1.5M", 1_572_864),
    ],
)
def test_one_limit_for_the_whole_day(text: str, rate: int | None) -> None:
    """A limit alone holds at every minute."""
    assert {read(text).rate_at(minute) for minute in range(DAY)} == {rate}


def test_hours_and_the_rest() -> None:
    """Each window has its limit, from its first minute until its end; the rest has the one that stands alone."""
    table = read("1M, 08:00-23:00=500k, 23:00-06:00=off")

    assert [table.rate_at(at(hour)) for hour in (0, 5, 6, 7, 8, 22, 23)] == [
        None,
        None,
        MIB,
        MIB,
        500 * KIB,
        500 * KIB,
        None,
    ]
    assert table.rate_at(at(5, 59)) is None
    assert table.rate_at(at(7, 59)) == MIB
    assert table.rate_at(at(22, 59)) == 500 * KIB


def test_without_a_limit_for_the_rest_there_is_none() -> None:
    """Outside its windows a timetable limits nothing, unless it says so."""
    table = read("8:30-9:00=64k")
    assert [table.rate_at(at(8, 29)), table.rate_at(at(8, 30)), table.rate_at(at(9))] == [
        None,
        64 * KIB,
        None,
    ]


def test_a_day_ends_at_24_or_begins_at_0() -> None:
    """24:00 and 00:00 are the same end of a window."""
    for text in ("22:00-24:00=1M", "22:00-00:00=1M"):
        assert [read(text).rate_at(minute) for minute in (at(21, 59), at(22), at(23, 59), 0)] == [
            None,
            MIB,
            MIB,
            None,
        ]


def test_a_timetable_says_what_was_written() -> None:
    """The text of a timetable is that of the person who wrote it."""
    assert str(read(" 1M,08:00-23:00=500k ")) == "1M,08:00-23:00=500k"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not a size"),
        ("0", "no limit"),
        ("1023", "at least 1024"),
        ("fast", "'fast' is not a size"),
        ("-1", "not a size"),
        ("1M,2M", "'1M' and '2M': only one"),
        ("08:00-10:00=1M,", "not a size"),
        ("08:00=1M", "not a time of day and a limit"),
        ("08-10=1M", "not a time of day and a limit"),
        ("08:00-25:00=1M", "25:00 is no time of day"),
        ("08:60-09:00=1M", "08:60 is no time of day"),
        ("08:00-08:00=1M", "ends when it begins"),
        ("00:00-24:00=1M", "ends when it begins"),
        ("08:00-10:00=0", "no limit"),
        ("08:00-10:00=", "not a size"),
        ("08:00-10:00=1M,09:59-11:00=2M", "08:00-10:00 and 09:59-11:00 overlap"),
        ("22:00-06:00=1M,05:00-07:00=2M", "22:00-06:00 and 05:00-07:00 overlap"),
        ("05:00-07:00=1M,22:00-06:00=2M", "05:00-07:00 and 22:00-06:00 overlap"),
        ("22:00-06:00=1M,23:00-05:00=2M", "22:00-06:00 and 23:00-05:00 overlap"),
        ("08:00-10:00=1M,08:00-10:00=1M", "08:00-10:00 and 08:00-10:00 overlap"),
    ],
)
def test_nonsense_is_named(text: str, why: str) -> None:
    """What is no limit is refused, and the error says what is wrong with which piece."""
    with pytest.raises(ValueError, match=why):
        read(text)


@given(st.lists(st.integers(0, DAY - 1), min_size=2, max_size=12, unique=True), st.data())
def test_every_minute_has_the_rate_of_its_window(bounds: list[int], data: st.DataObject) -> None:
    """However a day is cut into windows, over midnight too, each minute has the rate of the cut it lies in."""
    bounds.sort()
    cuts = list(zip(bounds, bounds[1:] + bounds[:1], strict=True))
    rates = [data.draw(RATES) for _ in cuts]
    said = data.draw(st.sets(st.sampled_from(range(len(cuts))), min_size=1))
    rest = data.draw(RATES)

    items = [f"{clock(cuts[one][0])}-{clock(cuts[one][1])}={spelled(rates[one])}" for one in said]
    table = read(",".join(data.draw(st.permutations([*items, spelled(rest)]))))

    for one, (start, stop) in enumerate(cuts):
        wanted = rates[one] if one in said else rest
        length = (stop - start) % DAY
        assert {table.rate_at((start + step) % DAY) for step in range(length)} == {wanted}


@given(st.lists(st.tuples(st.integers(0, DAY - 1), st.integers(0, DAY - 1)), min_size=1, max_size=4))
def test_overlapping_windows_are_refused_and_others_are_not(windows: list[tuple[int, int]]) -> None:
    """A timetable is refused exactly when a minute lies in two windows, or one of them has no minutes."""
    minutes = [[(start + step) % DAY for step in range((stop - start) % DAY)] for start, stop in windows]
    every = [minute for one in minutes for minute in one]
    text = ",".join(f"{clock(start)}-{clock(stop)}=1M" for start, stop in windows)

    if all(minutes) and len(every) == len(set(every)):
        assert {minute for minute in range(DAY) if read(text).rate_at(minute)} == set(every)
    else:
        with pytest.raises(ValueError, match=r"overlap|ends when it begins"):
            read(text)


@given(st.text(alphabet="0123456789:-=,koMf .\n٣", max_size=24))
def test_reading_is_total(text: str) -> None:
    """Whatever is written, the answer is a timetable or a ValueError."""
    try:
        table = read(text)
    except ValueError:
        return
    assert all((rate := table.rate_at(minute)) is None or rate >= LEAST_RATE for minute in range(0, DAY, 60))
