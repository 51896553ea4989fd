"""Work in a process of its own, forked from this one, so that it costs no start and its end is nobody else's."""

import os
import traceback
from collections.abc import Callable


def apart(live: Callable[[], int | None]) -> int:
    """Run *live* apart, to its end; the status of that, as waitpid tells it."""
    return os.waitpid(begin_apart(live), 0)[1]


def begin_apart(live: Callable[[], int | None]) -> int:
    """Begin to run *live* apart; its process, which ends with what *live* returns (None: 0), or 1 if that raises."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        code = live() or 0
    except BaseException:  # noqa: BLE001 - a forked child never returns
        traceback.print_exc()
    os._exit(code)
