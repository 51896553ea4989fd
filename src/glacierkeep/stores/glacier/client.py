"""The door: from a vault's address to its store."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from glacierkeep.domain.vault import VaultAddress
from glacierkeep.stores.glacier.sessions import Clients, Timeouts
from glacierkeep.stores.glacier.signing import ServiceTime
from glacierkeep.stores.glacier.store import GlacierStore


def connect(
    address: VaultAddress,
    *,
    profile: str | None = None,
    endpoint_url: str | None = None,
    attach: Callable[[Any], None] | None = None,
    now: Callable[[], datetime],
    timeouts: Timeouts | None = None,
) -> GlacierStore:
    """The vault at *address*. Nothing is asked, and botocore not imported, before the first call.

    *profile* is an AWS profile. *attach* hangs a service below each client that is built; nothing of the
    user's AWS configuration is read then. *now* is the service's clock, as far as it is known: requests are
    signed by it until the service says that it is wrong.
    """
    time = ServiceTime(now)
    clients = Clients(
        address.region,
        time=time,
        profile=profile,
        endpoint_url=endpoint_url,
        attach=attach,
        timeouts=timeouts,
    )
    return GlacierStore(address, clients, time.now)
