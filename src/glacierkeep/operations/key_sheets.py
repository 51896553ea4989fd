"""gk key export, and check --sheet: keys on paper."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from glacierkeep.errors import GlacierkeepError, NoIdentity, UsageError
from glacierkeep.keys.identities import Identities
from glacierkeep.keys.identity import NotIdentity, is_protected, read_identities, unprotected
from glacierkeep.keys.sheet import Sheet, armored, as_html, as_text, read_typed
from glacierkeep.keys.sources import IdentityFile, InKeyring, Source
from glacierkeep.keys.writing import write_new

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


@dataclass(frozen=True, slots=True)
class SheetWritten:
    """A recovery sheet was written to *file*; *protected*: it is worth nothing without the passphrase."""

    name: str
    file: Path
    protected: bool


@dataclass(frozen=True, slots=True)
class Typed:
    """A source: what was typed from a sheet."""

    secret: str

    @property
    def place(self) -> str:
        return "the sheet"

    def read(self) -> bytes:
        return self.secret.encode("utf-8")

    def public(self) -> str | None:
        return None


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


def make_sheet(
    keep: Keep,
    *,
    vaults_of: Callable[[str | None], Sequence[str]],
    date: datetime,
    html: bool = False,
    ask: Callable[[str], str] | None = None,
) -> tuple[bytes, bool]:
    """The sheet of *keep*, and whether it holds the protected form; with *ask*, a passphrase is asked for, and it does
    not. *vaults_of* tells the vaults that a public key seals. Raises NoIdentity or GlacierkeepError."""
    content, public = keep.content, keep.source.public()
    if is_protected(content) and ask is not None:
        content = _opened(content, keep.name, ask)
    if is_protected(content):
        secret = _as_text(content)
    else:
        public, secret = _only(content, keep.name)
    sheet = Sheet(keep.name, public, secret, vaults_of(public), date)
    return (as_html(sheet) if html else as_text(sheet)).encode("utf-8"), is_protected(content)


def write_sheet(file: Path, content: bytes) -> None:
    """Write the sheet to the new *file*, mode 0600. Raises GlacierkeepError if it is there."""
    try:
        write_new(file, content)
    except FileExistsError as error:
        raise GlacierkeepError(f"{file} is there already, and is not overwritten") from error


def from_sheet(text: str, ask: Callable[[str], str]) -> Identities:
    """The identity that was typed from a sheet. Raises SheetMistyped or NoIdentity."""
    return Identities([Typed(read_typed(text))], ask=ask)


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


def _opened(content: bytes, name: str, ask: Callable[[str], str]) -> bytes:
    try:
        return unprotected(content, ask(f"passphrase of {name}"))
    except NotIdentity as error:
        raise NoIdentity(f"{name}: {error}") from error


def _as_text(content: bytes) -> str:
    """The protected *content* in the spelling of a sheet."""
    if content.lstrip().startswith(b"-"):
        return read_typed(content.decode("ascii", "replace"))
    return armored(content)


def _only(content: bytes, name: str) -> tuple[str | None, str]:
    """The public key and the secret of the one identity in *content*."""
    try:
        found = read_identities(content)
    except NotIdentity as error:
        raise NoIdentity(f"{name} {error}") from error
    if len(found) > 1:
        raise GlacierkeepError(
            f"{name} holds {len(found)} keys", hint="a sheet is for one; put each in a file"
        )
    if found[0].secret is None:
        raise GlacierkeepError(f"{name} is an SSH key", hint="keep its file as you keep your other SSH keys")
    return found[0].public, found[0].secret
