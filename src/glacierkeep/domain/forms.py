"""In what form archives are stored: compressed or not, in volumes of what size. Sizes in bytes."""

from dataclasses import dataclass
from enum import StrEnum

from glacierkeep.domain.filling import MOST_MEMBERS
from glacierkeep.domain.limits import DEFAULT_PART_SIZE, GIB

DEFAULT_LEVEL = 3
"""zstd's own default: beyond it, time grows much faster than the gain."""

DEFAULT_VOLUME_SIZE = GIB
"""A volume lies in staging while it is sent; a power of two, so that portions' tree hashes make the file's."""


class Compression(StrEnum):
    """When content is compressed. AUTO: where a probe says that it is worth it."""

    AUTO = "auto"
    ALWAYS = "always"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Sizes:
    """Where small ends and how big bundles, parts and volumes are; *members* is how many a bundle has at most."""

    bundle: int
    threshold: int
    part: int = DEFAULT_PART_SIZE
    volume: int = DEFAULT_VOLUME_SIZE
    members: int = MOST_MEMBERS


@dataclass(frozen=True, slots=True)
class Squeeze:
    """Whether to compress, and how hard: *level* 1 to 19."""

    compression: Compression = Compression.AUTO
    level: int = DEFAULT_LEVEL
