"""Recognising secret keys where none belongs, so that they are never repeated."""

import re

_SECRET = re.compile(r"AGE-SECRET-KEY-|AGE-PLUGIN-|PRIVATE KEY|b3BlbnNzaC1rZXktdjE", re.IGNORECASE)
"""The last is how the body of every OpenSSH private key begins."""

_WHOLE = re.compile(r"AGE-SECRET-KEY-\w+", re.IGNORECASE)


def without_secret_keys(text: str) -> str:
    """*text* with every age secret key in it taken out."""
    return _WHOLE.sub("<secret key>", text)


def holds_secret(text: str) -> bool:
    """Whether *text* is, or contains, a secret key or the beginning of one."""
    return _SECRET.search(text) is not None
