"""The programs beside these tests, which kill, cut the power and spoil disks: each prints JSON lines."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def outcomes(program: str, *words: object) -> list[dict[str, Any]]:
    """What *program* tells, which must end well."""
    ended = subprocess.run(
        [sys.executable, Path(__file__).with_name(program), *map(str, words)],
        env=dict(os.environ) | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]
