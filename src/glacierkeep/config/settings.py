"""What is wanted, fully checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from glacierkeep.domain.filling import MOST_MEMBERS
from glacierkeep.domain.forms import DEFAULT_LEVEL, DEFAULT_VOLUME_SIZE, Compression
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.service import Tier
from glacierkeep.domain.timetable import Timetable
from glacierkeep.domain.vault import VaultAddress, VaultKind

BUNDLE_SIZE = 256 * MIB
BUNDLE_SIZE_S3 = 64 * MIB
"""Smaller on `s3://`, where the whole object is thawed for any of it."""

BUNDLE_THRESHOLD = 16 * MIB
UPLOAD_JOBS = 4
RETRIEVE_JOBS = 4


class StorageClass(StrEnum):
    """Of objects in an S3 bucket."""

    DEEP_ARCHIVE = "DEEP_ARCHIVE"
    GLACIER = "GLACIER"
    GLACIER_IR = "GLACIER_IR"


@dataclass(frozen=True, slots=True)
class VaultSettings:
    """How one vault is used. Sizes in bytes; None means that gk chooses. *profile* is an AWS profile."""

    url: VaultAddress
    profile: str | None = None
    endpoint_url: str | None = None
    storage_class: StorageClass = StorageClass.DEEP_ARCHIVE
    tier: Tier | None = None
    part_size: int | None = None
    bundle_size: int = BUNDLE_SIZE
    bundle_threshold: int = BUNDLE_THRESHOLD
    bundle_members: int = MOST_MEMBERS
    volume_size: int = DEFAULT_VOLUME_SIZE
    compression: Compression = Compression.AUTO
    compression_level: int = DEFAULT_LEVEL
    recipients: tuple[str, ...] | None = None
    """None: not said. Nobody, if empty: that archives are not sealed is meant."""
    realistic: bool = False
    """Of `local:` vaults: jobs take as many hours as the real service's."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent, in the currency of the tariff."""

    month: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CatalogSettings:
    """Where the records are, and where a readable copy of them goes. *copy_to_vault*: each upload sends one along."""

    url: str | None = None
    mirror: Path | None = None
    copy_to_vault: bool = True


@dataclass(frozen=True, slots=True)
class KeySettings:
    """Where identities that open sealed archives come from. Commands are lines for /bin/sh; *passphrase_command* prints
    the passphrase of identities that have one."""

    identity_files: tuple[Path, ...] = ()
    identity_command: str | None = None
    passphrase_command: str | None = None
    keyring: bool = False


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """Of the local Glacier: *faults* are rules of what is to go wrong; messages to topics go to *sns_endpoint_url*."""

    faults: tuple[str, ...] = ()
    sns_endpoint_url: str | None = None


@dataclass(frozen=True, slots=True)
class Notify:
    """Who is told when a run ends."""

    healthchecks: str | None = None
    apprise: tuple[str, ...] = ()
    command: str | None = None


@dataclass(frozen=True, slots=True)
class RetrieveSettings:
    """How what is ready is brought: by *jobs* requests at once."""

    jobs: int = RETRIEVE_JOBS


@dataclass(frozen=True, slots=True)
class UploadSettings:
    """How folders are read and sent; *exclude* holds patterns as in .gitignore."""

    exclude: tuple[str, ...] = ()
    exclude_caches: bool = True
    one_file_system: bool = False
    xattrs: bool = False
    jobs: int = UPLOAD_JOBS


@dataclass(frozen=True, slots=True)
class TransferSettings:
    """How fast bytes may flow, and how many (*max_transfer*) for how long (*max_duration*, seconds) in one run.
    *retry_for*: seconds for which a request that fails is repeated; None: not said."""

    limit_upload: Timetable | None = None
    limit_download: Timetable | None = None
    max_transfer: int | None = None
    max_duration: float | None = None
    retry_for: float | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything. *default_vault* is a name in *vaults* or an address."""

    default_vault: str | None = None
    vaults: Mapping[str, VaultSettings] = field(default_factory=dict)
    budget: Budget = Budget()
    catalog: CatalogSettings = CatalogSettings()
    keys: KeySettings = KeySettings()
    local: LocalSettings = LocalSettings()
    notify: Notify = Notify()
    retrieve: RetrieveSettings = RetrieveSettings()
    transfer: TransferSettings = TransferSettings()
    upload: UploadSettings = UploadSettings()


def plain_vault(url: VaultAddress) -> VaultSettings:
    """The settings of a vault nothing is said about."""
    return VaultSettings(url, bundle_size=BUNDLE_SIZE_S3 if url.kind is VaultKind.S3 else BUNDLE_SIZE)
