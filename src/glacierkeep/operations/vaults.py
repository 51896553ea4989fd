"""gk vault: make, list, show and delete vaults."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from glacierkeep.catalog import Catalog
from glacierkeep.domain.records import ArchiveState, Vault
from glacierkeep.domain.vault import VaultAddress, VaultKind, parse_address
from glacierkeep.errors import CredentialsTrouble, GlacierkeepError, NotFound
from glacierkeep.stores.store import Store

_HELD = (ArchiveState.PRESENT, ArchiveState.SUSPECT, ArchiveState.DELETING)


class VaultInUse(GlacierkeepError):
    """A vault still holds what the catalog counts on; *reasons* are sentences."""

    code = "vault-in-use"

    def __init__(self, address: VaultAddress, reasons: list[str]) -> None:
        super().__init__(
            f"{address} cannot be deleted: {'; '.join(reasons)}", hint="gk delete lets go of archives"
        )
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class VaultCreated:
    """A vault that is there now."""

    address: VaultAddress
    nickname: str


@dataclass(frozen=True, slots=True)
class VaultDeleted:
    """A vault that is gone."""

    address: VaultAddress


@dataclass(frozen=True, slots=True)
class VaultListed:
    """A vault that is configured, or known to the catalog, or both."""

    address: VaultAddress
    kind: VaultKind
    nickname: str | None
    default: bool
    known: bool
    inventory_date: datetime | None
    """The date of the newest inventory the catalog was reconciled with."""


@dataclass(frozen=True, slots=True)
class VaultShown:
    """What the service says of a vault as of its own last inventory, and what the catalog knows. Bytes."""

    address: VaultAddress
    nickname: str | None
    created_at: datetime
    service_inventory_date: datetime | None
    service_archives: int
    service_size: int
    reconciled_date: datetime | None
    archives: int
    size: int
    files: int


def create_vault(address: VaultAddress, nickname: str, *, catalog: Catalog, store: Store) -> VaultCreated:
    """Make the vault and remember it; one that is there already is only remembered."""
    # The service would say the same for one that is there; imitations of it have been seen to empty it.
    try:
        store.describe_vault()
    except (NotFound, CredentialsTrouble):
        store.create_vault()
    with catalog.write() as records:
        records.vaults.remember(str(address))
    return VaultCreated(address, nickname)


def list_vaults(
    configured: Mapping[str, VaultAddress], default: str | None, *, catalog: Catalog
) -> Iterator[VaultListed]:
    """The *configured* vaults by their names, then those only the catalog knows. *default*: a name or an address."""
    with catalog.read() as records:
        known = {vault.address: vault for vault in records.vaults.all()}
    for nickname, address in sorted(configured.items()):
        is_default = default in (nickname, str(address))
        yield _listed(address, nickname, is_default, known.get(str(address)))
    there = {str(address) for address in configured.values()}
    if default is not None and default not in {*configured, *there, *known}:
        yield _listed(parse_address(default), None, True, None)
    for text, vault in known.items():
        if text not in there:
            yield _listed(parse_address(text), None, default == text, vault)


def show_vault(address: VaultAddress, nickname: str | None, *, catalog: Catalog, store: Store) -> VaultShown:
    """Ask the service about the vault, and set beside it what the catalog knows. Raises VaultMissing."""
    state = store.describe_vault()
    with catalog.read() as records:
        vault = records.vaults.get(str(address))
        totals = records.statistics.totals(vault_id=vault.vault_id) if vault else None
    return VaultShown(
        address,
        nickname,
        created_at=state.created_at,
        service_inventory_date=state.inventory_date,
        service_archives=state.archives,
        service_size=state.size,
        reconciled_date=vault.inventory_date if vault else None,
        archives=totals.archives if totals else 0,
        size=totals.stored_bytes if totals else 0,
        files=totals.files if totals else 0,
    )


def check_deletable(address: VaultAddress, *, catalog: Catalog) -> None:
    """Raises VaultInUse while the catalog knows of anything in the vault."""
    with catalog.read() as records:
        vault = records.vaults.get(str(address))
        unfinished = records.uploads.outstanding(vault_id=vault.vault_id, uncertain=True) if vault else []
    reasons = [f"{len(unfinished)} uploads are not finished"] if unfinished else []
    held = _first_held(vault, catalog) if vault else None
    if held:
        reasons.insert(0, f"the catalog knows of archives in it, such as {held}")
    if reasons:
        raise VaultInUse(address, reasons)


def delete_vault(address: VaultAddress, *, catalog: Catalog, store: Store) -> VaultDeleted:
    """Delete the empty vault and forget it, unless some record still speaks of it. Raises VaultInUse."""
    check_deletable(address, catalog=catalog)
    store.delete_vault()
    with catalog.write() as records:
        vault = records.vaults.get(str(address))
        if vault:
            # What once was there stays on record, and the vault's name with it.
            with suppress(ValueError):
                records.vaults.forget(vault.vault_id)
    return VaultDeleted(address)


def _listed(address: VaultAddress, nickname: str | None, default: bool, vault: Vault | None) -> VaultListed:
    return VaultListed(
        address, address.kind, nickname, default, vault is not None, vault.inventory_date if vault else None
    )


def _first_held(vault: Vault, catalog: Catalog) -> str | None:
    rows = catalog.archive_rows(vault.vault_id)
    return next((archive.archive_id for archive in rows if archive.state in _HELD), None)
