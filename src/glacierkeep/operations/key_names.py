"""Keys of one's own by their names: an identity file's own name, or the comment `# name:` in the keyring."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from glacierkeep.errors import GlacierkeepError, NoIdentity, UsageError
from glacierkeep.keys.identity import NotIdentity, is_protected, read_identities
from glacierkeep.keys.sources import IdentityFile, InKeyring, Source

_NAME = re.compile(r"^# name: (.+)$", re.MULTILINE)


class NoSuchKey(GlacierkeepError):
    """No identity at hand has that name."""

    code = "no-such-key"


@dataclass(frozen=True, slots=True, repr=False)
class Keep:
    """An identity that has a name: the content it lies in, which may be protected, and the *source* of that."""

    name: str
    content: bytes
    source: Source


def find_keep(name: str | None, sources: Sequence[Source]) -> Keep:
    """The identity called *name* in *sources*, or the only one. Raises NoSuchKey or NoIdentity."""
    there = [keep for source in sources for keep in _keeps(source)]
    found = [keep for keep in there if name in (None, keep.name)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(keep.name for keep in there)
    if not there:
        raise NoIdentity("no key is at hand", hint="gk key create makes one")
    if name is None:
        raise UsageError("several keys are at hand", hint=f"name one of them: {names}")
    if found:
        raise NoSuchKey(f"{len(found)} keys are called {name}", hint="rename the file of one of them")
    raise NoSuchKey(f"no key is called {name}", hint=f"there is {names}")


def named_in(text: str, name: str) -> str | None:
    """The lines of the identity called *name* among those in *text*, as in the keyring."""
    return next((part for part in _parts(text) if _called(part) == name), None)


def publics_called(name: str, sources: Sequence[Source]) -> list[str] | None:
    """The public keys of the identities called *name*, none if only a passphrase would tell; None if there is no such
    name."""
    found = [keep for source in sources for keep in _keeps(source) if keep.name == name]
    return [public for keep in found for public in _publics(keep)] if found else None


def _publics(keep: Keep) -> list[str]:
    if is_protected(keep.content):
        beside = keep.source.public()
        return [beside] if beside else []
    try:
        return [identity.public for identity in read_identities(keep.content) if identity.public]
    except NotIdentity:
        return []


def _keeps(source: Source) -> list[Keep]:
    try:
        content = source.read()
    except NotIdentity:
        return []
    if isinstance(source, IdentityFile):
        return [Keep(source.path.stem, content, source)]
    if isinstance(source, InKeyring):
        parts = _parts(content.decode("utf-8"))
        return [Keep(name, part.encode("utf-8"), source) for part in parts if (name := _called(part))]
    return []


def _parts(text: str) -> list[str]:
    return [part for part in re.split(r"(?m)^(?=# name: )", text) if part]


def _called(part: str) -> str | None:
    found = _NAME.match(part)
    return found[1] if found else None
