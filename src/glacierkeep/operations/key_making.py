"""gk key create: a new identity, kept in a file or in the keyring."""

from dataclasses import dataclass
from pathlib import Path

from glacierkeep.clock import Clock
from glacierkeep.errors import GlacierkeepError
from glacierkeep.keys.creation import keep_in_file, keep_in_keyring, make_identity
from glacierkeep.keys.identity import NotIdentity
from glacierkeep.keys.sources import InKeyring, beside
from glacierkeep.operations.key_names import named_in


class KeyExists(GlacierkeepError):
    """A key is there already, and is never overwritten."""

    code = "key-exists"


@dataclass(frozen=True, slots=True)
class KeyCreated:
    """A new identity. *file* holds it and *public_file* its public key; both None if the keyring holds it."""

    name: str
    public: str
    file: Path | None
    public_file: Path | None
    protected: bool


def check_free(file: Path) -> None:
    """Raises KeyExists if *file*, or the one for the public key beside it, is there."""
    for one in (file, beside(file)):
        if one.is_symlink() or one.exists():
            raise KeyExists(
                f"{one} is there already, and a key is never overwritten", hint="give another --name"
            )


def create_in_file(name: str, file: Path, *, clock: Clock, passphrase: str | None = None) -> KeyCreated:
    """Make an identity in *file*, whose folder exists. Raises KeyExists."""
    check_free(file)
    fresh = make_identity(name, now=clock.now())
    try:
        public_file = keep_in_file(fresh, file, passphrase=passphrase)
    except FileExistsError as error:
        raise KeyExists(f"{file} is there already, and a key is never overwritten") from error
    return KeyCreated(name, fresh.public, file, public_file, passphrase is not None)


def create_in_keyring(name: str, *, clock: Clock) -> KeyCreated:
    """Make an identity in the keyring. Raises KeyExists, or GlacierkeepError if there is no keyring."""
    fresh = make_identity(name, now=clock.now())
    try:
        if named_in(InKeyring().read().decode("utf-8"), name):
            raise KeyExists(f"the keyring has a key {name} already", hint="give another --name")
        keep_in_keyring(fresh)
    except NotIdentity as error:
        raise GlacierkeepError(f"the keyring {error}") from error
    return KeyCreated(name, fresh.public, None, None, False)
