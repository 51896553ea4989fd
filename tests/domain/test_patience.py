"""Trying again: what deserves it, how long it waits, when it ends."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.domain.patience import (
    COUNTED_GAP,
    Failures,
    Patience,
    deserves_retry,
    may_have_been_done,
    was_turned_away,
)
from glacierkeep.errors import (
    BytesMismatch,
    ClockWrong,
    CredentialsTrouble,
    DiskTrouble,
    ExpiredCredentials,
    NoCapacity,
    NoConnection,
    NotFound,
    ServiceBusy,
    ServiceError,
    ServiceUnreachable,
    TurnedAway,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("error", "again", "perhaps", "turned_away"),
    [
        (ServiceUnreachable("x"), True, True, False),
        (NoConnection("x"), True, False, True),
        (ServiceBusy("x", status=500), True, True, False),
        (ServiceBusy("x", status=408), True, True, False),
        (TurnedAway("x", status=400), True, False, True),
        (TurnedAway("x", status=503), True, False, True),
        (NoCapacity("x", status=503), False, False, False),
        (ServiceError("x", status=400), False, False, False),
        (NotFound("x"), False, False, False),
        (CredentialsTrouble("x"), False, False, False),
        (ExpiredCredentials("x"), False, False, True),
        (ClockWrong("x"), False, False, True),
        (DiskTrouble("x"), False, False, False),
        (BytesMismatch("x", expected=b"", found=b""), False, False, False),
        (OSError(), False, False, False),
    ],
)
def test_kinds_of_errors(error, again, perhaps, turned_away):
    """What may be over in a while is tried again; no answer and the service's own failure leave open whether it was
    done; what was refused before it was looked at certainly was not."""
    assert (deserves_retry(error), may_have_been_done(error)) == (again, perhaps)
    assert was_turned_away(error) is turned_away


def test_earlier_tries_count():
    """That no connection came about says nothing of the try before, and what was given up is not begun again."""
    error = NoConnection("x")
    error.in_doubt = error.given_up = True
    assert may_have_been_done(error)
    assert not deserves_retry(error)


@pytest.mark.parametrize(
    ("failed", "lasting", "over"),
    [(1, 0.0, False), (1, 9_999.0, False), (2, 599.0, False), (2, 600.0, True), (50, 599.0, False)],
)
def test_the_end_of_patience(failed, lasting, over):
    """It is over when the time is, but never after one try, and not after many quick ones."""
    assert Patience(retry_for=600.0).is_over(failed, lasting) is over


def test_time_that_was_slept_through_is_not_failing():
    """A computer that slept for a night between two failures has not been failing for a night; a clock that is set back
    does not make them last longer."""
    failures = Failures()
    for moment in (NOON, NOON + timedelta(seconds=5), NOON + timedelta(hours=9), NOON):
        failures.add(moment)
    assert (failures.count, failures.lasting) == (4, 5 + COUNTED_GAP)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_pauses_are_bounded(failed, chance):
    """Every pause is between half of what is due and all of it, however often it failed."""
    due = min(2.0 ** min(failed - 1, 100), 60.0)
    assert due / 2 <= Patience().pause(failed, lambda: chance) <= due
