"""What is asked back: of a big archive only the ranges that hold the wanted bytes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.domain.forms import Sizes
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.records import Extent
from glacierkeep.errors import NothingToDo
from glacierkeep.operations.retrieval_plan import JOIN_GAP, RetrievalPlan, plan_retrieval, stored_range
from glacierkeep.operations.retrieve import estimate
from glacierkeep.operations.selection import select
from support.world import HOST, World

BIG_BUNDLES = Sizes(bundle=64 * MIB, threshold=32 * MIB, part=4 * MIB)


@pytest.fixture
def bundle(world: World, tmp_path: Path) -> Path:
    """One bundle of 16 members of 1 MiB: 16 MiB and a manifest."""
    root = tmp_path / "photos"
    root.mkdir()
    for at in range(16):
        root.joinpath(f"{at:02}.jpg").write_bytes(bytes([at]) * MIB)
    outcome = world.upload(root, sizes=BIG_BUNDLES)
    assert outcome.archives == 1
    return root


def plan(world: World, *names: str) -> RetrievalPlan:
    versions = [each for name in names for each in select(name, catalog=world.catalog, host=HOST)]
    return plan_retrieval(versions, world.vault.vault_id, catalog=world.catalog)


def test_one_small_file_of_a_big_bundle_asks_for_little(world: World, bundle: Path, back: Path) -> None:
    """A MiB-aligned range of two MiB, not the 16; what the service brings is just that, and the file is right."""
    (job,) = plan(world, "photos/12.jpg").jobs
    assert job.range is not None
    assert job.range.start % MIB == 0
    assert job.range.stop % MIB == 0
    assert job.size == 2 * MIB

    assert world.retrieve("photos/12.jpg", to=back).placed == 1

    (status,) = world.store.list_jobs()
    assert status.range == job.range
    assert (back / "photos/12.jpg").read_bytes() == (bundle / "12.jpg").read_bytes()


def test_neighbours_share_a_range_and_strangers_do_not(world: World, bundle: Path, back: Path) -> None:
    """Members that lie near each other are one job, far ones two: a job costs about as much as five MiB."""
    near = plan(world, "photos/02.jpg", "photos/04.jpg")
    far = plan(world, "photos/02.jpg", "photos/14.jpg")
    assert [job.size for job in near.jobs] == [4 * MIB]
    assert [job.size for job in far.jobs] == [2 * MIB, 2 * MIB]

    assert world.retrieve("photos/02.jpg", "photos/14.jpg", to=back).placed == 2
    for name in ("02.jpg", "14.jpg"):
        assert (back / "photos" / name).read_bytes() == (bundle / name).read_bytes()


def test_everything_is_one_job_for_the_whole_archive(world: World, bundle: Path, back: Path) -> None:
    """All members of a bundle: the archive as it is, without a range, so that its tree hash proves it."""
    (job,) = plan(world, "photos").jobs
    outcome = world.retrieve("photos", to=back)
    assert outcome.placed == 17
    with world.catalog.read() as records:
        archive = records.archives.get(job.archive.archive_key)
    if job.range is None:
        assert archive.retrieved_at == world.clock.now()


def test_a_range_is_no_evidence_for_the_whole(world: World, bundle: Path, back: Path) -> None:
    """Two MiB of an archive that agree say nothing about the rest of it."""
    world.retrieve("photos/12.jpg", to=back)
    (archive,) = world.catalog.archive_rows(world.vault.vault_id)
    assert archive.retrieved_at is None


def test_an_estimate_asks_for_nothing(world: World, bundle: Path) -> None:
    """--dry-run says files, jobs and bytes; the service hears nothing, the catalog notes nothing."""
    before = world.service.done.copy()
    foreseen = estimate(["photos/12.jpg"], world.vault, catalog=world.catalog, host=HOST)
    assert (foreseen.files, foreseen.size, foreseen.jobs, foreseen.job_bytes) == (1, MIB, 1, 2 * MIB)
    assert world.service.done == before
    with world.catalog.read() as records:
        assert records.retrievals.all() == []


def test_what_has_no_content_needs_no_job(world: World, folder: Path, back: Path) -> None:
    """Empty files, links and folders come from the catalog alone: nothing is paid for them."""
    world.upload(folder)
    outcome = world.retrieve("photos/empty", "photos/link", "photos/hollow", to=back)
    assert (outcome.placed, outcome.waiting) == (3, 0)
    assert world.service.done["InitiateJob"] == 0
    assert (back / "photos/empty").stat().st_size == 0
    assert (back / "photos/link").readlink() == Path("small.txt")


def test_bytes_that_lie_elsewhere(world: World, folder: Path, back: Path) -> None:
    """Asked of a vault that does not have them: nothing to do, and the hint says how to find the right one."""
    world.upload(folder)
    other = world.another_vault("local:other")
    with pytest.raises(NothingToDo) as caught:
        world.retrieve("photos/small.txt", to=back, vault=other, store=world.store_of(other))
    assert "gk show" in str(caught.value.hint)
    assert plan_retrieval(
        select("photos/small.txt", catalog=world.catalog, host=HOST), other.vault_id, catalog=world.catalog
    ).elsewhere == [b"photos/small.txt"]


@given(st.integers(0, 1 << 40), st.integers(1, 1 << 30), st.integers(0, 1 << 30), st.integers(1, 1 << 30))
def test_of_a_plain_segment_just_the_extent_is_wanted(
    stored: int, span: int, offset: int, length: int
) -> None:
    """A plain extent is fetched byte for byte; of a compressed or sealed segment all is needed to open it."""
    plain = Extent(1, 0, 1, 0, "plain", "none", stored, span, offset, length, 0)
    sealed = Extent(1, 0, 1, 0, "zstd", "none", stored, span, offset, length, 0)
    assert stored_range(plain) == ByteRange(stored + offset, stored + offset + length)
    assert stored_range(sealed) == ByteRange(stored, stored + span)
    assert JOIN_GAP % MIB == 0
