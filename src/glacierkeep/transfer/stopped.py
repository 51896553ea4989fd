"""What is asked and told where nobody asks to stop and nobody listens."""


def never() -> bool:
    """Nobody asks to stop."""
    return False


def untold(total: int) -> None:
    """Nobody is told of *total* bytes."""
