"""Runs a Python program as it is and tells when it first opened a file to be sent: `watched.py TELL PROGRAM [WORD...]`.

PROGRAM is a path ending in .py, or a module. Files to be sent end in .bench. To the file TELL goes, as JSON, when the
first of them was opened (seconds of CLOCK_MONOTONIC) and the CPU seconds of this process from then to its end. Python's
audit events tell it; nothing of the program is changed.
"""

import atexit
import json
import os
import runpy
import sys
import time
from pathlib import Path

first: list[tuple[float, float]] = []


def see(event: str, words: tuple[object, ...]) -> None:
    if event != "open" or first or not isinstance(words[0], str | bytes):
        return
    if os.fsencode(words[0]).endswith(b".bench"):
        first.append((time.perf_counter(), time.process_time()))


def tell(where: Path) -> None:
    for opened, before in first:
        where.write_text(json.dumps({"opened": opened, "cpu": time.process_time() - before}))


_, told, program, *_ = sys.argv
atexit.register(tell, Path(told))
sys.addaudithook(see)
del sys.argv[:2]
if program.endswith(".py"):
    runpy.run_path(program, run_name="__main__")
else:
    runpy.run_module(program, run_name="__main__", alter_sys=True)
