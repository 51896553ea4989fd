from datetime import datetime

from glacierkeep.errors import Exit


def _now(gk) -> datetime:
    return datetime.fromisoformat(gk("local", "status", "--json").objects[0]["now"])


def test_the_clock_can_be_turned(gk) -> None:
    """`gk local advance 5h` moves the service's time on by five hours, for later commands too."""
    before = _now(gk)
    turned = gk("local", "advance", "5h", "--json").objects[0]
    assert turned["ahead"] == 5 * 3600
    assert 5 * 3600 <= (_now(gk) - before).total_seconds() < 5 * 3600 + 60
    assert "5h ahead of the real time" in gk("local", "status").stdout


def test_durations_that_are_none(gk) -> None:
    """What is no length of time is wrong usage."""
    for word in ("5", "soon", "-5h", "1.h", "99999999w"):
        assert gk("local", "advance", "--", word).exit_code == Exit.USAGE
