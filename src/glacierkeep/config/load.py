"""Options over environment over file over defaults, remembering where each value came from."""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from glacierkeep.config.keys import (
    Key,
    dotted,
    may_hold,
    neighbours,
    plain_keys,
    reader_of,
    variable_of,
)
from glacierkeep.config.lines import find_line
from glacierkeep.config.settings import (
    Budget,
    CatalogSettings,
    KeySettings,
    LocalSettings,
    Notify,
    Settings,
    TransferSettings,
    UploadSettings,
    VaultSettings,
    plain_vault,
)
from glacierkeep.domain.names import printable
from glacierkeep.domain.vault import VaultKind, looks_like_address, parse_address
from glacierkeep.errors import ConfigError

_AT_LINE = re.compile(r"(.*) \(at line (\d+), column (\d+)\)", re.DOTALL)


class Source(StrEnum):
    """The kinds of places a value comes from; the first named wins."""

    OPTION = "option"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from. *name*: the option, the variable, or the key in the file."""

    source: Source
    name: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings with the origin of every value that is not a default; *file_default* is the file's own default vault."""

    settings: Settings
    origins: Mapping[Key, Origin]
    file_default: str | None


@dataclass(frozen=True, slots=True)
class _Text:
    """A config.toml, for saying where something stands in it."""

    file: Path
    content: str

    def fault(self, key: Key, sentence: str, hint: str | None = None) -> ConfigError:
        line = find_line(self.content, key)
        place = f"{self.file}, line {line}" if line else str(self.file)
        return ConfigError(f"{place}: {sentence}", line=line, hint=hint)


def load(
    file: Path,
    *,
    environment: Mapping[str, str],
    options: Mapping[Key, tuple[str, str]] | None = None,
    profile: str | None = None,
) -> Loaded:
    """The settings. *options* maps a key to the option's name and its word; *profile* names a [profile.NAME].

    Raises ConfigError, which names file and line, variable or option; an absent file is an empty one.
    """
    text = read_text(file)
    return load_text(text, file, environment=environment, options=options or {}, profile=profile)


def read_text(file: Path) -> str:
    """What *file* holds, "" if it is absent. Raises ConfigError if it is not UTF-8."""
    try:
        return file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 text: {error.reason} at byte {error.start}") from error


def load_text(
    content: str,
    file: Path,
    *,
    environment: Mapping[str, str],
    options: Mapping[Key, tuple[str, str]],
    profile: str | None = None,
) -> Loaded:
    """As load, of the text *content* of *file*."""
    text = _Text(file, content)
    written = dict(_checked(text))
    found = {
        key: (value, Origin(Source.FILE, dotted(key)))
        for key, value in written.items()
        if key[0] != "profile"
    }
    found |= _overlay(text, written, profile)
    found |= _from_environment(environment)
    found |= _from_options(options)
    settings = _build(text, {key: value for key, (value, _) in found.items()})
    origins = {key: origin for key, (_, origin) in found.items()}
    return Loaded(settings, origins, written.get(("default_vault",)))


def check_text(content: str, file: Path) -> Loaded:
    """*content* as it would be loaded alone, its profiles and default vault included. Raises ConfigError."""
    plain = load_text(content, file, environment={}, options={})
    for profile in sorted({key[1] for key in _walk(content, file) if key[0] == "profile"}):
        _check_default(content, file, load_text(content, file, environment={}, options={}, profile=profile))
    _check_default(content, file, plain)
    return plain


def _check_default(content: str, file: Path, loaded: Loaded) -> None:
    name = loaded.settings.default_vault
    if name is None or name in loaded.settings.vaults:
        return
    fault = f"default_vault is {name!r}, but there is no [vault.{name}]"
    if looks_like_address(name):
        try:
            parse_address(name)
        except ValueError as error:
            fault = f"default_vault: {error}"
        else:
            return
    raise _Text(file, content).fault(("default_vault",), fault)


def _walk(content: str, file: Path) -> dict[Key, Any]:
    return dict(_leaves(_parse(_Text(file, content)), (), _Text(file, content)))


def _parse(text: _Text) -> dict[str, Any]:
    try:
        return tomllib.loads(text.content, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.fullmatch(str(error))
        if not found:
            raise ConfigError(f"{text.file}: {error}") from error
        line = int(found.group(2))
        raise ConfigError(f"{text.file}, line {line}: {found.group(1)}", line=line) from error


def _checked(text: _Text) -> Iterator[tuple[Key, Any]]:
    for key, value in _leaves(_parse(text), (), text):
        reader = reader_of(key)
        if reader is None:
            raise _unknown(text, key)
        try:
            yield key, reader.check(value)
        except ValueError as error:
            raise text.fault(key, f"{_shown(key)}: {error}") from error


def _leaves(table: dict[str, Any], above: Key, text: _Text) -> Iterator[tuple[Key, Any]]:
    for name, value in table.items():
        key = (*above, name)
        if reader_of(key) is not None:
            yield key, value
        elif not may_hold(key):
            raise _unknown(text, key)
        elif not isinstance(value, dict):
            raise text.fault(key, f"{_shown(key)} must be a table")
        else:
            yield from _leaves(value, key, text)


def unknown_key(key: Key) -> ConfigError:
    """The error for a *key* that does not exist, wherever it was named."""
    return ConfigError(f"unknown key {_shown(key)}", hint=_suggestion(key))


def _unknown(text: _Text, key: Key) -> ConfigError:
    return text.fault(key, f"unknown key {_shown(key)}", hint=_suggestion(key))


def _suggestion(key: Key) -> str | None:
    """The name that may have been meant by the first name of *key* that leads nowhere."""
    at = next((at for at in range(1, len(key)) if not may_hold(key[:at])), len(key))
    near = difflib.get_close_matches(key[at - 1], neighbours(key[:at]), n=1)
    return f"did you mean {near[0]}?" if near else None


def _shown(key: Key) -> str:
    return printable(dotted(key).encode())


def _overlay(text: _Text, written: dict[Key, Any], profile: str | None) -> dict[Key, tuple[Any, Origin]]:
    """The values of [profile.*] *profile*, under the keys they stand for."""
    if profile is None:
        return {}
    if not any(key[:2] == ("profile", profile) for key in written):
        there = sorted({key[1] for key in written if key[0] == "profile"})
        hint = (
            "there is " + ", ".join(there) if there else "AWS profiles are named by `profile` in [vault.NAME]"
        )
        raise ConfigError(f"{text.file} has no [profile.{printable(profile.encode())}]", hint=hint)
    return {
        key[2:]: (value, Origin(Source.FILE, dotted(key)))
        for key, value in written.items()
        if key[:2] == ("profile", profile)
    }


def _from_environment(environment: Mapping[str, str]) -> dict[Key, tuple[Any, Origin]]:
    named = ((key, variable_of(key)) for key in plain_keys())
    return {
        key: (_read_word(key, environment[name], name), Origin(Source.ENVIRONMENT, name))
        for key, name in named
        if name and environment.get(name)
    }


def _from_options(options: Mapping[Key, tuple[str, str]]) -> dict[Key, tuple[Any, Origin]]:
    return {
        key: (_read_word(key, word, name), Origin(Source.OPTION, name))
        for key, (name, word) in options.items()
    }


def _read_word(key: Key, word: str, name: str) -> Any:
    reader = reader_of(key)
    if reader is None:
        raise ConfigError(f"{name}: unknown key {_shown(key)}", hint=_suggestion(key))
    try:
        return reader.check(reader.from_word(word))
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from error


def _build(text: _Text, values: Mapping[Key, Any]) -> Settings:
    names = sorted({key[1] for key in values if key[0] == "vault"})
    return Settings(
        default_vault=values.get(("default_vault",)),
        vaults={name: _build_vault(text, name, _below(values, ("vault", name))) for name in names},
        budget=Budget(**_below(values, ("budget",))),
        catalog=CatalogSettings(**_below(values, ("catalog",))),
        keys=KeySettings(**_below(values, ("keys",))),
        local=LocalSettings(**_below(values, ("local",))),
        notify=Notify(**_below(values, ("notify",))),
        transfer=TransferSettings(**_below(values, ("transfer",))),
        upload=UploadSettings(**_below(values, ("upload",))),
    )


def _build_vault(text: _Text, name: str, given: dict[str, Any]) -> VaultSettings:
    key = ("vault", name)
    if "url" not in given:
        raise text.fault(key, f"[vault.{name}] has no url", hint='such as url = "glacier://eu-west-1/photos"')
    kind = given["url"].kind
    for only, last in ((VaultKind.S3, "storage_class"), (VaultKind.LOCAL, "realistic")):
        if last in given and kind is not only:
            raise text.fault(
                (*key, last), f"{dotted((*key, last))} is only for vaults whose url begins with {only}:"
            )
    return replace(plain_vault(given["url"]), **given)


def _below(values: Mapping[Key, Any], table: Key) -> dict[str, Any]:
    return {key[-1]: value for key, value in values.items() if key[:-1] == table}
