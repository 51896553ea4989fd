"""One retrieval in a process of its own, to measure it: alone.py WORLD NAME TARGET IDENTITY. Says how it ended."""

import json
import sys
from pathlib import Path

import pyrage

from glacierkeep.events import Event, Trouble
from support.world import a_world


def main(world_folder: str, name: str, target: str, identity: str) -> None:
    """Retrieve *name* into *target*; *identity* is the text of an age key. Nothing that is told is kept."""
    key, told = pyrage.x25519.Identity.from_str(identity), [0]

    def unseal(sealed: bytes) -> bytes:
        return pyrage.decrypt(sealed, [key])

    def tell(event: Event) -> None:
        told[0] += isinstance(event, Trouble)

    with a_world(Path(world_folder)) as world:
        outcome = world.retrieve(name, to=Path(target), unseal=unseal, tell=tell)
    json.dump({"exit": outcome.exit, "failed": outcome.failed, "troubles": told[0]}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
