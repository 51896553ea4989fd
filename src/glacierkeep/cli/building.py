"""Stores and places, as the settings want them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glacierkeep.cli.choosing import ChosenVault
from glacierkeep.cli.said import BRIEF
from glacierkeep.clock import Clock
from glacierkeep.config.keys import Key
from glacierkeep.config.load import Loaded
from glacierkeep.config.paths import Homes
from glacierkeep.config.settings import Settings
from glacierkeep.domain.patience import USUAL, Patience
from glacierkeep.domain.vault import VaultKind
from glacierkeep.errors import ConfigError, LocalUnusable, NotYetSupported, UsageError
from glacierkeep.events import Listener

if TYPE_CHECKING:
    from glacierkeep.local.service import LocalGlacier
    from glacierkeep.stores.store import Store

_LOCAL_PAUSE = 0.1
"""Seconds before the local Glacier is asked again."""

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


def patience_of(said: float | None, settings: Settings) -> Patience:
    """How long requests are repeated: as *said* in seconds, else as configured, else as usual; BRIEF is the most."""
    configured = settings.transfer.retry_for
    if said == BRIEF:
        return Patience(retry_for=min(BRIEF, BRIEF if configured is None else configured))
    wanted = configured if said is None else said
    return USUAL if wanted is None else Patience(retry_for=wanted, for_credentials=True)


def local_wishes(loaded: Loaded, said: Mapping[str, Any]) -> dict[str, Any]:
    """What is *said* about the local Glacier, and where nothing is said, what is configured. Raises ConfigError."""
    from glacierkeep.local.faults.rules import parse
    from glacierkeep.local.topics import Topics

    configured = loaded.settings.local
    with _naming(loaded, ("local", "faults")):
        for rule in configured.faults:
            parse(rule)
    if configured.sns_endpoint_url:
        with _naming(loaded, ("local", "sns_endpoint_url")):
            Topics(configured.sns_endpoint_url)
    return {
        **said,
        "faults": said.get("faults") or configured.faults,
        "sns_endpoint_url": said.get("sns_endpoint_url") or configured.sns_endpoint_url,
    }


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


@contextmanager
def _naming(loaded: Loaded, key: Key) -> Iterator[None]:
    """A ValueError about what was configured names where: the key, or the variable."""
    try:
        yield
    except ValueError as error:
        raise ConfigError(f"{loaded.origins[key].name}: {error}") from error


def patient_store(
    store: "Store", patience: Patience, clock: Clock, tell: Listener, stop: Callable[[], bool]
) -> "Store":
    """*store*, whose requests are made again where that may help."""
    from glacierkeep.stores.patient import PatientStore

    if store.address.kind is VaultKind.LOCAL:  # a service in this process need not be given time
        patience = replace(patience, first=_LOCAL_PAUSE)
    return PatientStore(store, patience=patience, clock=clock, tell=tell, stop=stop)


def open_local(folder: Path, clock: Clock, loaded: Loaded, wanted: Mapping[str, Any]) -> "LocalGlacier":
    """The local Glacier in *folder*; *wanted* is what its class takes, before what is configured.

    Raises UsageError, ConfigError or LocalUnusable.
    """
    from glacierkeep.local import LocalGlacier
    from glacierkeep.local.store.state import StateError

    try:
        return LocalGlacier(folder, clock=clock, **local_wishes(loaded, wanted))
    except StateError as error:
        raise LocalUnusable(str(error), hint="is its disk full, or read-only?") from error
    except ValueError as error:
        raise UsageError(str(error)) from error


def own_places(settings: Settings, homes: Homes) -> frozenset[tuple[int, int]]:
    """Device and inode of what gk writes to while it reads: the catalog, the local Glacier, staging and logs."""
    places = (catalog_path(settings, homes), homes.local, homes.staging, homes.log)
    there = [place.stat() for place in places if place.exists()]
    return frozenset((each.st_dev, each.st_ino) for each in there)
