"""Trying again: what deserves it, how long it waits, when it ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.errors import (
    BytesMismatch,
    CredentialsTrouble,
    DiskTrouble,
    NoConnection,
    NotFound,
    ServiceBusy,
    ServiceError,
    ServiceUnreachable,
)
from glacierkeep.transfer.attempts import Patience, deserves_retry, may_have_been_done, persist

PATIENCE = Patience(tries=4, first=1.0, longest=3.0)


class Failing:
    """An action that raises *errors* in turn, then returns."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.calls = 0

    def __call__(self):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (ServiceUnreachable("x"), True),
        (ServiceBusy("x", status=400), True),
        (ServiceError("x"), False),
        (NotFound("x"), False),
        (CredentialsTrouble("x"), False),
        (DiskTrouble("x"), False),
        (BytesMismatch("x", expected=b"", found=b""), False),
        (OSError(), False),
    ],
)
def test_what_deserves_another_try(error, again):
    """Only what may be over in a moment is tried again."""
    assert deserves_retry(error) is again


@pytest.mark.parametrize(
    ("error", "perhaps"),
    [
        (ServiceUnreachable("x"), True),
        (NoConnection("x"), False),
        (ServiceBusy("x", status=500), True),
        (ServiceBusy("x", status=400), False),
        (ServiceError("x", status=400), False),
    ],
)
def test_what_may_have_been_done(error, perhaps):
    """No answer, and the service's own failure, leave open whether it was done; a refusal does not."""
    assert may_have_been_done(error) is perhaps


def test_it_ends_with_success(clock):
    """The pauses double and are cut to the longest; the answer of the last try is given."""
    action = Failing(ServiceBusy("1"), ServiceUnreachable("2"), ServiceBusy("3"))
    assert persist(action, patience=PATIENCE, clock=clock, random=lambda: 1.0) == "done"
    assert clock.slept == [1.0, 2.0, 3.0]


def test_it_gives_up(clock):
    """After as many tries as allowed the last error is raised, without another pause."""
    action = Failing(*[ServiceBusy(str(number)) for number in range(9)])
    with pytest.raises(ServiceBusy, match="3"):
        persist(action, patience=PATIENCE, clock=clock)
    assert action.calls == 4
    assert len(clock.slept) == 3


def test_a_refusal_is_final(clock):
    """What cannot become better is raised at once."""
    action = Failing(NotFound("gone"))
    with pytest.raises(NotFound):
        persist(action, patience=PATIENCE, clock=clock)
    assert (action.calls, clock.slept) == (1, [])


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_pauses_are_bounded(failed, chance):
    """Every pause is between half of what is due and all of it, however often it failed."""
    due = min(2.0 ** min(failed - 1, 100), 60.0)
    assert due / 2 <= Patience().pause(failed, lambda: chance) <= due
