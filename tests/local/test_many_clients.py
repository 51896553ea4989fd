"""Many clients, many faults: the program in benchmarks/ that judges it, for a few seconds."""

import json
import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "many_clients.py"


def test_nothing_acknowledged_is_lost_and_nothing_refused_is_there() -> None:
    """64 clients upload, read and delete at once while one request in five meets a fault; the inventory is right."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, PROGRAM, "--clients", "64", "--seconds", "8"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = json.loads(ran.stdout)
    assert told["wrong"] == []
    assert told["archives"]["acknowledged"] > 0
    assert told["archives"]["refused"] > 0
