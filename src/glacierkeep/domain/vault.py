"""A vault's address: one of three kinds."""

import re
from dataclasses import dataclass
from enum import StrEnum

_VAULT_NAME = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_REGION = re.compile(r"[a-z]{2,}(-[a-z0-9]+)+")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class VaultKind(StrEnum):
    """The word before the colon."""

    GLACIER = "glacier"
    S3 = "s3"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class VaultAddress:
    """Where a vault is: kind, region (glacier only), name (or bucket), prefix (s3 only)."""

    kind: VaultKind
    name: str
    region: str = ""
    prefix: str = ""

    def __str__(self) -> str:
        if self.kind is VaultKind.LOCAL:
            return f"local:{self.name}"
        if self.kind is VaultKind.GLACIER:
            return f"glacier://{self.region}/{self.name}"
        return f"s3://{self.name}" + (f"/{self.prefix}" if self.prefix else "")


def parse_address(text: str) -> VaultAddress:
    """The address *text* spells. Raises ValueError with what is wrong with it."""
    if text.startswith("local:"):
        return VaultAddress(VaultKind.LOCAL, _vault_name(text.removeprefix("local:")))
    if text.startswith("glacier://"):
        region, slash, name = text.removeprefix("glacier://").partition("/")
        if not slash or not _REGION.fullmatch(region):
            raise ValueError(f"{text!r} is not glacier://REGION/NAME")
        return VaultAddress(VaultKind.GLACIER, _vault_name(name), region)
    if text.startswith("s3://"):
        bucket, _, prefix = text.removeprefix("s3://").partition("/")
        if not _BUCKET.fullmatch(bucket):
            raise ValueError(f"{bucket!r} is not the name of a bucket")
        return VaultAddress(VaultKind.S3, bucket, prefix=prefix.strip("/"))
    raise ValueError(f"{text!r} is neither glacier://REGION/NAME, s3://BUCKET[/PREFIX] nor local:NAME")


def looks_like_address(text: str) -> bool:
    """Whether *text* means an address rather than a vault's name in the configuration."""
    return text.startswith(("local:", "glacier:", "s3:"))


def _vault_name(name: str) -> str:
    if name in (".", "..") or not _VAULT_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a vault's name: 1 to 255 of a-z A-Z 0-9 _ - .")
    return name
