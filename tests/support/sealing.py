"""Sealing for tests: two keys, and archives in every form."""

import pyrage

from glacierkeep.bundle.storing import Coding
from glacierkeep.domain.forms import Compression, Sizes, Squeeze
from glacierkeep.domain.limits import MIB
from glacierkeep.errors import NoIdentity

KEY = pyrage.x25519.Identity.generate()
OTHER = pyrage.x25519.Identity.generate()

SMALL_VOLUMES = Sizes(bundle=2 * MIB, threshold=MIB, part=MIB, volume=2 * MIB)
"""Sizes that make many archives, volumes and parts of little data."""


def seal(plain: bytes) -> bytes:
    """For KEY and nobody else."""
    return pyrage.encrypt(plain, [KEY.to_public()])


def unseal(sealed: bytes) -> bytes:
    """With KEY. Damage is a ValueError, as it is of those who really open."""
    try:
        return pyrage.decrypt(sealed, [KEY])
    except pyrage.DecryptError as error:
        raise ValueError(str(error)) from error


def unseal_with_another(sealed: bytes) -> bytes:
    """With OTHER, which is no recipient."""
    try:
        return pyrage.decrypt(sealed, [OTHER])
    except pyrage.DecryptError as error:
        raise NoIdentity("none of the identities at hand opens it") from error


FORMS = {
    "plain": Coding(Squeeze(Compression.OFF)),
    "auto": Coding(),
    "compressed": Coding(Squeeze(Compression.ALWAYS)),
    "sealed": Coding(Squeeze(Compression.OFF), seal, "k"),
    "sealed-and-compressed": Coding(Squeeze(Compression.ALWAYS), seal, "k"),
}
