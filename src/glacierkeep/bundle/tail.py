"""The end of a bundle: its manifest, and the 2,048 bytes that find it."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from glacierkeep.bundle import headers
from glacierkeep.bundle.headers import BLOCK, TarMember
from glacierkeep.domain.manifest import (
    END_LENGTH,
    END_NAME,
    MANIFEST_NAME,
    End,
    end_content,
    first_line,
    segment_line,
)
from glacierkeep.domain.segments import Segment


def manifest_head(members: int, segments: Sequence[Segment] = ()) -> bytes:
    """What comes before the members' lines."""
    return first_line(members, len(segments)) + b"".join(map(segment_line, segments))


def tail(head: bytes, lines: Iterable[bytes], listed: int, at: int) -> Iterator[bytes]:
    """All that follows the members, in pieces, in a tar that is *at* bytes long so far.

    *head* and *lines*, these *listed* bytes together, are the manifest.
    """
    size, digest = len(head) + listed, hashlib.sha256(head)
    start = headers.header(TarMember(MANIFEST_NAME, headers.FILE, size))
    yield start + head
    for piece in lines:
        digest.update(piece)
        yield piece
    yield headers.padding(size)
    end = End(at + len(start), size, digest.digest())
    yield headers.header(TarMember(END_NAME, headers.FILE, END_LENGTH)) + end_content(end) + bytes(2 * BLOCK)
