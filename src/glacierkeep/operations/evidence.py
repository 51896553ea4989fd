"""How surely an archive is safe, in one word."""

from enum import StrEnum

from glacierkeep.domain.records import Archive, ArchiveState, Vault
from glacierkeep.domain.vault import VaultKind, parse_address


class Evidence(StrEnum):
    """From the weakest to the strongest; LOCAL is apart: a copy on this machine proves nothing."""

    NONE = "none"
    LOCAL = "local"
    ACKNOWLEDGED = "acknowledged"
    SEEN = "seen"
    REHASHED = "rehashed"
    RETRIEVED = "retrieved"


def evidence_of(archive: Archive, vault: Vault) -> Evidence:
    """The strongest evidence there is for *archive*; NONE if it is suspect, lost or deleted."""
    if archive.state is not ArchiveState.PRESENT:
        return Evidence.NONE
    if parse_address(vault.address).kind is VaultKind.LOCAL:
        return Evidence.LOCAL
    if archive.retrieved_at is not None:
        return Evidence.RETRIEVED
    if archive.rehashed_at is not None:
        return Evidence.REHASHED
    listed = vault.inventory_date is not None and archive.created_at <= vault.inventory_date
    return Evidence.SEEN if listed and archive.absent_since is None else Evidence.ACKNOWLEDGED
