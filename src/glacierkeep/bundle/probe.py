"""How much smaller a file would become, from a few samples of it."""

from collections.abc import Iterator

from glacierkeep.bundle.frames import compress
from glacierkeep.bundle.read import ReadAt
from glacierkeep.domain.compressible import is_compressed_already
from glacierkeep.domain.limits import KIB

SAMPLE = 64 * KIB
"""Bytes of one sample."""

SAMPLES = 4
"""Samples of one file, at most: 256 KiB are read."""

_LEVEL = 1
"""What does not shrink at the first level does not shrink much at any."""


def estimate(read_at: ReadAt, size: int, name: bytes) -> float:
    """Stored bytes per plain byte of the file *name* of *size* bytes, if it were compressed: at most 1.

    A file that *name* says is compressed already is not read. Of tiny files it says too much: in a bundle they are
    compressed together. Raises what *read_at* raises.
    """
    if is_compressed_already(name):
        return 1.0
    plain = stored = 0
    for offset, length in _samples(size):
        sample = read_at(offset, length)
        plain, stored = plain + len(sample), stored + len(compress(sample, _LEVEL))
    return min(1.0, stored / plain) if plain else 1.0


def _samples(size: int) -> Iterator[tuple[int, int]]:
    """Offset and length of the samples: first and last bytes among them, the others evenly between."""
    count = min(SAMPLES, -(-size // SAMPLE))
    for number in range(count):
        length = min(SAMPLE, -(-size // count))
        yield (size - length) * number // max(count - 1, 1), length
