"""What became of a thing that was to be placed."""

from dataclasses import dataclass

from glacierkeep.domain import names
from glacierkeep.errors import Exit, GlacierkeepError

WORK_FOLDER = b".glacierkeep-partial"
"""Holds what is not complete yet, in the folder that files are placed below. Never archived."""


@dataclass(frozen=True, slots=True)
class Placed:
    """It is there now. *times_kept* is False where the file system cannot hold its time or mode."""

    times_kept: bool = True


@dataclass(frozen=True, slots=True)
class Kept:
    """Something was there already and was left as it is: the *same* content, or another."""

    same: bool


class CannotPlace(GlacierkeepError):
    """One thing cannot be placed; the others can. *path* is relative to the target folder."""

    exit = Exit.PARTLY
    code = "cannot-place"

    def __init__(self, path: bytes, reason: str, *, hint: str | None = None) -> None:
        super().__init__(f"{names.printable(path)} cannot be placed: {reason}", hint=hint)
        self.path = path
