"""Stores and places, as the settings want them."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glacierkeep.cli.choosing import ChosenVault
from glacierkeep.clock import Clock
from glacierkeep.config.paths import Homes
from glacierkeep.config.settings import Settings
from glacierkeep.errors import ConfigError, NotYetSupported

if TYPE_CHECKING:
    from glacierkeep.local.service import LocalGlacier
    from glacierkeep.stores.store import Store

_SQLITE = "sqlite:///"


def glacier_store(chosen: ChosenVault, clock: Clock) -> "Store":
    """The vault at Amazon, or wherever its endpoint points."""
    from glacierkeep.stores.glacier.client import connect

    return connect(
        chosen.address,
        profile=chosen.settings.profile,
        endpoint_url=chosen.settings.endpoint_url,
        now=clock.now,
    )


def local_store(chosen: ChosenVault, service: "LocalGlacier") -> "Store":
    """The vault in the local Glacier, whose clock it goes by."""
    from glacierkeep.stores.glacier.client import connect

    def hang_below(client: Any) -> None:
        from glacierkeep.local.attach import attach

        attach(client, service)

    def now() -> datetime:
        return service.now()

    return connect(chosen.address, attach=hang_below, now=now)


def catalog_path(settings: Settings, homes: Homes) -> Path:
    """The catalog's file. Raises NotYetSupported for a database that is none."""
    url = settings.catalog.url
    if url is None:
        return homes.catalog
    if not url.startswith(_SQLITE):
        raise NotYetSupported(
            f"catalog.url: only {_SQLITE}PATH works so far",
            hint="PostgreSQL for several machines comes in a later release",
        )
    path = Path(url.removeprefix(_SQLITE)).expanduser()
    if not path.is_absolute():
        raise ConfigError(
            f"catalog.url: {path} is not an absolute path", hint="sqlite:////home/me/catalog.db"
        )
    return path
