"""How fast bytes may flow."""

import io
from collections.abc import Callable
from typing import BinaryIO, TypeAlias

Take: TypeAlias = Callable[[int], None]
"""Returns once so many more bytes may flow."""


def freely(size: int) -> None:
    """*size* bytes may flow at once."""


class Paced(io.RawIOBase):
    """*reader*, whose bytes are taken before they are given."""

    def __init__(self, reader: BinaryIO, take: Take) -> None:
        self._reader, self._take = reader, take

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._reader.tell()

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._reader.seek(offset, whence)

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        size: int = self._reader.readinto(buffer)  # type: ignore[attr-defined]
        self._take(size)
        return size
