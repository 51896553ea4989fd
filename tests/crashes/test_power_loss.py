"""Promise 1 without power: what a run wrote and did not sync may be on the disk, in any order, in part, or not at all.

The runs are recorded with strace, which only Linux has; elsewhere this is not collected (conftest.py).
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from crashes.programs import outcomes

_STATES = {"first-upload": 36, "upload": 30, "retrieve": 42, "standard-input": 18, "config": 12}


@pytest.mark.parametrize("life", _STATES)
def test_power_is_lost_anywhere(
    life: str, quick_disk: Path, record_property: Callable[[str, object], None]
) -> None:
    """After a power loss at any write the catalog opens and the next run makes all good; after the end none harms."""
    states = outcomes("power_loss.py", life, quick_disk, 1, _STATES[life])
    moods = Counter(state["mood"] for state in states)
    record_property("states", f"{len(states)}: " + ", ".join(f"{n} {mood}" for mood, n in moods.items()))
    assert not [state for state in states if state["wrong"]]
    assert len(states) == _STATES[life] + 1
