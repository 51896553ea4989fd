"""How a name is made searchable: one spelling for what people take for the same."""

import unicodedata

from glacierkeep.domain.names import readable


def searchable(name: bytes) -> str:
    """*name* as text without regard to case and to how accents are composed; stray bytes become U+FFFD."""
    return name.decode().lower() if name.isascii() else folded(readable(name))


def folded(text: str) -> str:
    """*text* as it is compared in a search."""
    return unicodedata.normalize("NFC", text.casefold())
