"""Names are bytes, as on disk. Here is what may be read, shown and trusted of them."""

import base64
import binascii

MAX_NAME = 255
"""Bytes of one component on the file systems people use (POSIX NAME_MAX on Linux and macOS)."""


def readable(path: bytes) -> str:
    """*path* as text for searching and JSON: what is not UTF-8 becomes U+FFFD."""
    return path.decode("utf-8", "replace")


def is_utf8(path: bytes) -> bool:
    """Whether *path* is exactly its readable text."""
    try:
        path.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def printable(path: bytes) -> str:
    """*path* on one line of a terminal: control and format characters, backslashes and stray bytes escaped."""
    text = path.decode("utf-8", "surrogateescape")
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if character == "\\":
        return "\\\\"
    if character.isprintable():
        return character
    escaped = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character)
    return escaped or (f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}")


def to_b64(path: bytes) -> str:
    """*path* as base64url without padding."""
    return base64.urlsafe_b64encode(path).rstrip(b"=").decode("ascii")


def from_b64(text: str) -> bytes:
    """The bytes of base64url *text*, padded or not. Raises ValueError for anything else."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(f"not base64url: {text!r}") from error


def trouble_with(path: bytes) -> str | None:
    """Why *path* must not be followed below a folder, or None if it may: it stays inside and is written one way."""
    if not path:
        return "it is empty"
    if b"\0" in path:
        return "it holds a NUL byte"
    for component in path.split(b"/"):
        if component in (b"", b".", b".."):
            return f"it holds the component {component.decode()!r}"
    return None


def join(*components: bytes) -> bytes:
    """*components* joined by slashes, empty ones left out."""
    return b"/".join(component for component in components if component)


def parent_of(path: bytes) -> bytes:
    """The folder *path* lies in; b"" at the top."""
    return path.rpartition(b"/")[0]


def name_of(path: bytes) -> bytes:
    """The last component of *path*."""
    return path.rpartition(b"/")[2]
