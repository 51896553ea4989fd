"""The door: from a vault's address to its store."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from glacierkeep.domain.vault import VaultAddress
from glacierkeep.stores.glacier.sessions import Clients
from glacierkeep.stores.glacier.store import GlacierStore


def connect(
    address: VaultAddress,
    *,
    profile: str | None = None,
    endpoint_url: str | None = None,
    attach: Callable[[Any], None] | None = None,
    now: Callable[[], datetime],
) -> GlacierStore:
    """The vault at *address*. Nothing is asked, and botocore not imported, before the first call.

    *profile* is an AWS profile. *attach* hangs a service below each client that is built; nothing of the
    user's AWS configuration is read then. *now* is the service's clock, as far as it is known.
    """
    clients = Clients(address.region, profile=profile, endpoint_url=endpoint_url, attach=attach)
    return GlacierStore(address, clients, now)
