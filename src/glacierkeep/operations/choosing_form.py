"""By which way a big file goes: as it lies, in volumes, or in a bundle."""

from enum import StrEnum

from glacierkeep.bundle.probe import estimate
from glacierkeep.bundle.storing import Coding
from glacierkeep.bundle.xattrs import Xattrs
from glacierkeep.domain import description as descriptions
from glacierkeep.domain import names
from glacierkeep.domain.compressible import is_compressed_already, is_worth_it
from glacierkeep.domain.files import Entry
from glacierkeep.domain.forms import Compression, Sizes
from glacierkeep.domain.parts import ByteRange
from glacierkeep.operations.intents import Intents
from glacierkeep.transfer.source import FileSource


class Way(StrEnum):
    """How a big file goes. VOLUMES: sealed, or plain where a description cannot say all there is to say."""

    FILE = "file"
    FRAMES = "frames"
    VOLUMES = "volumes"
    BUNDLE = "bundle"


def way_of(
    entry: Entry, source: FileSource, sizes: Sizes, coding: Coding, intents: Intents, xattrs: Xattrs
) -> Way:
    """The way that suits the file *entry*. A few samples of its content may be read: raises SourceChanged.

    Only a tar keeps extended attributes.
    """
    if coding.seal is not None:
        return Way.VOLUMES
    if is_to_be_compressed(entry, source, coding):
        return Way.FRAMES
    if xattrs:
        return Way.VOLUMES
    if descriptions.fits(descriptions.write(intents.description_of(entry))):
        return Way.FILE
    return Way.BUNDLE if entry.size <= sizes.volume else Way.VOLUMES


def is_to_be_compressed(entry: Entry, source: FileSource, coding: Coding) -> bool:
    """Whether compressing a big file is wished and worth it."""
    if coding.squeeze.compression is not Compression.AUTO:
        return coding.squeeze.compression is Compression.ALWAYS
    name = names.name_of(entry.path)
    if is_compressed_already(name):
        return False

    def read_at(offset: int, length: int) -> bytes:
        return source.read_part(ByteRange(offset, min(offset + length, entry.size)))

    return is_worth_it(entry.size, int(estimate(read_at, entry.size, name) * entry.size))
