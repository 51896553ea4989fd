"""gk key add: what words mean as recipients."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from glacierkeep.domain.vault import VaultAddress
from glacierkeep.errors import NothingToDo, UsageError
from glacierkeep.keys.recipients import Recipients
from glacierkeep.keys.secrecy import holds_secret

_LONGEST = 1 << 16

_INSTEAD = (
    "keep it secret, and name the public key: it begins with age1 or ssh-, or is in a file that ends in .pub"
)


@dataclass(frozen=True, slots=True)
class RecipientsChanged:
    """The recipients of a vault were changed: archives made from now on are sealed to them. *checked*: whether it was
    ever proved that they can be opened."""

    vault: VaultAddress
    nickname: str
    recipients: tuple[str, ...]
    checked: bool


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of the texts of a vault's recipients: *before* as they are, *add* and *remove* to be done."""

    add: tuple[str, ...]
    remove: tuple[str, ...]
    after: tuple[str, ...]


def plan_change(before: Sequence[str], add: Sequence[str], remove: Sequence[str]) -> Change:
    """How the texts *before* change; spelling and comments make no difference. Raises UsageError or NothingToDo."""
    there = {Recipients.parse([text]).texts[0]: text for text in before}
    if add:
        Recipients.parse(add)
    new = {Recipients.parse([text]).texts[0]: text for text in add}
    gone = Recipients.parse(remove).texts if remove else ()
    for one in gone:
        if one not in there:
            raise NothingToDo(f"{one} is no recipient of this vault", hint="gk key list shows them")
    added = tuple(text for key, text in new.items() if key not in there)
    after = tuple(text for key, text in there.items() if key not in gone)
    return Change(added, tuple(there[one] for one in gone), (*after, *added))


def resolve(word: str, own: Callable[[str], Sequence[str] | None]) -> list[str]:
    """The public keys that *word* means: itself, those of one's *own* identity of that name, or a .pub file's lines.

    Raises UsageError, which never repeats a secret.
    """
    if holds_secret(word):
        raise UsageError("that is a secret key, and now it is in the history of the shell", hint=_INSTEAD)
    if word.lower().startswith("age1") or word.startswith("ssh-"):
        return [word.strip()]
    known = own(word)
    if known is None:
        return _of_file(Path(word))
    if not known:
        raise UsageError(f"only the passphrase of {word} would tell its public key", hint="name that itself")
    return list(known)


def _of_file(file: Path) -> list[str]:
    try:
        with open(file, "rb") as opened:
            text = opened.read(_LONGEST).decode("utf-8", "replace")
    except OSError as error:
        raise UsageError(
            f"{file} is neither a public key, a key of yours, nor a file that can be read",
            hint="a public key begins with age1, ssh-ed25519 or ssh-rsa, and is one word of the shell: quote it",
        ) from error
    if holds_secret(text) or text.startswith("age-encryption.org/") or "BEGIN AGE" in text:
        raise UsageError(f"{file} holds a secret key", hint=_INSTEAD)
    found = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not found:
        raise UsageError(f"{file} holds no public key")
    return found
