"""Run a Python module as `python -m` does, under limits: launch.py [OPTION...] -- MODULE ARG...

--weak: root loses the right to open what its permissions forbid. --file-size N: no file grows beyond N bytes.
--peak FILE: the greatest resident memory of this program in bytes is written there at its end.
--grow FILE: that file gets a byte longer each time one of its name is about to be opened.
--hold NAME ARRIVED GO: when first about to open a file of that name, the program writes a byte to the pipe ARRIVED
and waits for the end of the pipe GO.
"""

import atexit
import ctypes
import functools
import os
import resource
import runpy
import signal
import sys
from collections.abc import Callable

_READ_BOUNDING_SET, _DROP_FROM_BOUNDING_SET = 23, 24  # linux/prctl.h
_OVERRIDES = (1, 2, 3)  # linux/capability.h: DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER


def _weaken() -> None:
    """Rights leave the bounding set; those held already are gone after the next exec."""
    if os.geteuid() == 0:
        system = ctypes.CDLL(None, use_errno=True)
        for right in _OVERRIDES:
            held = system.prctl(_READ_BOUNDING_SET, right, 0, 0, 0) == 1
            if held and system.prctl(_DROP_FROM_BOUNDING_SET, right, 0, 0, 0):
                raise OSError(ctypes.get_errno(), "prctl")


def _limit_file_size(size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _peak() -> int:
    """Bytes. Linux's ru_maxrss counts what this process was before exec, too; VmHWM does not."""
    if sys.platform == "linux":
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _note_peak(file: str) -> None:
    with open(file, "w", encoding="ascii") as opened:
        opened.write(str(_peak()))


class _AtOpen:
    """Does something whenever a file called *name* is about to be opened; not for its own openings."""

    def __init__(self, name: str, deed: Callable[[], None]) -> None:
        self._name, self._deed, self._busy = os.fsencode(name), deed, False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, facts: tuple[object, ...]) -> None:
        if event != "open" or self._busy or not isinstance(facts[0], str | bytes):
            return
        if os.path.basename(os.fsencode(facts[0])) == self._name:
            self._busy = True
            try:
                self._deed()
            finally:
                self._busy = False


def _grow(file: str) -> None:
    with open(file, "ab") as opened:
        opened.write(b"+")


class _Hold:
    def __init__(self, arrived: int, go: int) -> None:
        self._arrived, self._go, self._done = arrived, go, False

    def __call__(self) -> None:
        if not self._done:
            self._done = True
            os.write(self._arrived, b".")
            os.read(self._go, 1)


def _limit(words: list[str]) -> None:
    match words:
        case ["--file-size", size, *rest]:
            _limit_file_size(int(size))
        case ["--peak", file, *rest]:
            atexit.register(_note_peak, file)
        case ["--grow", file, *rest]:
            _AtOpen(os.path.basename(file), functools.partial(_grow, file))
        case ["--hold", name, arrived, go, *rest]:
            _AtOpen(name, _Hold(int(arrived), int(go)))
        case _:
            return
    _limit(rest)


def _run(words: list[str]) -> None:
    at = words.index("--")
    before, command = words[:at], words[at + 1 :]
    if before[:1] == ["--weak"]:
        _weaken()
        os.execv(sys.executable, [sys.executable, __file__, *before[1:], "--", *command])
    _limit(before)
    sys.argv = command
    runpy.run_module(command[0], run_name="__main__", alter_sys=True)


_run(sys.argv[1:])
