"""What the users of one store know of its failures."""

import pytest

from glacierkeep.domain.patience import Failures, Patience
from glacierkeep.stores.outage import Outage, Pause
from support.clock import TurnedClock


@pytest.fixture
def clock():
    return TurnedClock()


@pytest.fixture
def outage(clock):
    return Outage(Patience(retry_for=600.0), clock, lambda: 1.0)


def failures(clock, count=1):
    """So many failures in a row of one request, all just now."""
    own = Failures()
    for _ in range(count):
        own.add(clock.now())
    return own


def test_nobody_waits_before_anything_failed(outage):
    """A store that works costs no time."""
    assert outage.left() == 0.0


def test_everybody_waits_for_the_pause(outage, clock):
    """A failure holds up all who ask, until its pause is over."""
    assert outage.fail(outage.round, failures(clock), 0.0) == Pause(1.0, True)
    assert outage.left() == 1.0
    clock.turn(seconds=0.4)
    assert outage.left() == pytest.approx(0.6)
    clock.turn(seconds=0.6)
    assert outage.left() == 0.0


def test_those_that_were_under_way_together_count_as_one(outage, clock):
    """Requests that began before the first failure do not make the pause of the others longer."""
    began = outage.round
    outage.fail(began, failures(clock), 0.0)
    for _ in range(7):
        assert outage.fail(began, failures(clock), 0.0) == Pause(1.0, False)
    assert outage.left() == 1.0
    clock.turn(seconds=1)
    assert outage.fail(outage.round, failures(clock), 0.0) == Pause(2.0, True)


def test_an_answer_ends_it(outage, clock):
    """Once the service answers anybody, nobody waits; one request that goes on failing waits longer each time alone."""
    outage.fail(outage.round, failures(clock), 0.0)
    outage.end()
    assert outage.left() == 0.0
    assert outage.fail(outage.round, failures(clock, count=5), 0.0) == Pause(16.0, True)


def test_a_clock_that_is_set_back_does_not_make_anybody_wait(outage, clock):
    """A pause is never longer than it was meant to be."""
    outage.fail(outage.round, failures(clock), 0.0)
    clock.turn(hours=-1)
    assert outage.left() == 0.0


def test_one_patience_for_all(outage, clock):
    """When the service has been silent for as long as is wanted, a request that begins then is not repeated for as long
    again; much later there is new patience."""
    while outage.fail(outage.round, failures(clock), 0.0) is not None:
        clock.turn(seconds=60)
    assert outage.fail(outage.round, failures(clock), 0.0) is None
    clock.turn(hours=2)
    assert outage.fail(outage.round, failures(clock), 0.0) == Pause(1.0, True)


def test_a_wish_to_be_left_alone_is_no_wish_for_ever(outage, clock):
    """What the service asks for is obeyed within our own patience."""
    assert outage.fail(outage.round, failures(clock), 99_999.0) == Pause(600.0, True)
