"""Patterns for paths: `*` and `?` stay within a component, `**` crosses them, `[a-z]` and `[!a-z]` are one character.

Matching takes no more than polynomial time of a low degree, whatever the pattern: what was matched up to a star is
never tried again where the next star can make up for it.
"""

import re
from collections.abc import Callable, Iterable

_WILD = re.compile(rb"[*?\[]")
_STAR = b"*"
_STARS = b"**"


def is_glob(text: bytes) -> bool:
    """Whether *text* has any character that means more than itself."""
    return _WILD.search(text) is not None


def matcher(pattern: bytes, *, below: bool = False) -> Callable[[bytes], object]:
    """Tells whether a path fits *pattern*; with *below*, also whether it lies below one that does.

    Raises ValueError for a bracket that makes no sense.
    """
    expression = _joined(_tokens(pattern)) + (rb"(?:/.*)?" if below else b"")
    try:
        return re.compile(expression, re.DOTALL).fullmatch
    except re.error as error:
        raise ValueError(f"a bracket in the pattern makes no sense: {error}") from error


def literal_folder(pattern: bytes) -> bytes:
    """The leading components of *pattern* without wildcards: where matching must begin."""
    kept = []
    for component in pattern.split(b"/")[:-1]:
        if is_glob(component):
            break
        kept.append(component)
    return b"/".join(kept)


def _tokens(pattern: bytes) -> Iterable[bytes]:
    """Stars as they are, everything else as an expression for one byte."""
    at = 0
    while at < len(pattern):
        byte = pattern[at : at + 1]
        if byte == _STAR:
            rest = pattern[at:].lstrip(_STAR)
            stars = len(pattern) - at - len(rest)
            yield _STARS if stars > 1 else _STAR
            at += stars
        elif byte == b"[" and (end := pattern.find(b"]", at + 2)) > 0:
            yield _bracket(pattern[at + 1 : end])
            at = end + 1
        else:
            yield b"[^/]" if byte == b"?" else re.escape(byte)
            at += 1


def _bracket(body: bytes) -> bytes:
    negated = body[:1] in (b"!", b"^")
    body = body[negated:].replace(b"\\", b"\\\\").replace(b"[", b"\\[").replace(b"^", b"\\^")
    return b"(?!/)[" + (b"^" if negated else b"") + body + b"]"


def _joined(tokens: Iterable[bytes]) -> bytes:
    pieces: list[list[bytes]] = [[b""]]
    for token in tokens:
        if token == _STARS:
            pieces.append([b""])
        elif token == _STAR:
            pieces[-1].append(b"")
        else:
            pieces[-1][-1] += token
    *heads, last = pieces
    out = b"".join(b"(?>%s%s)" % (b".*?" if at else b"", _settled(head)) for at, head in enumerate(heads))
    return out + (b".*" if heads else b"") + _open(last)


def _settled(fixed: list[bytes]) -> bytes:
    """Fixed parts with single stars between them, where whatever follows takes up the rest: the nearest will do."""
    return fixed[0] + b"".join(b"(?>[^/]*?%s)" % each for each in fixed[1:])


def _open(fixed: list[bytes]) -> bytes:
    """The same at the end of the pattern: the last part must stand at the end."""
    return fixed[0] if len(fixed) == 1 else _settled(fixed[:-1]) + b"[^/]*" + fixed[-1]
