"""Access keys: who may sign requests, read from an AWS shared-credentials file; and a first key made for it."""

import configparser
import os
import re
import secrets
import string
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from glacierkeep.local.wire.identity import ACCOUNT

MAX_FILE_BYTES = 1024 * 1024

_ID = re.compile(r"[A-Za-z0-9_.+@-]{1,128}")
_SECRET = re.compile(r"[\x21-\x7e]{1,8192}")
_USER = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")

_ID_LETTERS = string.ascii_uppercase + "234567"
_SECRET_LETTERS = string.ascii_letters + string.digits + "/+"


@dataclass(frozen=True, slots=True)
class Key:
    """An access key of *account* (12 digits), of one of its users if *user* is named.

    With a *token* it is a temporary key, whose requests must carry that token. From *expires* on (UTC) it is
    refused. ValueError for a part that could not be one.
    """

    id: str
    secret: str = field(repr=False)
    account: str
    user: str | None = None
    token: str | None = field(default=None, repr=False)
    expires: datetime | None = None

    def __post_init__(self) -> None:
        for name, pattern, value in (
            ("access key id", _ID, self.id),
            ("secret access key", _SECRET, self.secret),
            ("account of 12 digits", ACCOUNT, self.account),
            ("user name", _USER, self.user),
            ("session token", _SECRET, self.token),
        ):
            if value is not None and not pattern.fullmatch(value):
                raise ValueError(f"no {name}")
        if self.expires is not None and self.expires.tzinfo is None:
            raise ValueError("the moment of expiry has no time zone")


class Keys(Mapping[str, Key]):
    """Keys by their ids. ValueError when two have the same."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        self._keys: dict[str, Key] = {}
        for key in keys:
            if key.id in self._keys:
                raise ValueError(f"two access keys have the id {key.id}")
            self._keys[key.id] = key

    def __getitem__(self, key_id: str) -> Key:
        return self._keys[key_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


def read_keys(path: Path, account: str) -> Keys:
    """The keys in a shared-credentials file, which is one for the AWS command line and SDKs as well.

    A profile may have ``aws_account_id`` (else it is of *account*), and ``gk_user`` and ``gk_expires``
    (ISO 8601, UTC), which only this service reads. Profiles without a key are passed over. OSError when the
    file cannot be read; ValueError, naming file and profile, when it holds no keys or impossible ones.
    """
    profiles = _parse(path)
    found: dict[str, tuple[str, Key]] = {}
    for name in profiles.sections():
        key = _key(path, name, profiles[name], account)
        if key is None:
            continue
        if key.id in found:
            raise ValueError(
                f"{path}: profiles {found[key.id][0]!r} and {name!r} have the same access key id"
            )
        found[key.id] = (name, key)
    if not found:
        raise ValueError(f"{path}: no profile has an access key")
    return Keys(key for _, key in found.values())


def make_keys_file(path: Path) -> None:
    """Write a file with one new random key (profile ``default``, mode 0600), unless it is there.

    Of several who do so at once one wins, and the others find its file. OSError when it cannot be written.
    """
    if path.exists():
        return
    key_id = "AKIA" + _random(_ID_LETTERS, 16)
    lines = f"aws_access_key_id = {key_id}\naws_secret_access_key = {_random(_SECRET_LETTERS, 40)}\n"
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write("[default]\n" + lines)
            file.flush()
            os.fsync(file.fileno())
        # Unlike a rename, a link never replaces what another process made in the meantime.
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _parse(path: Path) -> configparser.RawConfigParser:
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"{path}: larger than 1 MiB, no credentials file")
    # No section has an empty name, so that none is a default for the others.
    parser = configparser.RawConfigParser(default_section="")
    try:
        parser.read_string(content.decode("utf-8"))
    except configparser.DuplicateSectionError as error:
        raise ValueError(f"{path}: profile {error.section!r} is there twice") from None
    except configparser.DuplicateOptionError as error:
        raise ValueError(f"{path}: profile {error.section!r} has {error.option} twice") from None
    except (configparser.Error, UnicodeDecodeError):
        # What these errors quote may be a secret.
        raise ValueError(
            f"{path}: no credentials file, which has [profiles] with lines of name = value"
        ) from None
    return parser


def _key(path: Path, name: str, profile: configparser.SectionProxy, account: str) -> Key | None:
    where = f"{path}: profile {name!r}"
    key_id, secret = profile.get("aws_access_key_id"), profile.get("aws_secret_access_key")
    if key_id is None and secret is None:
        return None
    if not key_id or not secret:
        raise ValueError(f"{where}: an access key has aws_access_key_id and aws_secret_access_key")
    try:
        return Key(
            id=key_id,
            secret=secret,
            account=profile.get("aws_account_id", account),
            user=profile.get("gk_user"),
            token=profile.get("aws_session_token"),
            expires=_moment(profile.get("gk_expires")),
        )
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"gk_expires is no moment in ISO 8601: {text!r}") from None
    if moment.utcoffset() is None or moment.utcoffset():
        raise ValueError(f"gk_expires is not in UTC, as 2026-03-01T12:00:00Z is: {text!r}")
    return moment.astimezone(UTC)


def _random(letters: str, length: int) -> str:
    return "".join(secrets.choice(letters) for _ in range(length))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
