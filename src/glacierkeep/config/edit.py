"""Changing config.toml: comments and order are kept, the result is checked before it is written."""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError

from glacierkeep.config import atomic
from glacierkeep.config.keys import Key, dotted, reader_of
from glacierkeep.config.load import check_text, read_text, unknown_key
from glacierkeep.config.paths import make_private
from glacierkeep.errors import ConfigError


def set_word(file: Path, key: Key, word: str) -> None:
    """Set *key* to what *word* says. Raises ConfigError; then nothing was written."""
    reader = reader_of(key)
    if reader is None:
        raise unknown_key(key)
    try:
        value = reader.from_word(word)
        reader.check(value)
    except ValueError as error:
        raise ConfigError(f"{dotted(key)}: {error}") from error
    edit(file, lambda document: _put(document, key, value))


def add_vault(file: Path, name: str, values: Mapping[str, str], *, default: bool) -> None:
    """Add [vault.NAME] with *values*, or leave it if it is there; with *default*, let it be the default vault."""

    def change(document: TOMLDocument) -> None:
        if name not in document.get("vault", {}):
            _put_all(document, ("vault", name), values)
        if default:
            _put(document, ("default_vault",), name)

    edit(file, change)


def change_recipients(
    file: Path, name: str, url: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()
) -> None:
    """Take the texts *remove* out of the recipients of [vault.NAME], which is made with *url* if absent, and put *add*
    at their end."""

    def change(document: TOMLDocument) -> None:
        if name not in document.get("vault", {}):
            _put_all(document, ("vault", name), {"url": url, "recipients": list(add)})
        else:
            _change_list(document, ("vault", name, "recipients"), add, remove)

    edit(file, change)


def add_identity_file(file: Path, identity: Path) -> None:
    """Put *identity* at the end of keys.identity_files."""
    edit(file, lambda document: _change_list(document, ("keys", "identity_files"), [str(identity)], []))


def _change_list(document: TOMLDocument, key: Key, add: Sequence[str], remove: Sequence[str]) -> None:
    """Change the list at *key* without touching what stays in it, nor the comments between."""
    table: Any = document
    for name in key[:-1]:
        table = table.get(name, {})
    if key[-1] not in table:
        _put(document, key, list(add))
        return
    there = table[key[-1]]
    for text in remove:
        if text in there:
            there.remove(text)
    for text in add:
        if text not in there:
            there.append(text)


def set_default(file: Path, name: str) -> None:
    """Let *name*, a configured name or an address, be the default vault."""
    edit(file, lambda document: _put(document, ("default_vault",), name))


def set_first_default(file: Path, name: str) -> bool:
    """Let *name* be the default vault unless there is one already; whether it is now."""
    done: list[bool] = []

    def change(document: TOMLDocument) -> None:
        if "default_vault" not in document:
            _put(document, ("default_vault",), name)
            done.append(True)

    edit(file, change)
    return bool(done)


def remove_vault(file: Path, name: str) -> None:
    """Take [vault.NAME] out; if it is the default vault, there is none any more."""

    def change(document: TOMLDocument) -> None:
        vaults = document.get("vault", {})
        if name in vaults:
            del vaults[name]
        if document.get("default_vault") == name:
            del document["default_vault"]

    edit(file, change)


def edit(file: Path, change: Callable[[TOMLDocument], None]) -> None:
    """Apply *change* to *file*, made if absent. Raises ConfigError; then nothing was written."""
    make_private(file.parent)
    with _alone(file.parent):
        before = read_text(file)
        check_text(before, file)
        document = _parse(before, file)
        change(document)
        after = tomlkit.dumps(document)
        if after != before:
            check_text(after, file)
            atomic.replace(file, after.encode("utf-8"))


def _parse(text: str, file: Path) -> TOMLDocument:
    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise ConfigError(f"{file}: {error}") from error


def _put(document: TOMLDocument, key: Key, value: Any) -> None:
    _put_all(document, key[:-1], {key[-1]: value})


def _put_all(document: TOMLDocument, names: Key, values: Mapping[str, Any]) -> None:
    """Set *values* in the table *names*, which is made, with a blank line after it, if absent."""
    table: Any = document
    made = False
    for at, name in enumerate(names):
        if name not in table:
            # [vault] itself is never written, only [vault.photos].
            table[name] = tomlkit.table(is_super_table=at < len(names) - 1)
            made = True
        table = table[name]
    for name, value in values.items():
        table[name] = _number(value) if isinstance(value, Decimal) else value
    if made:
        table.add(tomlkit.nl())


def _number(value: Decimal) -> Any:
    """*value* as a TOML number with the digits it was written with."""
    text = format(value, "f")
    return tomlkit.value(text if "." in text else f"{text}.0")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time changes files of *folder*; the lock goes with the process."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
