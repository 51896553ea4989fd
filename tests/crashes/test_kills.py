"""Promises 1 and 8, the hard way: killed at any instant, the next run finds out what became of it and goes on."""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from crashes.programs import outcomes

_LEAST = {
    "upload": 45,
    "upload-at-once": 60,
    "sealed-at-once": 60,
    "standard-input": 25,
    "stream": 60,
    "volumes": 60,
    "retrieve-volumes": 45,
    "copy": 20,
    "rebuild": 30,
    "retrieve": 45,
    "delete": 6,
    "sync-inventory": 15,
    "abandon": 40,
}
"""How many boundaries each life has at least: fewer would mean that they are no longer seen."""


@pytest.mark.parametrize("life", _LEAST)
def test_a_run_killed_anywhere_is_made_good_by_the_next(
    life: str, quick_disk: Path, record_property: Callable[[str, object], None]
) -> None:
    """After SIGKILL at each commit, request, fsync and change on disk, nothing is lost, sent twice or paid twice."""
    killed = outcomes("killing.py", life, quick_disk)
    record_property("boundaries", f"{len(killed)}: {_by_kind(each['boundary'] for each in killed)}")
    wrong = [f"{each['passed']}, {each['boundary']}: {each['wrong']}" for each in killed if each["wrong"]]
    assert not wrong, "\n".join(wrong)
    assert len(killed) >= _LEAST[life]


def _by_kind(boundaries: Iterable[str]) -> str:
    kinds = Counter(_kind(boundary) for boundary in boundaries)
    return ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))


def _kind(boundary: str) -> str:
    if boundary == "commit":
        return "commits"
    what = boundary.partition(" ")[2]
    if what in ("fsync", "fdatasync"):
        return "fsyncs"
    return "requests" if what[:1].isupper() else "changes in folders"
