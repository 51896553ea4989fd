"""Promise 1 once more, without knowing where it might hurt: real commands, ended by a signal at random moments."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from crashes.programs import outcomes

_KILLS, _SEEDS = 300, (1, 2, 3, 4)


@pytest.mark.parametrize("seed", _SEEDS)
def test_commands_killed_at_random_moments_are_made_good(
    seed: int, quick_disk: Path, record_property: Callable[[str, object], None]
) -> None:
    """After 300 kills of uploads, streams and retrievals at random moments all is there once, and right."""
    homes = outcomes("random_kills.py", quick_disk, seed, _KILLS // len(_SEEDS))
    kills = sum((Counter(home["kills"]) for home in homes), Counter[str]())
    record_property("kills", f"{kills.total()}: " + ", ".join(f"{n} {what}" for what, n in kills.items()))
    assert not [home for home in homes if home["wrong"]]
    assert kills.total() >= _KILLS // len(_SEEDS)
