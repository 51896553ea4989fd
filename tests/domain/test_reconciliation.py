"""Catalog and inventory side by side: total, exact, and careful."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.domain.reconciliation import (
    GRACE,
    Confirmed,
    Differs,
    Duplicate,
    Finding,
    Gone,
    Missing,
    StillListed,
    TooRecent,
    Unrecorded,
    compare,
    looks_wrong,
)
from glacierkeep.domain.records import Archive, ArchiveState
from glacierkeep.domain.service import ListedArchive

DATE = datetime(2026, 6, 1, tzinfo=UTC)
OLD = DATE - timedelta(days=30)


def an_archive(archive_id: str = "a", **facts: object) -> Archive:
    """A record of an archive that has been there for a month, with some facts replaced."""
    usual: dict[str, object] = {
        "archive_key": 1,
        "vault_id": 1,
        "archive_id": archive_id,
        "kind": "file",
        "state": ArchiveState.PRESENT,
        "size": 10,
        "tree_hash": bytes(32),
        "description": "",
        "created_at": OLD,
    }
    return Archive(**(usual | facts))  # type: ignore[arg-type]


def a_line(archive_id: str = "a", *, size: int = 10, tree_hash: bytes = bytes(32)) -> ListedArchive:
    """An inventory's line that agrees with `an_archive`, unless told otherwise."""
    return ListedArchive(archive_id, "", OLD, size, tree_hash)


def findings(records: Iterable[Archive], inventory: Iterable[ListedArchive]) -> list[Finding]:
    """The findings as of the usual date."""
    return list(compare(records, inventory, date=DATE))


ids = st.sets(st.text("abc", min_size=1, max_size=3))
moments = st.sampled_from([OLD, DATE - GRACE, DATE - timedelta(hours=1), DATE, DATE + timedelta(days=1)])
records = ids.flatmap(
    lambda found: st.tuples(
        *(
            st.builds(
                an_archive,
                st.just(archive_id),
                state=st.sampled_from(ArchiveState),
                size=st.sampled_from([10, 11]),
                created_at=moments,
                absent_since=st.none() | moments,
            )
            for archive_id in sorted(found)
        )
    )
)
lines = ids.map(lambda found: [a_line(archive_id) for archive_id in sorted(found)])


def id_of(finding: Finding) -> str:
    """The archive a finding is about."""
    subject = finding.listed if isinstance(finding, Unrecorded | Duplicate) else finding.record
    return subject.archive_id


@given(records, lines)
def test_each_archive_ends_as_exactly_one_finding(
    known: tuple[Archive, ...], listed: list[ListedArchive]
) -> None:
    """Every archive on either side has one finding, in order, and no other archive has any."""
    either = {record.archive_id for record in known} | {line.archive_id for line in listed}

    assert [id_of(finding) for finding in findings(known, listed)] == sorted(either)


@given(records, lines)
def test_only_old_and_twice_absent_archives_are_missing(
    known: tuple[Archive, ...], listed: list[ListedArchive]
) -> None:
    """Nothing listed, deleted by us, younger than three days, or absent for the first time is ever missing."""
    present = {line.archive_id for line in listed}

    for finding in findings(known, listed):
        if isinstance(finding, Missing):
            assert finding.record.archive_id not in present
            assert finding.record.state not in (ArchiveState.DELETING, ArchiveState.DELETED)
            assert finding.record.created_at + GRACE <= DATE
            assert finding.record.absent_since is not None
            assert finding.record.absent_since < DATE


def test_alike_is_confirmed() -> None:
    """Same size and tree hash confirm an archive, even one that was believed lost."""
    for state in (ArchiveState.PRESENT, ArchiveState.SUSPECT, ArchiveState.LOST):
        record = an_archive(state=state)

        assert findings([record], [a_line()]) == [Confirmed(record, a_line())]


@pytest.mark.parametrize("line", [a_line(size=11), a_line(tree_hash=b"\1" * 32)])
def test_otherwise_it_differs(line: ListedArchive) -> None:
    """Another size or another tree hash is a difference."""
    assert findings([an_archive()], [line]) == [Differs(an_archive(), line)]


@pytest.mark.parametrize(
    ("created_at", "absent_since", "expected"),
    [
        (DATE + timedelta(days=1), None, TooRecent),
        (DATE - GRACE + timedelta(seconds=1), OLD, TooRecent),
        (DATE - GRACE, OLD, Missing),
        (OLD, None, TooRecent),
        (OLD, DATE, TooRecent),
        (OLD, DATE - timedelta(days=1), Missing),
    ],
)
def test_absence_is_judged_by_age_and_by_a_second_inventory(
    created_at: datetime, absent_since: datetime | None, expected: type[Finding]
) -> None:
    """Three days and two inventories make an absent archive missing, and nothing less does."""
    (finding,) = findings([an_archive(created_at=created_at, absent_since=absent_since)], [])

    assert type(finding) is expected


def test_the_first_absence_is_told_apart() -> None:
    """An old archive absent for the first time says so; one that is merely young does not."""
    old, young = an_archive("a"), an_archive("b", created_at=DATE)

    assert findings([old, young], []) == [
        TooRecent(old, first_absence=True),
        TooRecent(young, first_absence=False),
    ]


@pytest.mark.parametrize("state", [ArchiveState.DELETING, ArchiveState.DELETED])
def test_what_we_deleted(state: ArchiveState) -> None:
    """A deleted archive is still listed for a while, whatever the line says, and then gone."""
    record, line = an_archive(state=state), a_line(size=99)

    assert findings([record], [line]) == [StillListed(record, line)]
    assert findings([record], []) == [Gone(record)]


def test_an_unknown_line_is_unrecorded_or_a_duplicate() -> None:
    """What the catalog does not know is unrecorded, unless a recorded archive holds the same."""
    known, stranger, copy = an_archive("a"), a_line("b", size=5), a_line("c")

    found = list(
        compare(
            [known],
            [a_line("a"), stranger, copy],
            date=DATE,
            twin=lambda line: known if line.size == known.size else None,
        )
    )

    assert found[1:] == [Unrecorded(stranger), Duplicate(copy, known)]


@pytest.mark.parametrize("order", ["aa", "ba"])
def test_unsorted_sides_are_refused(order: str) -> None:
    """A side that does not ascend, or tells an archive twice, is an error rather than wrong findings."""
    with pytest.raises(ValueError, match="do not ascend"):
        findings([an_archive(archive_id) for archive_id in order], [])
    with pytest.raises(ValueError, match="do not ascend"):
        findings([], [a_line(archive_id) for archive_id in order])


@pytest.mark.parametrize(
    ("missing", "recorded", "wrong"),
    [
        (0, 0, False),
        (0, 10, False),
        (1, 1, False),
        (2, 2, True),
        (5, 10, False),
        (6, 10, True),
        (10, 10, True),
    ],
)
def test_an_inventory_that_loses_most_of_a_vault(missing: int, recorded: int, wrong: bool) -> None:
    """More than half of a vault missing is taken for a mistake; one archive alone never is."""
    assert looks_wrong(missing, recorded) is wrong
