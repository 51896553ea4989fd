"""gk key list and check: which keys seal and open, and the proof that what is sealed can be opened."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from glacierkeep.catalog import Catalog
from glacierkeep.clock import Clock
from glacierkeep.domain.token import crockford
from glacierkeep.domain.vault import VaultAddress
from glacierkeep.errors import GlacierkeepError, NoIdentity
from glacierkeep.keys.identities import DamagedSeal, Held, Identities
from glacierkeep.keys.recipients import Recipients, SealedVault

_CHECKED = "recipients-checked:"
_CHALLENGED = "recipients-challenge:"
"""Keys of the catalog's own values; a fingerprint follows. The one holds a time, the other a SHA-256."""

_WORD_BYTES = 10


@dataclass(frozen=True, slots=True)
class RecipientListed:
    """A public key that a vault is sealed to. *place*: where the identity that opens it lies, None if not at hand."""

    recipient: str
    place: str | None


@dataclass(frozen=True, slots=True)
class VaultKeys:
    """What a vault is sealed to. *opens*: whether an identity at hand opens it, None if only a passphrase would tell;
    *checked_at*: when that was proved, None if it never was."""

    vault: VaultAddress
    nickname: str
    recipients: tuple[RecipientListed, ...]
    opens: bool | None
    checked_at: datetime | None


@dataclass(frozen=True, slots=True)
class IdentityListed:
    """An identity at hand; *public* is None if only its passphrase would tell."""

    place: str
    public: str | None
    protected: bool
    vaults: tuple[VaultAddress, ...]


@dataclass(frozen=True, slots=True)
class KeysChecked:
    """It was proved that what the vault's recipients seal can be opened."""

    vault: VaultAddress
    fingerprint: str
    checked_at: datetime


def list_vault_keys(
    vaults: Sequence[SealedVault], held: Sequence[Held], *, catalog: Catalog
) -> Iterator[VaultKeys]:
    """Each of *vaults* beside the identities that are *held*."""
    places = {one.public: one.place for one in held if one.public}
    unknown = any(one.public is None for one in held)
    for vault in vaults:
        listed = tuple(RecipientListed(text, places.get(text)) for text in vault.recipients.texts)
        opens = any(one.place for one in listed) or (None if unknown else False)
        checked_at = checked_when(vault.recipients, catalog=catalog)
        yield VaultKeys(vault.address, vault.nickname, listed, opens, checked_at)


def list_identities(vaults: Sequence[SealedVault], held: Sequence[Held]) -> Iterator[IdentityListed]:
    """What is *held*, with those of *vaults* that are sealed to it."""
    for one in held:
        opened = tuple(vault.address for vault in vaults if one.public in vault.recipients.texts)
        yield IdentityListed(one.place, one.public, one.protected, opened)


class NotChecked(GlacierkeepError):
    """Something was to be sealed to recipients of whom nobody proved that their key is there."""

    code = "not-checked"


def require_checked(recipients: Recipients, vault: VaultAddress, *, catalog: Catalog) -> None:
    """Raises NotChecked unless it was proved once that what these recipients seal can be opened."""
    if checked_when(recipients, catalog=catalog) is None:
        raise NotChecked(
            f"{vault} is sealed to keys that were not checked here yet; nothing was sent. Whoever loses the secret"
            " key loses all that is sealed to it, and nobody can help",
            hint="gk key check proves that the key is there; gk key export prints it, to be kept elsewhere",
        )


def checked_when(recipients: Recipients, *, catalog: Catalog) -> datetime | None:
    """When that was proved last."""
    with catalog.read() as records:
        value = records.identity.get(_CHECKED + recipients.fingerprint)
    return datetime.fromisoformat(value) if value else None


def check(
    vault: VaultAddress,
    recipients: Recipients,
    identities: Identities,
    *,
    catalog: Catalog,
    clock: Clock,
    random: Callable[[int], bytes] = os.urandom,
) -> KeysChecked:
    """Seal random bytes, open them, and write down that it went well. Raises NoIdentity."""
    secret = random(32)
    try:
        opened = identities.open(recipients.seal(secret))
    except DamagedSeal as error:
        raise NoIdentity(f"what was just sealed for {vault} {error}") from error
    except NoIdentity as error:
        raise NoIdentity(f"{vault}: {error}", hint=error.hint) from error
    if opened != secret:
        raise NoIdentity(f"what was sealed for {vault} opens as something else")
    return _passed(vault, recipients, catalog, clock)


def challenge(
    recipients: Recipients,
    *,
    write: Callable[[bytes], None],
    catalog: Catalog,
    random: Callable[[int], bytes] = os.urandom,
) -> None:
    """Hand a random word, sealed, as lines of text, to *write*. Only its hash is kept, and that of an earlier one no
    more."""
    word = crockford(random(_WORD_BYTES))
    write(recipients.seal(f"{word}\n".encode("ascii"), armored=True))
    with catalog.write() as records:
        records.identity.set(_CHALLENGED + recipients.fingerprint, _hash(word))


def answer(
    vault: VaultAddress, recipients: Recipients, word: str, *, catalog: Catalog, clock: Clock
) -> KeysChecked:
    """Compare *word* with that of the last challenge. Raises NoIdentity."""
    with catalog.read() as records:
        wanted = records.identity.get(_CHALLENGED + recipients.fingerprint)
    if not wanted:
        raise NoIdentity(
            f"no challenge was made for the recipients of {vault}",
            hint="gk key check --challenge FILE makes one",
        )
    if _hash(word.strip().lower()) != wanted:
        raise NoIdentity(
            "that is not the word of the last challenge",
            hint="open the newest file with: age -d -i KEY FILE",
        )
    return _passed(vault, recipients, catalog, clock)


def _passed(vault: VaultAddress, recipients: Recipients, catalog: Catalog, clock: Clock) -> KeysChecked:
    now = clock.now()
    with catalog.write() as records:
        records.identity.set(_CHECKED + recipients.fingerprint, now.isoformat())
        if records.identity.get(_CHALLENGED + recipients.fingerprint):
            records.identity.set(_CHALLENGED + recipients.fingerprint, "")
    return KeysChecked(vault, recipients.fingerprint, now)


def _hash(word: str) -> str:
    return hashlib.sha256(word.encode("utf-8", "surrogateescape")).hexdigest()
