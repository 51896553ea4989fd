"""Disks that are full, that fail to sync, or that cannot be read: at one system call after another.

strace lets the calls fail, which only Linux has; elsewhere this is not collected (conftest.py).
"""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crashes.programs import outcomes
from glacierkeep.errors import Exit

_WRITES, _NAMES, _SYNCS = "write,pwrite64", "mkdir,mkdirat,link,linkat,rename,renameat", "fsync,fdatasync"
_READS = "read,pread64,readv,preadv"
_CASES = {
    "full: upload": ("upload", _WRITES, "ENOSPC", 24),
    "full: first upload": ("first-upload", _WRITES, "ENOSPC", 12),
    "full: retrieve": ("retrieve", _WRITES, "ENOSPC", 16),
    "full: config": ("config", _WRITES, "ENOSPC", 4),
    "full: names": ("first-upload", _NAMES, "ENOSPC", 8),
    "read-only target": ("retrieve", _NAMES, "EROFS", 8),
    "syncs fail": ("upload", _SYNCS, "EIO", 12),
    "catalog unreadable": ("upload", "pread64", "EIO", 6, "life/gk/catalog.db"),
    "big file unreadable": ("first-upload", _READS, "EIO", 4, "photos/big"),
    "member unreadable": ("first-upload", _READS, "EIO", 4, "photos/sub/b"),
}
"""Life, calls, error, how many moments, and the only file that is concerned."""


@pytest.mark.parametrize("case", _CASES)
def test_a_disk_that_fails_anywhere(
    case: str, quick_disk: Path, record_property: Callable[[str, object], None]
) -> None:
    """A disk that fails at any moment is one clear error with the right exit code, and the next run makes all good."""
    life, *spoiling = _CASES[case]
    runs = outcomes("spoilt.py", life, quick_disk, *spoiling)
    codes = Counter(f"exit {run['exit']}" for run in runs)
    record_property("runs", f"{len(runs)}: " + ", ".join(f"{n} {code}" for code, n in sorted(codes.items())))
    assert not [run for run in runs if run["wrong"] or _is_unclear(run)]
    assert sum(run["struck"] > 0 for run in runs) >= len(runs) // 3


def _is_unclear(run: dict[str, Any]) -> bool:
    """Whether what was said is not what is documented: one sentence with a hint, and a code that tells the truth."""
    lines = [json.loads(line) for line in run["out"].splitlines() if line.startswith("{")]
    match run["exit"]:
        case Exit.DONE:
            return False
        case Exit.PARTLY:
            return not any(line["type"] == "trouble" for line in lines)
        case Exit.FAILED | Exit.CHANGED:
            [error] = [line for line in lines if line["type"] == "error"]
            unsaid = run["exit"] == Exit.FAILED and run["changed"]
            return unsaid or not error["hint"] or "Traceback" in run["err"]
    return True
