"""Making an X25519 identity, and keeping it: in a file, protected by a passphrase or not, or in the keyring."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from glacierkeep.keys.sources import InKeyring, beside
from glacierkeep.keys.writing import write_new


@dataclass(frozen=True, slots=True, repr=False)
class Fresh:
    """An identity that nothing keeps yet: its public key, and its text as in an identity file."""

    public: str
    text: str


def make_identity(name: str, *, now: datetime) -> Fresh:
    """A new identity, called *name* in a comment."""
    import pyrage

    key = pyrage.x25519.Identity.generate()
    public = str(key.to_public())
    made = now.replace(microsecond=0).isoformat().replace("+00:00", "Z")
    return Fresh(public, f"# name: {name}\n# created: {made}\n# public key: {public}\n{key}\n")


def keep_in_file(fresh: Fresh, file: Path, *, passphrase: str | None = None) -> Path:
    """Write the identity to *file* and its public key beside it; the file with the public key.

    With *passphrase*, as an armored age file that `age -d` opens. Raises FileExistsError if either is there already.
    """
    public = beside(file)
    if public.exists():
        raise FileExistsError(f"{public} is there already")
    content = fresh.text.encode("ascii")
    write_new(file, protected(content, passphrase) if passphrase is not None else content)
    write_new(public, f"{fresh.public}\n".encode("ascii"))
    return public


def keep_in_keyring(fresh: Fresh) -> None:
    """Add the identity to those in the keyring. Raises NotIdentity."""
    InKeyring().add(fresh.text)


def protected(content: bytes, passphrase: str) -> bytes:
    """*content* as an armored age file that *passphrase* opens."""
    import pyrage

    sealed: bytes = pyrage.passphrase.encrypt(content, passphrase, armored=True)
    return sealed
