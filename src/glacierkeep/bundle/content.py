"""Reading and writing whole contents with their hashes."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, TypeAlias

from glacierkeep.bundle.folder import SOURCE_FLAGS
from glacierkeep.domain import names
from glacierkeep.domain.hashes import ContentHasher, Hashes
from glacierkeep.errors import BytesMismatch

PIECE = 1024 * 1024
"""Bytes read and written at once."""

Write: TypeAlias = Callable[[BinaryIO], Hashes]
"""Writes a content into a file and gives the hashes of what it wrote."""


def write_pieces(pieces: Iterable[bytes]) -> Write:
    """A Write of *pieces*, hashed on the way."""

    def write(file: BinaryIO) -> Hashes:
        hasher = ContentHasher()
        for piece in pieces:
            hasher.update(piece)
            file.write(piece)
        return hasher.result()

    return write


def hash_file(file: BinaryIO) -> Hashes:
    """The hashes of all that *file* holds. Raises OSError."""
    hasher = ContentHasher()
    for piece in pieces_of(file):
        hasher.update(piece)
    return hasher.result()


def pieces_of(file: BinaryIO) -> Iterator[bytes]:
    """All that *file* holds, in pieces of at most 1 MiB. Raises OSError."""
    file.seek(0)
    while piece := file.read(PIECE):
        yield piece


def holds(folder: int, name: bytes, expected: Hashes) -> bool:
    """Whether *name* in *folder* is a plain file with just this content; one that cannot be read is not."""
    try:
        descriptor = os.open(name, SOURCE_FLAGS, dir_fd=folder)
    except OSError:
        return False
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size != expected.size:
            return False
        with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as file:
            return hash_file(file).agree_with(expected)
    except OSError:
        return False
    finally:
        os.close(descriptor)


def compare(path: bytes, expected: Hashes, found: Hashes) -> None:
    """Raises BytesMismatch if what was *found* is not what the file *path* should hold."""
    if not found.agree_with(expected):
        raise BytesMismatch(names.printable(path), expected=expected.tree_hash, found=found.tree_hash)


def copy_file(source: BinaryIO, file: BinaryIO) -> Hashes:
    """Write all that *source* holds into *file*: the hashes of it. Raises OSError."""
    return write_pieces(pieces_of(source))(file)


def write_copy_of(folder: int, name: bytes) -> Write:
    """A Write of what the file *name* in *folder* holds."""

    def write(file: BinaryIO) -> Hashes:
        with os.fdopen(os.open(name, SOURCE_FLAGS, dir_fd=folder), "rb", buffering=0) as source:
            return copy_file(source, file)

    return write
