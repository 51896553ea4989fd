"""Exit codes: part of the interface."""

from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.errors import SERIOUSNESS, Exit, GlacierkeepError, most_serious

codes = st.lists(st.sampled_from(Exit), max_size=6)


def kinds(error: type[GlacierkeepError]) -> list[type[GlacierkeepError]]:
    """An error's class and all that derive from it."""
    return [error, *(kind for below in error.__subclasses__() for kind in kinds(below))]


def test_the_documented_order() -> None:
    """Where several codes apply, the order is 70, 7, 8, 13, 6, 5, 3, 4."""
    assert [int(code) for code in SERIOUSNESS] == [70, 7, 8, 13, 6, 5, 3, 4]


@given(codes)
def test_the_most_serious_wins(given_codes: list[Exit]) -> None:
    """The code that stands for several is one of them, and no ranked one of them comes before it."""
    chosen = most_serious(given_codes)

    assert chosen in [*given_codes, Exit.DONE]
    ranked = [code for code in SERIOUSNESS if code in given_codes]
    assert chosen == (ranked[0] if ranked else chosen)


@given(codes)
def test_trouble_is_never_done(given_codes: list[Exit]) -> None:
    """Nothing but a list of successes stands for success."""
    assert (most_serious(given_codes) is Exit.DONE) == (set(given_codes) <= {Exit.DONE})


def test_the_order_of_reporting_does_not_matter_among_ranked_codes() -> None:
    """The ranked codes give the same answer forwards and backwards."""
    for size in range(1, len(SERIOUSNESS) + 1):
        some = list(SERIOUSNESS[-size:])

        assert most_serious(some) == most_serious(some[::-1]) == some[0]


def test_every_error_has_a_documented_exit_and_a_stable_word() -> None:
    """Each class of error carries an exit code that is not success, and a code of small letters and dashes."""
    for kind in kinds(GlacierkeepError):
        assert isinstance(kind.exit, Exit)
        assert kind.exit is not Exit.DONE
        assert kind.code
        assert set(kind.code) <= set("abcdefghijklmnopqrstuvwxyz-")


def test_an_error_says_its_sentence_and_keeps_its_hint() -> None:
    """The sentence is the error's text, and the hint stands beside it."""
    error = GlacierkeepError("the vault is closed", hint="come back tomorrow")

    assert str(error) == "the vault is closed"
    assert error.hint == "come back tomorrow"
