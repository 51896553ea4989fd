"""Files that are written and compared, and wait to be made durable together before they get their names."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

from glacierkeep.bundle.content import Write, compare
from glacierkeep.bundle.outcome import Kept, Placed
from glacierkeep.bundle.partials import Scratch
from glacierkeep.bundle.spots import dress
from glacierkeep.domain.hashes import Hashes
from glacierkeep.domain.limits import MIB

Then: TypeAlias = Callable[[Callable[[], Placed | Kept]], None]
"""Is told what places a file that waits; placing it may raise CannotPlace."""

_MOST = 64
_MOST_BYTES = 64 * MIB
"""Files, and bytes of them, that are made durable together. Each is open until then."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file that has its content, mode and time, and waits under the name *scratch*."""

    path: bytes
    scratch: Scratch
    file: BinaryIO
    expected: Hashes
    overwrite: bool
    then: Then
    times_kept: bool = False


def write_apart(
    scratch: Scratch,
    path: bytes,
    write: Write,
    expected: Hashes,
    mtime_ns: int,
    mode: int,
    overwrite: bool,
    then: Then,
) -> Written:
    """Write what is to become the file *path* under the name *scratch*. Raises BytesMismatch, OSError."""
    file = scratch.create()
    try:
        compare(path, expected, write(file))
        times_kept = dress(file, mtime_ns, mode)
    except BaseException:
        drop([Written(path, scratch, file, expected, overwrite, then)])
        raise
    return Written(path, scratch, file, expected, overwrite, then, times_kept)


def is_full(written: Sequence[Written]) -> bool:
    """Whether no more should wait."""
    return len(written) >= _MOST or sum(each.expected.size for each in written) >= _MOST_BYTES


def drop(written: Sequence[Written]) -> None:
    """Close the files, and remove their scratch names."""
    for each in written:
        with suppress(OSError):  # what could not be written was told already
            each.file.close()
        each.scratch.remove()
