"""One life, ended at each of its boundaries in turn. Prints a JSON line for each: where, and what is wrong after.

    killing.py LIFE FOLDER

Each life is a process of its own, forked from this one when all is imported, and really killed.
"""

import json
import os
import shutil
import signal
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from boundaries import Boundaries
from lives import LIVES, Left, Life
from support.world import a_world

_MOST = 1000


def main(name: str, folder: Path) -> None:
    """Kill the life called *name* everywhere; work in *folder*."""
    life = LIVES[name]
    with a_world(folder / "before") as world:
        life.prepare(world)
    _rehearse(life, folder)
    assert threading.active_count() == 1, "a fork would copy a lock that another thread holds"
    home = folder / "life"
    for fatal in range(1, _MOST):
        shutil.copytree(folder / "before", home)
        status = _apart(lambda: _live(life, home, fatal))
        left = json.loads((home / "testament").read_text())
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            _apart(lambda: _live_again(life, home, Left(left["boundary"], Counter(left["done"]))))  # noqa: B023
            print(json.dumps(left | {"wrong": (home / "wrong").read_text()}), flush=True)
        shutil.rmtree(home)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            return
    raise AssertionError("it never ends")


def _rehearse(life: Life, folder: Path) -> None:
    """Live it all once here, so that everything is imported and built before the forks."""
    shutil.copytree(folder / "before", folder / "life")
    with a_world(folder / "life") as world:
        life.act(world)
        list(life.again(world, Left("", Counter())))
    shutil.rmtree(folder / "life")


def _live(life: Life, home: Path, fatal: int) -> None:
    with a_world(home) as world:
        boundaries = Boundaries(fatal, world.service, home / "testament")
        life.act(world)
        boundaries.leave()


def _live_again(life: Life, home: Path, left: Left) -> None:
    wrong: list[str] = []
    try:
        with a_world(home) as world:
            wrong += life.again(world, left)
    except BaseException:
        wrong.append(traceback.format_exc())
    (home / "wrong").write_text("\n".join(wrong))


def _apart(live: Callable[[], None]) -> int:
    """Run *live* in a process of its own; how that ended."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    try:
        live()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
