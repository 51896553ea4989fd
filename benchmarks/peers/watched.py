"""Runs a Python program as it is and tells when it first opened a file to be sent: `watched.py TELL PROGRAM [WORD...]`.

PROGRAM is a path ending in .py, or a module. Files to be sent end in .bench. When the first of them is opened, the time
(seconds of CLOCK_MONOTONIC) and the CPU seconds used so far go to the file TELL, as JSON. Python's audit events tell
it; nothing of the program is changed.
"""

import json
import os
import runpy
import sys
import time
from pathlib import Path

_, told, program, *_ = sys.argv
seen = False


def see(event: str, words: tuple[object, ...]) -> None:
    global seen  # noqa: PLW0603
    if seen or event != "open" or not isinstance(words[0], str | bytes):
        return
    if os.fsencode(words[0]).endswith(b".bench"):
        seen = True
        Path(told).write_text(json.dumps({"opened": time.perf_counter(), "used": time.process_time()}))


sys.addaudithook(see)
del sys.argv[:2]
if program.endswith(".py"):
    runpy.run_path(program, run_name="__main__")
else:
    runpy.run_module(program, run_name="__main__", alter_sys=True)
