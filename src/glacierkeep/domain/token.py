"""Tokens: how an archive is known before the service has named it.

A token is 128 random bits in 26 lowercase characters of Crockford's base32; a catalog's id is 40 bits in 8.
"""

import re

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
TOKEN_BYTES = 16
CATALOG_BYTES = 5
_TOKEN = re.compile(f"[{ALPHABET}]{{26}}")
_CATALOG = re.compile(f"[{ALPHABET}]{{8}}")


def crockford(random: bytes) -> str:
    """*random* as base32, most significant bits first, padded at the front with zero bits."""
    number = int.from_bytes(random)
    length = -(-len(random) * 8 // 5)
    return "".join(ALPHABET[number >> 5 * at & 31] for at in reversed(range(length)))


def is_token(text: object) -> bool:
    """Whether *text* has a token's form."""
    return isinstance(text, str) and _TOKEN.fullmatch(text) is not None


def is_catalog_id(text: object) -> bool:
    """Whether *text* has a catalog id's form."""
    return isinstance(text, str) and _CATALOG.fullmatch(text) is not None
