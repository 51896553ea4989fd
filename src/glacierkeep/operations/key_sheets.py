"""gk key export, and check --sheet: keys on paper."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from glacierkeep.errors import GlacierkeepError, NoIdentity
from glacierkeep.keys.identities import Identities
from glacierkeep.keys.identity import NotIdentity, is_protected, read_identities, unprotected
from glacierkeep.keys.sheet import Sheet, armored, as_html, as_text, read_typed
from glacierkeep.keys.writing import write_new
from glacierkeep.operations.key_names import Keep


@dataclass(frozen=True, slots=True)
class SheetWritten:
    """A recovery sheet was written to *file*; *protected*: it is worth nothing without the passphrase."""

    name: str
    file: Path
    protected: bool


@dataclass(frozen=True, slots=True, repr=False)
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


def write_private(file: Path, content: bytes) -> None:
    """Write *content* to the new *file*, mode 0600. Raises GlacierkeepError if it is there."""
    try:
        write_new(file, content)
    except FileExistsError as error:
        raise GlacierkeepError(f"{file} is there already, and is not overwritten") from error


def from_sheet(text: str, ask: Callable[[str], str]) -> Identities:
    """The identity that was typed from a sheet. Raises SheetMistyped or NoIdentity."""
    return Identities([Typed(read_typed(text))], ask=ask)


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
