"""How long and how much a server waits for, takes and keeps."""

from dataclasses import dataclass

from glacierkeep.local.store.treehash import MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds. All are ours: what the real service waits for is not published.

    *head*: for the rest of a head whose first byte came. *stall*: in a body, or for a client that does not read.
    *idle*: between requests. *linger*: for a client to read its answer and stop sending, and at most *drain* bytes
    of that are taken. *threads* work at once, *connections* are open at once.
    """

    head: float = 20.0
    stall: float = 60.0
    idle: float = 120.0
    linger: float = 30.0
    drain: int = 64 * MIB
    threads: int = 128
    connections: int = 512
