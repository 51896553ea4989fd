"""Where identities come from: files, a command's standard output, the keyring. Never from words of a command line."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from glacierkeep.errors import UsageError
from glacierkeep.keys.commands import CommandFailed, output_of
from glacierkeep.keys.identity import LONGEST, NotIdentity
from glacierkeep.keys.recipients import Recipients

SERVICE = "glacierkeep"
"""The service under which the keyring keeps identities."""

_ENTRY = "identities"


class Source(Protocol):
    """A place where identities may lie."""

    @property
    def place(self) -> str:
        """What people call it."""

    def read(self) -> bytes:
        """What lies there, b"" for nothing. Raises NotIdentity."""

    def public(self) -> str | None:
        """The public key that stands beside it, for what only a passphrase would tell."""


@dataclass(frozen=True, slots=True)
class IdentityFile:
    """An identity file, an OpenSSH private key, or either protected by age's passphrase."""

    path: Path

    @property
    def place(self) -> str:
        return str(self.path)

    def read(self) -> bytes:
        try:
            with open(self.path, "rb") as opened:
                return opened.read(LONGEST + 1)
        except OSError as error:
            raise NotIdentity(f"cannot be read: {error.strerror}") from error

    def public(self) -> str | None:
        try:
            return Recipients.parse([beside(self.path).read_text("ascii")]).texts[0]
        except (OSError, UnicodeDecodeError, UsageError):
            return None


@dataclass(frozen=True, slots=True)
class CommandOutput:
    """What a line for /bin/sh prints."""

    command: str

    @property
    def place(self) -> str:
        return "keys.identity_command"

    def read(self) -> bytes:
        try:
            return output_of(self.command)
        except CommandFailed as error:
            raise NotIdentity(str(error)) from error

    def public(self) -> str | None:
        return None


@dataclass(frozen=True, slots=True)
class InKeyring:
    """The keyring of the person's session: one entry, in the form of an identity file."""

    @property
    def place(self) -> str:
        return "the keyring"

    def read(self) -> bytes:
        keyring = _keyring()
        try:
            return (keyring.get_password(SERVICE, _ENTRY) or "").encode("utf-8")
        except keyring.errors.KeyringError as error:
            raise NotIdentity(f"cannot be read: {error}") from error

    def public(self) -> str | None:
        return None

    def add(self, text: str) -> None:
        """Keep *text*, lines of an identity file, beside what is there. Raises NotIdentity."""
        keyring, before = _keyring(), self.read().decode("utf-8")
        try:
            keyring.set_password(SERVICE, _ENTRY, before + text)
        except keyring.errors.KeyringError as error:
            raise NotIdentity(f"cannot be written: {error}") from error


def beside(file: Path) -> Path:
    """Where the public key of the identity in *file* is written: `main.pub` of `main.txt`, `id.pub` of `id`."""
    return file.with_suffix(".pub") if file.suffix == ".txt" else file.with_name(f"{file.name}.pub")


def readable_by_others(file: Path) -> bool:
    """Whether anybody but its owner may read or change *file*; False if it is not there."""
    try:
        return bool(os.stat(file).st_mode & 0o077)
    except OSError:
        return False


def _keyring() -> Any:
    try:
        import keyring
        import keyring.errors
    except ImportError as error:
        raise NotIdentity("needs the extra: pip install 'glacierkeep[keyring]'") from error
    return keyring
