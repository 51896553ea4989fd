"""Promise 1 without power: what a run wrote and did not sync may be on the disk, in any order, in part, or not at all.

The runs are recorded with strace, which only Linux has; elsewhere this is not collected (conftest.py).
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

_LOSING = str(Path(__file__).with_name("power_loss.py"))
_STATES = {"first-upload": 36, "upload": 30, "retrieve": 42, "standard-input": 18, "config": 12}


@pytest.mark.parametrize("life", _STATES)
def test_power_is_lost_anywhere(
    life: str, quick_disk: Path, record_property: Callable[[str, object], None]
) -> None:
    """After a power loss at any write the catalog opens and the next run makes all good; after the end none harms."""
    ended = subprocess.run(
        [sys.executable, _LOSING, life, str(quick_disk), "1", str(_STATES[life])],
        env=dict(os.environ) | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    states = [json.loads(line) for line in ended.stdout.splitlines()]
    moods = Counter(state["mood"] for state in states)
    record_property("states", f"{len(states)}: " + ", ".join(f"{n} {mood}" for mood, n in moods.items()))
    assert not [state for state in states if state["wrong"]]
    assert len(states) == _STATES[life] + 1
