"""How fast bytes may flow."""

from collections.abc import Callable
from typing import TypeAlias

Take: TypeAlias = Callable[[int], None]
"""Returns once so many more bytes may flow."""


def freely(size: int) -> None:
    """*size* bytes may flow at once."""
