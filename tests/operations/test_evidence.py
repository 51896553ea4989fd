"""How surely an archive is safe."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from glacierkeep.domain.records import Archive, ArchiveState, Vault
from glacierkeep.operations.evidence import Evidence, evidence_of

SENT = datetime(2026, 3, 1, tzinfo=UTC)
ABROAD = Vault(1, "glacier://eu-west-1/photos", SENT)
LISTED = replace(ABROAD, inventory_date=SENT + timedelta(days=2))
ARCHIVE = Archive(1, 1, "A", "file", ArchiveState.PRESENT, 1, bytes(32), "", SENT)


@pytest.mark.parametrize(
    ("archive", "vault", "expected"),
    [
        (ARCHIVE, ABROAD, Evidence.ACKNOWLEDGED),
        (ARCHIVE, LISTED, Evidence.SEEN),
        (replace(ARCHIVE, created_at=SENT + timedelta(days=3)), LISTED, Evidence.ACKNOWLEDGED),
        (replace(ARCHIVE, absent_since=SENT + timedelta(days=2)), LISTED, Evidence.ACKNOWLEDGED),
        (replace(ARCHIVE, rehashed_at=SENT), LISTED, Evidence.REHASHED),
        (replace(ARCHIVE, retrieved_at=SENT, rehashed_at=SENT), LISTED, Evidence.RETRIEVED),
    ],
)
def test_the_strongest_counts(archive: Archive, vault: Vault, expected: Evidence) -> None:
    """Acknowledged, seen in a later inventory, hashed at rest, retrieved: the strongest there is."""
    assert evidence_of(archive, vault) is expected


@pytest.mark.parametrize("state", [state for state in ArchiveState if state is not ArchiveState.PRESENT])
def test_what_is_not_present_is_no_evidence(state: ArchiveState) -> None:
    """Suspect, lost or deleted: nothing that was seen before counts."""
    assert evidence_of(replace(ARCHIVE, state=state, retrieved_at=SENT), LISTED) is Evidence.NONE


def test_a_copy_on_this_machine_is_never_evidence() -> None:
    """Whatever is known of an archive in a local vault, it is only local."""
    here = replace(LISTED, address="local:photos")
    assert evidence_of(replace(ARCHIVE, retrieved_at=SENT, rehashed_at=SENT), here) is Evidence.LOCAL
