"""Stopping cleanly: what was asked for is broken off between two parts and can be continued."""

from glacierkeep.errors import Exit, GlacierkeepError


class Stopped(GlacierkeepError):
    """A person asked to stop; *done* bytes of what was under way are finished and need not be moved again."""

    exit = Exit.INTERRUPTED
    code = "stopped"

    def __init__(self, done: int = 0) -> None:
        super().__init__("stopped as asked", hint="the same command goes on where this one stopped")
        self.done = done


def never() -> bool:
    """Nobody asks to stop."""
    return False


def untold(total: int) -> None:
    """Nobody is told of *total* bytes."""
