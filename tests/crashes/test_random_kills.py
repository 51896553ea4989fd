"""Promise 1 once more, without knowing where it might hurt: real commands, ended by a signal at random moments."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

_KILLING = str(Path(__file__).with_name("random_kills.py"))
_KILLS, _SEEDS = 300, (1, 2, 3, 4)


@pytest.mark.parametrize("seed", _SEEDS)
def test_commands_killed_at_random_moments_are_made_good(
    seed: int, quick_disk: Path, record_property: Callable[[str, object], None]
) -> None:
    """After 300 kills of uploads, streams and retrievals at random moments all is there once, and right."""
    environment = dict(os.environ) | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    ended = subprocess.run(
        [sys.executable, _KILLING, str(quick_disk), str(seed), str(_KILLS // len(_SEEDS))],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    homes = [json.loads(line) for line in ended.stdout.splitlines()]
    kills = sum((Counter(home["kills"]) for home in homes), Counter[str]())
    record_property("kills", f"{kills.total()}: " + ", ".join(f"{n} {what}" for what, n in kills.items()))
    assert ended.returncode == 0, ended.stderr
    assert not [home for home in homes if home["wrong"]]
    assert kills.total() >= _KILLS // len(_SEEDS)
