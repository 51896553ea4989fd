"""What gk has to know of OpenSSH keys itself: the public half of a private key, and one spelling of public keys."""

import base64
import binascii

TYPES = ("ssh-ed25519", "ssh-rsa")
"""The kinds of SSH keys that age seals to."""

_MAGIC = b"openssh-key-v1\0"


def canonical(text: str) -> str:
    """The SSH public key *text*, `TYPE BASE64 [COMMENT]`, without comment and stray blanks. Raises ValueError."""
    words = text.split()
    if len(words) < 2 or words[0] not in TYPES:
        raise ValueError("is not TYPE BASE64, TYPE being " + " or ".join(TYPES))
    try:
        body = base64.b64decode(words[1], validate=True)
    except binascii.Error as error:
        raise ValueError("has a body that is not base64") from error
    return f"{words[0]} {base64.b64encode(body).decode('ascii')}"


def public_of(private: bytes) -> str | None:
    """The public key that stands in an OpenSSH private key; None in other forms of private keys."""
    lines = private.strip().splitlines()
    try:
        body = base64.b64decode(b"".join(line.strip() for line in lines[1:-1]), validate=True)
    except binascii.Error:
        return None
    if not body.startswith(_MAGIC):
        return None
    rest = body.removeprefix(_MAGIC)
    for _ in ("cipher", "kdf", "options of kdf"):
        _, rest = _string(rest)
    blob, _ = _string(rest[4:])
    kind, _ = _string(blob)
    return f"{kind.decode('ascii', 'replace')} {base64.b64encode(blob).decode('ascii')}"


def _string(content: bytes) -> tuple[bytes, bytes]:
    """A length of four bytes and as many bytes; and the rest."""
    end = 4 + int.from_bytes(content[:4])
    return content[4:end], content[end:]
