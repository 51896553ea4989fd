"""Rules of faults: how they are written, and what is no rule."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.local.faults.rules import Kind, Rule, parse, split_rules

PLAIN = [kind for kind in Kind if kind not in ("slow", "truncate", "corrupt", "corrupt-upload")]


@given(
    kind=st.sampled_from(PLAIN),
    count=st.none() | st.integers(1, 999_999_999),
    millionths=st.integers(1, 1_000_000),
    seed=st.integers(0, 999_999_999),
    after=st.integers(0, 999_999_999),
)
def test_a_rule_is_written_as_it_is_read(
    kind: Kind, count: int | None, millionths: int, seed: int, after: int
) -> None:
    """What a rule prints is the same rule again."""
    probability = Decimal(millionths) / 1_000_000
    operation = "InitiateJob" if parse(kind).concerns("InitiateJob") else None
    seed = seed if probability != 1 else 0
    rule = Rule(kind, operation, count, probability, seed, after)
    assert parse(str(rule)) == rule


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("throttle  UploadArchive\tcount=03", "throttle UploadArchive count=3"),
        ("slow rate=102400", "slow rate=100k"),
        ("slow GetJobOutput rate=1048576", "slow GetJobOutput rate=1M"),
        ("truncate bytes=0", "truncate bytes=0"),
        ("corrupt", "corrupt"),
        ("corrupt offset=1000 count=1", "corrupt count=1 offset=1000"),
        ("error-500 seed=7 probability=.2", "error-500 probability=0.2 seed=7"),
    ],
)
def test_rules_are_written_in_one_way(line: str, written: str) -> None:
    """Blanks and the order of values do not matter, and sizes are shortened."""
    assert str(parse(line)) == written


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("", "no fault is named ''; there are throttle, error-500, "),
        ("Throttle", "no fault is named 'Throttle'; there are "),
        ("throttle uploadarchive", "no operation is named 'uploadarchive'; did you mean UploadArchive\\?"),
        ("throttle ☃", "they are spelt as in the API: UploadArchive"),
        ("throttle count=0", "'count=0' is wrong: it must be count=N, how often at most, from 1 on"),
        ("throttle count=-1", "'count=-1' is wrong"),
        ("throttle count=٣", "'count=٣' is wrong"),
        ("throttle probability=0", "probability=P, above 0 and at most 1"),
        ("throttle probability=1.5", "probability=P, above 0 and at most 1"),
        ("throttle probability=nan", "probability=P, above 0 and at most 1"),
        ("throttle seed=1", "seed says nothing without probability"),
        ("throttle count=1 count=2", "count is said twice"),
        ("throttle count=1 ListVaults", "throttle takes count, probability, seed, after, not 'ListVaults'"),
        ("throttle rate=1k", "throttle takes count, probability, seed, after, not 'rate=1k'"),
        ("slow", "slow needs rate=N, bytes a second"),
        ("slow rate=0", "'rate=0' is wrong"),
        ("slow rate=1kB", "'rate=1kB' is wrong"),
        ("slow UploadArchive rate=1k", "slow is not for UploadArchive, only for ListVaults, "),
        ("truncate GetJobOutput", "truncate needs bytes=N"),
        ("expire-jobs InitiateJob", "expire-jobs is not for InitiateJob, only for DescribeJob, GetJobOutput"),
        ("throttle " + "x" * 200, "at most 200 characters"),
    ],
)
def test_what_is_no_rule(line: str, sentence: str) -> None:
    """A line that is no rule is refused with what is wrong and what is right."""
    with pytest.raises(ValueError, match=sentence):
        parse(line)


def test_rules_stand_side_by_side() -> None:
    """Words make as many rules as there are kinds among them."""
    words = ["reset-after", "CompleteMultipartUpload", "count=1", "slow", "rate=1k", "throttle"]
    assert split_rules(words) == ["reset-after CompleteMultipartUpload count=1", "slow rate=1k", "throttle"]
