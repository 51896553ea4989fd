"""One identity: a secret key that opens what was sealed to its public key; and reading identities from text."""

import re
from dataclasses import dataclass
from typing import Any

from glacierkeep.keys import ssh

LONGEST = 1 << 20
"""In bytes: no identity file is bigger."""

_X25519 = re.compile(r"AGE-SECRET-KEY-1[A-Z0-9]+", re.IGNORECASE)
_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_PROTECTED = (b"age-encryption.org/v1\n", b"-----BEGIN AGE ENCRYPTED FILE-----")


class NotIdentity(ValueError):
    """A text that holds no identity gk can use; says why, and never repeats what it holds."""


class WrongPassphrase(NotIdentity):
    """A passphrase that does not open a protected identity."""


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """A secret key, with nothing that prints it. *public* is None where the secret's form does not tell it; *secret*
    is its text, None for SSH keys."""

    key: Any
    public: str | None
    secret: str | None


def is_protected(content: bytes) -> bool:
    """Whether *content* is itself an age file, binary or armored, as `age -p` makes of identities."""
    return content.lstrip().startswith(_PROTECTED)


def unprotected(content: bytes, passphrase: str) -> bytes:
    """What the protected *content* holds. Raises WrongPassphrase, or NotIdentity."""
    import pyrage

    sealed = content.strip() if content.lstrip().startswith(b"-") else content
    try:
        plain: bytes = pyrage.passphrase.decrypt(sealed, passphrase)
    except pyrage.DecryptError as error:
        if str(error) == "Decryption failed":
            raise WrongPassphrase("the passphrase is wrong") from error
        raise NotIdentity("is damaged, or not protected by a passphrase") from error
    return plain


def read_identities(content: bytes) -> list[Identity]:
    """The identities in the text of an identity file or of an OpenSSH private key; at least one. Raises NotIdentity."""
    if len(content) > LONGEST:
        raise NotIdentity("is too big to hold identities")
    if _PRIVATE_KEY.match(content.lstrip()):
        return [_of_ssh(content.strip() + b"\n")]
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise NotIdentity("is not text") from error
    found = [_of_line(at, line.strip()) for at, line in enumerate(lines, start=1) if _says_something(line)]
    if not found:
        raise NotIdentity("holds no identity")
    return found


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _of_line(at: int, line: str) -> Identity:
    import pyrage

    if line.upper().startswith("AGE-PLUGIN-"):
        raise NotIdentity(f"needs a plugin of age in line {at}, and gk knows none")
    if not _X25519.fullmatch(line):
        raise NotIdentity(f"has something else than an age identity in line {at}")
    try:
        key = pyrage.x25519.Identity.from_str(line)
    except pyrage.IdentityError:
        # Without its cause, which may repeat the line.
        raise NotIdentity(f"has an age identity with a mistake in line {at}") from None
    return Identity(key, str(key.to_public()), str(key))


def _of_ssh(private: bytes) -> Identity:
    import pyrage

    try:
        key = pyrage.ssh.Identity.from_buffer(private)
    except pyrage.IdentityError as error:
        raise NotIdentity(_about_ssh(str(error))) from None
    return Identity(key, ssh.public_of(private), None)


def _about_ssh(reason: str) -> str:
    if "decrypted first" in reason:
        return "is an SSH key with a passphrase, which gk cannot open; `ssh-keygen -p` makes one without"
    if "unsupported key" in reason:
        return "is an SSH key of a kind that age does not know: Ed25519 and RSA are"
    return "is not an SSH private key"
