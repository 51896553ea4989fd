"""Reconciling: compare records and inventory, then settle what can be settled without asking."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from glacierkeep.catalog import Catalog, Inventory, NewFinding, Records
from glacierkeep.domain import description as descriptions
from glacierkeep.domain import reconciliation as found
from glacierkeep.domain.description import ArchiveKind
from glacierkeep.domain.reconciliation import Finding, compare, looks_wrong
from glacierkeep.domain.records import Archive, ArchiveState, Vault
from glacierkeep.domain.service import ListedArchive
from glacierkeep.errors import Exit, GlacierkeepError
from glacierkeep.events import FindingMade, Listener
from glacierkeep.operations.adopt import adopt, forget_doubt, forget_old_doubts, is_duplicate

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person allowed: to record missing archives as lost, so that the next upload sends their files again;
    and to do so even if that is most of the vault."""

    mark_lost: bool = False
    accept_losses: bool = False


NO_WISHES = Wishes()


@dataclass(slots=True)
class Tally:
    """How many findings there are of each kind, by its word."""

    counts: dict[str, int] = field(default_factory=dict)
    adopted: int = 0

    @property
    def needs_a_person(self) -> bool:
        """Whether something differs that gk does not settle by itself."""
        return any(self.counts.get(word) for word in ("differs", "missing", "duplicate", "unrecorded"))


class MostOfVaultMissing(GlacierkeepError):
    """The inventory lacks most of what is recorded: more likely the wrong vault or account than a loss."""

    exit = Exit.FINDINGS
    code = "most-of-vault-missing"


def reconcile(
    vault: Vault, inventory: Inventory, *, catalog: Catalog, wishes: Wishes, tell: Listener
) -> Tally:
    """Compare the catalog with the received *inventory*, write every finding down and repair what is safe.

    A filtered inventory settles nothing but what it lists. Raises MostOfVaultMissing before anything is repaired.
    """
    _refuse_disaster(vault, inventory, catalog, wishes)
    tally = Tally()
    with catalog.write() as records:
        records.findings.replace(vault.vault_id, inventory.inventory_id, ())
    findings = _findings(inventory, catalog)
    while batch := list(islice(findings, _BATCH)):
        with catalog.write() as records:
            for finding in batch:
                _settle(finding, vault, inventory, records, wishes, tally, tell)
    with catalog.write() as records:
        records.inventories.reconcile(inventory.inventory_id)
        records.inventories.drop_listed(inventory.inventory_id)
        if inventory.full and inventory.date:
            records.vaults.note_inventory(vault.vault_id, inventory.date)
            forget_old_doubts(vault, max(inventory.date, inventory.requested_at), records)
    return tally


def word_of(finding: Finding) -> str:
    """The finding's name in tables and JSON: `too-recent` for TooRecent."""
    name = type(finding).__name__
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)[1:]


def _findings(inventory: Inventory, catalog: Catalog) -> Iterator[Finding]:
    assert inventory.date is not None

    def twin(listed: ListedArchive) -> Archive | None:
        with catalog.read() as records:
            alike = records.archives.with_content(inventory.vault_id, listed.size, listed.tree_hash)
        return next((each for each in alike if is_duplicate(listed, each)), None)

    for finding in compare(
        catalog.archive_rows(inventory.vault_id),
        catalog.listed_rows(inventory.inventory_id),
        date=inventory.date,
        twin=twin,
    ):
        if inventory.full or not isinstance(finding, found.TooRecent | found.Missing | found.Gone):
            yield finding


def _refuse_disaster(vault: Vault, inventory: Inventory, catalog: Catalog, wishes: Wishes) -> None:
    """An inventory that would mark most of a vault lost is news, not an instruction."""
    if not (inventory.full and wishes.mark_lost) or wishes.accept_losses:
        return
    missing = recorded = 0
    for finding in _findings(inventory, catalog):
        recorded += not isinstance(
            finding, found.Unrecorded | found.Duplicate | found.Gone | found.StillListed
        )
        missing += isinstance(finding, found.Missing)
    if looks_wrong(missing, recorded):
        raise MostOfVaultMissing(
            f"the inventory of {vault.address} lacks {missing} of {recorded} recorded archives",
            hint="is it the right vault and account? To record them as lost all the same, give --yes",
        )


def _settle(
    finding: Finding,
    vault: Vault,
    inventory: Inventory,
    records: Records,
    wishes: Wishes,
    tally: Tally,
    tell: Listener,
) -> None:
    word = word_of(finding)
    if isinstance(finding, found.Unrecorded | found.Duplicate):
        forget_doubt(finding.listed, vault, records)
    if isinstance(finding, found.Unrecorded) and adopt(finding.listed, vault, records):
        tally.adopted += 1
        word = "adopted"
    tally.counts[word] = tally.counts.get(word, 0) + 1
    _repair(finding, inventory, records, wishes)
    if word in ("confirmed", "gone", "too-recent") or (word == "adopted" and _is_copy(finding)):
        return
    archive_id, sentence = _sentence(finding, word)
    records.findings.add(vault.vault_id, inventory.inventory_id, [NewFinding(word, archive_id, sentence)])
    tell(FindingMade(word, f"archive:{archive_id}", sentence))


def _is_copy(finding: Finding) -> bool:
    """Copies of records come and go, of other catalogs too; nobody needs to be told."""
    said = descriptions.read(finding.listed.description) if isinstance(finding, found.Unrecorded) else None
    return said is not None and said.kind is ArchiveKind.CATALOG


def _repair(finding: Finding, inventory: Inventory, records: Records, wishes: Wishes) -> None:
    assert inventory.date is not None
    if isinstance(finding, found.Confirmed):
        key, state = finding.record.archive_key, finding.record.state
        if finding.record.absent_since is not None:
            records.archives.note_seen([key])
        if state in (ArchiveState.LOST, ArchiveState.SUSPECT):
            records.archives.mark([key], ArchiveState.PRESENT)
    elif isinstance(finding, found.Differs):
        records.archives.mark([finding.record.archive_key], ArchiveState.SUSPECT)
    elif isinstance(finding, found.TooRecent) and finding.first_absence:
        if finding.record.absent_since is None:
            records.archives.note_absent([finding.record.archive_key], inventory.date)
    elif isinstance(finding, found.Missing) and wishes.mark_lost:
        records.archives.mark([finding.record.archive_key], ArchiveState.LOST)


def _sentence(finding: Finding, word: str) -> tuple[str, str]:
    if isinstance(finding, found.Differs):
        return finding.record.archive_id, (
            f"recorded with {finding.record.size} bytes and tree hash {finding.record.tree_hash.hex()}, "
            f"listed with {finding.listed.size} and {finding.listed.tree_hash.hex()}; no longer trusted"
        )
    if isinstance(finding, found.Missing):
        return finding.record.archive_id, "recorded, and absent from two inventories"
    if isinstance(finding, found.StillListed):
        return finding.record.archive_id, "deleted by gk, and still listed: inventories lag by a day"
    if isinstance(finding, found.Duplicate):
        return finding.listed.archive_id, f"holds what archive {finding.twin.archive_id} holds"
    assert isinstance(finding, found.Unrecorded)
    if word == "adopted":
        return finding.listed.archive_id, "was not in the catalog; taken in from its description"
    return finding.listed.archive_id, (
        "was not in the catalog, and its description is not one of ours; it can be retrieved by its id"
    )
