"""What is wrong with a policy document, and readers of its parts that say so."""

from typing import Any

LONGEST_QUOTE = 64


class Malformed(ValueError):
    """The document is no policy; the text says why, in a sentence without its full stop."""


def quoted(text: str) -> str:
    """What a document says, cut to a length that a message can have."""
    return repr(text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + "…")


def members(value: Any, what: str) -> dict[str, Any]:
    """A JSON object that is not empty."""
    if not isinstance(value, dict) or not value:
        raise Malformed(f"{what} is not an object with members")
    return value


def text(value: Any, what: str) -> str:
    """A string."""
    if not isinstance(value, str):
        raise Malformed(f"{what} is not a string")
    return value


def texts(value: Any, what: str) -> tuple[str, ...]:
    """A string, or a list of at least one of them."""
    several = value if isinstance(value, list) else [value]
    if not several or not all(isinstance(each, str) for each in several):
        raise Malformed(f"{what} is neither a string nor a list of strings")
    return tuple(several)
