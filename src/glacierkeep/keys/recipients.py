"""Recipients: the public keys that archives are sealed to. What is sealed once keeps its recipients for ever."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from glacierkeep.domain.vault import VaultAddress
from glacierkeep.errors import UsageError
from glacierkeep.keys import ssh
from glacierkeep.keys.secrecy import holds_secret

_SHOWN = 20
_FINGERPRINT = 32


class NotRecipient(UsageError):
    """A text that is no public key to seal to: the one at *place*, counted from 1. Never repeats a secret."""

    code = "not-recipient"

    def __init__(self, place: int, reason: str, *, hint: str | None = None) -> None:
        super().__init__(f"recipient {place} {reason}", hint=hint)
        self.place = place
        self.reason = reason


class Recipients:
    """At least one public key. *texts*: the distinct keys, without comments, as they were first named."""

    def __init__(self, texts: tuple[str, ...], keys: Sequence[Any]) -> None:
        self.texts = texts
        self._keys = keys

    @classmethod
    def parse(cls, texts: Sequence[str]) -> "Recipients":
        """The recipients *texts* spell: `age1…`, `ssh-ed25519 …`, `ssh-rsa …`. Raises NotRecipient or UsageError."""
        if not texts:
            raise UsageError("no recipient is named")
        found = dict(_parsed(place, text) for place, text in enumerate(texts, start=1))
        return cls(tuple(found), list(found.values()))

    @property
    def fingerprint(self) -> str:
        """What this set of keys is known by, whatever their order and comments: 32 hexadecimal digits."""
        digest = hashlib.sha256("\n".join(sorted(self.texts)).encode("ascii")).hexdigest()
        return digest[:_FINGERPRINT]

    def seal(self, plain: bytes, *, armored: bool = False) -> bytes:
        """*plain* as one age file that each of the recipients can open; *armored*, as lines of text."""
        import pyrage

        sealed: bytes = pyrage.encrypt(plain, self._keys, armored=armored)
        return sealed


@dataclass(frozen=True, slots=True)
class SealedVault:
    """A vault whose archives are sealed, and to whom; *nickname* is its name in the configuration."""

    address: VaultAddress
    nickname: str
    recipients: Recipients


def _parsed(place: int, text: str) -> tuple[str, Any]:
    words = text.strip()
    if holds_secret(words):
        raise NotRecipient(
            place,
            "is a secret key, not a public one",
            hint="keep it secret: whoever saw it can read what is sealed to it. A public key begins with age1 or ssh-",
        )
    if words.lower().startswith("age1"):
        return _of_age(place, words)
    if words.startswith("ssh-"):
        return _of_ssh(place, words)
    raise NotRecipient(
        place,
        "is no public key",
        hint="one begins with age1, ssh-ed25519 or ssh-rsa; gk key list shows those of your own keys",
    )


def _of_age(place: int, text: str) -> tuple[str, Any]:
    import pyrage

    try:
        key = pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        hint = "was it copied whole? gk seals to X25519 keys (age1 and 58 characters) and to SSH keys"
        raise NotRecipient(place, f"({_shown(text)}) is not an age public key", hint=hint) from error
    return str(key), key


def _of_ssh(place: int, text: str) -> tuple[str, Any]:
    import pyrage

    kind = _shown(text.split(maxsplit=1)[0])
    try:
        plain = ssh.canonical(text)
        return plain, pyrage.ssh.Recipient.from_str(plain)
    except ValueError as error:
        hint = "name the whole line of a .pub file, in quotes on a command line"
        raise NotRecipient(place, f"({kind}) {error}", hint=hint) from error
    except pyrage.RecipientError as error:
        hint = "an RSA key needs 2048 bits" if "RsaModulusTooSmall" in str(error) else "was it copied whole?"
        raise NotRecipient(place, f"({kind}) is not an SSH public key to seal to", hint=hint) from error


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
