"""One life, ended at each of its boundaries in turn. Prints a JSON line for each: where, and what is wrong after.

    killing.py LIFE FOLDER

Each life is a process of its own, forked from this one when all is imported, and really killed.
"""

import gc
import json
import os
import shutil
import signal
import sys
import threading
import traceback
from collections import Counter
from pathlib import Path

from apart import apart
from boundaries import Boundaries
from lives import LIVES, Left, Life, stored

from support.world import World, a_world

_MOST = 1000


def main(name: str, folder: Path) -> None:
    """Kill the life called *name* everywhere; work in *folder*."""
    life, home = LIVES[name], folder / "life"
    with a_world(home) as world:
        life.prepare(world)
        _let_go(world)
        shutil.copytree(home, folder / "before")
        _rehearse(life, world)
        _let_go(world)
        for fatal in range(1, _MOST):
            shutil.rmtree(home)
            shutil.copytree(folder / "before", home)
            if not _kill(life, world, fatal, folder):
                return
    raise AssertionError("it never ends")


def _rehearse(life: Life, world: World) -> None:
    """Live it all once here, so that everything is imported, built and compiled before the forks."""
    life.act(world)
    list(life.again(world, Left("")))


def _let_go(world: World) -> None:
    """Leave nothing open that two processes must not share. What is closed opens again when it is needed."""
    world.catalog.close()
    world.service.close()
    gc.collect()
    gc.freeze()  # a collection in a child would copy every page it shares with this process
    gc.disable()
    assert threading.active_count() == 1, "a fork would copy a lock that another thread holds"


def _kill(life: Life, world: World, fatal: int, folder: Path) -> bool:
    """Kill one life at the boundary *fatal* and live on after it; False if it ended before."""
    testament, complaints = folder / "testament", folder / "complaints"
    status = apart(lambda: _live(life, world, fatal, testament))
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0
        return False
    assert os.WTERMSIG(status) == signal.SIGKILL
    left = json.loads(testament.read_text())
    passed = left.pop("passed")
    apart(lambda: _live_again(life, world, Left(**left | {"done": Counter(left["done"])}), complaints))
    said = {"boundary": left["boundary"], "passed": passed, "wrong": complaints.read_text()}
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
    return True


def _live(life: Life, world: World, fatal: int, testament: Path) -> None:
    world.service.forget()
    Boundaries(fatal, world.service, testament, amid=life.amid, stored=stored(world))
    life.act(world)


def _live_again(life: Life, world: World, left: Left, complaints: Path) -> None:
    wrong: list[str] = []
    world.service.forget()
    try:
        wrong += life.again(world, left)
    except BaseException:  # noqa: BLE001 - whatever it was, the parent is told
        wrong.append(traceback.format_exc())
    complaints.write_text("\n".join(wrong))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
