"""The keys of config.toml: what may stand where.

A key is a tuple of names, such as ("vault", "photos", "tier"); its dotted text is what people write.
"""

import re
from collections.abc import Mapping
from typing import TypeAlias

from glacierkeep.config import readers
from glacierkeep.config.readers import Reader
from glacierkeep.config.settings import StorageClass
from glacierkeep.domain.filling import MOST_MEMBERS_EVER
from glacierkeep.domain.forms import Compression
from glacierkeep.domain.limits import GIB, KIB, MAX_PART_SIZE, MIB, MIN_PART_SIZE
from glacierkeep.domain.service import Tier

Key: TypeAlias = tuple[str, ...]

TOP: Mapping[str, Reader] = {"default_vault": readers.text}

TABLES: Mapping[str, Mapping[str, Reader]] = {
    "budget": {"month": readers.money},
    "catalog": {"url": readers.text, "mirror": readers.path, "copy_to_vault": readers.flag},
    "keys": {
        "identity_files": readers.paths,
        "identity_command": readers.text,
        "passphrase_command": readers.text,
        "keyring": readers.flag,
    },
    "local": {"faults": readers.texts, "sns_endpoint_url": readers.text},
    "notify": {"healthchecks": readers.text, "apprise": readers.texts, "command": readers.text},
    "retrieve": {"jobs": readers.count(1, 64)},
    "transfer": {
        "limit_upload": readers.timetable,
        "limit_download": readers.timetable,
        "max_transfer": readers.size(1, 1024 * 1024 * GIB),
        "max_duration": readers.some_time,
        "retry_for": readers.duration,
    },
    "upload": {
        "exclude": readers.texts,
        "exclude_caches": readers.flag,
        "one_file_system": readers.flag,
        "xattrs": readers.flag,
        "jobs": readers.count(1, 64),
    },
}

VAULT: Mapping[str, Reader] = {
    "url": readers.address,
    "profile": readers.text,
    "endpoint_url": readers.text,
    "storage_class": readers.one_of(StorageClass),
    "tier": readers.one_of(Tier),
    "part_size": readers.size(MIN_PART_SIZE, MAX_PART_SIZE, power=True),
    "bundle_size": readers.size(MIB, 40 * GIB),
    "bundle_threshold": readers.size(64 * KIB, GIB),
    "bundle_members": readers.count(1, MOST_MEMBERS_EVER),
    "volume_size": readers.size(16 * MIB, 64 * GIB, power=True),
    "compression": readers.one_of(Compression),
    "compression_level": readers.count(1, 19),
    "recipients": readers.public_keys,
    "realistic": readers.flag,
}

_NICKNAME = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_PROFILE = re.compile(r"[A-Za-z0-9_-]{1,64}")


def reader_of(key: Key) -> Reader | None:
    """How the value of *key* is read; None for a key that does not exist."""
    match key:
        case ("profile", name, *rest) if rest and _PROFILE.fullmatch(name):
            return None if rest[0] == "profile" else reader_of(tuple(rest))
        case ("vault", name, last) if _NICKNAME.fullmatch(name):
            return VAULT.get(last)
        case (table, last):
            return TABLES.get(table, {}).get(last)
        case (last,):
            return TOP.get(last)
    return None


def may_hold(key: Key) -> bool:
    """Whether *key* may be a table."""
    match key:
        case () | ("vault",) | ("profile",):
            return True
        case ("profile", name, *rest) if _PROFILE.fullmatch(name):
            return rest[:1] != ["profile"] and may_hold(tuple(rest))
        case ("vault", name):
            return _NICKNAME.fullmatch(name) is not None
        case (table,):
            return table in TABLES
    return False


def neighbours(key: Key) -> list[str]:
    """The names that could stand where the last name of *key* stands."""
    match key:
        case ("profile", _, _, *_):
            return neighbours(key[2:])
        case ("vault", _, _):
            return sorted(VAULT)
        case (table, _) if table in TABLES:
            return sorted(TABLES[table])
        case (_,):
            return sorted([*TOP, *TABLES, "vault", "profile"])
    return []


def split_key(text: str) -> Key:
    """The key a person wrote: `vault.NAME.tier`, where NAME may hold dots; `profile.NAME.budget.month`."""
    head, _, rest = text.partition(".")
    if head == "profile" and rest:
        name, _, below = rest.partition(".")
        return ("profile", name, *(split_key(below) if below else ()))
    if head == "vault" and "." in rest:
        name, _, last = rest.rpartition(".")
        return ("vault", name, last)
    return tuple(text.split("."))


def dotted(key: Key) -> str:
    """*key* as people write it."""
    return ".".join(key)


def variable_of(key: Key) -> str | None:
    """The environment variable of *key*; None for vaults' and profiles' keys, whose names are free."""
    if key == ("default_vault",):
        return "GK_VAULT"
    if key[0] in ("vault", "profile"):
        return None
    return "GK_" + "_".join(key).upper()


def plain_keys() -> list[Key]:
    """Every key outside [vault.*] and [profile.*]."""
    tops: list[Key] = [(name,) for name in TOP]
    return tops + [(table, name) for table, names in TABLES.items() for name in names]
