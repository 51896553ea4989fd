"""Who sent a request: an account, a principal and a region, proved by a signature or presumed without one."""

import re
from dataclasses import dataclass

from glacierkeep.local.wire.messages import Request

ACCOUNT = re.compile(r"[0-9]{12}")
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")

_CREDENTIAL = re.compile(r"\bCredential=([^/,\s]+)/[0-9]{8}/([^/,\s]+)/")
_HOST = re.compile(r"glacier(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?(?::[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request: *account* has 12 digits, *arn* names the principal, *region* is the one addressed."""

    account: str
    region: str
    arn: str

    @classmethod
    def of(cls, account: str, region: str, user: str | None = None) -> "Caller":
        """The account itself, or one of its users."""
        return cls(account, region, f"arn:aws:iam::{account}:{f'user/{user}' if user else 'root'}")


def region_of_host(host: str) -> str | None:
    """The region in the name of a real endpoint; None for any other Host header."""
    endpoint = _HOST.fullmatch(host)
    return endpoint[1] if endpoint else None


def presume(request: Request, account: str, region: str) -> Caller:
    """The sender where signatures are not checked.

    An access key id of 12 digits is its account; else it is *account*. The region is that of the credential's scope,
    else that of the Host header, else *region*.
    """
    credential = _CREDENTIAL.search(request.headers.get("Authorization", ""))
    key, scope = credential.groups() if credential else ("", "")
    named = scope or region_of_host(request.headers.get("Host", "")) or ""
    return Caller.of(
        key if ACCOUNT.fullmatch(key) else account,
        named if REGION.fullmatch(named) else region,
    )
