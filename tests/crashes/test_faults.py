"""Whatever the service makes of a request, all ends well: each fault of the local Glacier, on each operation."""

import contextlib
import functools
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crashes.lives import Complaints, unsettled
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.records import ArchiveState
from glacierkeep.domain.service import Tier
from glacierkeep.errors import Exit, GlacierkeepError, NoSuchName
from glacierkeep.events import FindingMade
from glacierkeep.operations.delete import delete
from support.compare import differences
from support.unreliable import from_on, no_fault, once
from support.world import HOST, World, a_world

_KIB = 1024
_SENDING = ("InitiateMultipartUpload", "UploadMultipartPart", "CompleteMultipartUpload", "UploadArchive")
_RESUMING = ("AbortMultipartUpload", "ListMultipartUploads", "ListParts")
_ASKING = ("DeleteArchive", "InitiateJob", "DescribeJob", "ListJobs", "GetJobOutput")
_OPERATIONS = (*_SENDING, *_RESUMING, *_ASKING)
_JOBS = ("DescribeJob", "GetJobOutput")
_LISTS = ("ListMultipartUploads", "ListParts", "DescribeJob", "ListJobs", "GetJobOutput")
_FAULTS = {
    "throttle": _OPERATIONS,
    "error-500": _OPERATIONS,
    "error-503": _OPERATIONS,
    "timeout": _OPERATIONS,
    "reset-before": _OPERATIONS,
    "reset-after": _OPERATIONS,
    "slow rate=100k": _LISTS,
    "truncate bytes=20": _LISTS,
    "corrupt offset=5": _LISTS,
    "corrupt-upload offset=5": ("UploadMultipartPart", "UploadArchive"),
    "expire-jobs": _JOBS,
    "expired-token": _OPERATIONS,
    "no-longer-supported": _OPERATIONS,
    "policy-enforced": ("InitiateJob",),
    "insufficient-capacity": ("InitiateJob",),
}
"""Each kind with the operations that can fail so."""

_MIXED = ("throttle", "error-500", "error-503", "timeout", "reset-before", "reset-after", "expired-token")
_ROUNDS = 40
_MOST_ATTEMPTS = 8
_EXPECTED = {
    Exit.FAILED,
    Exit.PARTLY,
    Exit.WAITING,
    Exit.CHANGED,
    Exit.CREDENTIALS,
    Exit.REFUSED,
    Exit.MISMATCH,
}


class Owner:
    """Someone who has what they want done again and again until it is. *root* is what they archive."""

    def __init__(self, world: World, root: Path, tier: Tier = Tier.STANDARD) -> None:
        self.world, self.root, self.tier = world, root, tier
        self.back = root.parent / "back"
        self.doubts: set[str] = set()
        self.said: list[GlacierkeepError] = []

    def insist(self, deed: Callable[[], Exit]) -> None:
        """Do it until it ends well. Nothing but errors of ours, with documented codes, may come of it."""
        for _ in range(_MOST_ATTEMPTS):
            try:
                code = deed()
            except GlacierkeepError as error:
                code = error.exit
                self.said.append(error)
            with self.world.catalog.read() as records:
                self.doubts |= {upload.token for upload in records.uploads.outstanding(uncertain=True)}
            assert all(str(error) for error in self.said)
            if code is Exit.DONE:
                return
            assert code in _EXPECTED, code
            self.world.clock.turn(minutes=10)
        raise AssertionError(f"it never ended well: {self.said}")

    def upload(self) -> Exit:
        return self.world.upload(self.root, accept_losses=True).exit

    def delete(self, name: str) -> Exit:
        """What is left of it once it was said is the next poll's."""
        world = self.world
        try:
            delete([name], catalog=world.catalog, store_of=world.store_of, clock=world.clock, host=HOST)
        except NoSuchName:
            return self.poll()
        return Exit.DONE

    def retrieve(self) -> Exit:
        with self.world.catalog.read() as records:
            wishes = records.retrievals.all()
        if not wishes:
            return self.world.retrieve("photos", to=self.back, tier=self.tier).exit
        return self.poll() if self.poll() is Exit.DONE and not self._open() else Exit.WAITING

    def poll(self) -> Exit:
        return self.world.poll().exit

    def sync(self) -> Exit:
        """An inventory that tells of duplicates is a good one."""
        found = self.world.sync()
        return Exit.DONE if found.exit is Exit.FINDINGS else found.exit

    def settle(self) -> Complaints:
        """Days later, without faults: all is there, once or as a known doubt, and comes back as it is."""
        world = self.world
        world.service.service.faults.clear()
        world.service.before = world.service.after = no_fault
        self.insist(self.upload)
        self.insist(self.poll)
        world.clock.turn(days=4)
        world.sync()
        listed = world.sync()
        surplus = {
            event.name
            for event in world.told
            if isinstance(event, FindingMade) and event.kind in ("adopted", "duplicate")
        }
        if len(surplus) > len(self.doubts) or set(listed.findings) - {"confirmed", "duplicate", "gone"}:
            yield f"the inventory says {listed.findings}, {len(surplus)} too many, {len(self.doubts)} in doubt"
        present = [
            archive
            for archive in world.catalog.archive_rows(world.vault.vault_id)
            if archive.state is ArchiveState.PRESENT
        ]
        if len(present) + listed.findings.get("duplicate", 0) != listed.archives:
            yield f"{len(present)} archives are recorded, {listed.archives} are there: {listed.findings}"
        yield from unsettled(world)
        target = self.root.parent / "all"
        world.retrieve("photos", to=target)
        yield from differences(self.root, target / "photos")

    def _open(self) -> bool:
        with self.world.catalog.read() as records:
            return bool(records.retrievals.open())


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world in which nothing was done."""
    folder = tmp_path_factory.mktemp("template") / "world"
    with a_world(folder):
        return folder


@contextmanager
def _an_owner(folder: Path, template: Path, tier: Tier = Tier.STANDARD) -> Iterator[Owner]:
    shutil.copytree(template, folder / "world")
    root = folder / "photos"
    root.mkdir()
    dice = random.Random(4)
    for name, size in (("big", 1500), ("a", 700), ("b", 900), ("small", 5)):
        (root / name).write_bytes(dice.randbytes(size * _KIB))
    with a_world(folder / "world") as world:
        yield Owner(world, root, tier)


def _send(owner: Owner) -> None:
    """Uploads: whole, in a single request, resumed, and ended because the file changed."""
    world, root = owner.world, owner.root
    owner.insist(owner.upload)
    (root / "tiny").write_bytes(b"tiny")
    owner.insist(owner.upload)
    for name, broken in (
        ("resumed", from_on("UploadMultipartPart", nth=2)),
        ("ended", from_on("CompleteMultipartUpload", nth=1)),
    ):
        (root / name).write_bytes(name.encode() * (MIB // 4))
        world.service.before = broken
        with contextlib.suppress(GlacierkeepError):
            owner.upload()
        world.service.before = no_fault
        if name == "ended":
            (root / name).write_bytes(b"changed" * (MIB // 4))
        owner.insist(owner.upload)


def _ask(owner: Owner) -> None:
    """A retrieval, of which one answer is lost; deletions; an inventory."""
    owner.insist(owner.upload)
    owner.world.service.after = once("InitiateJob")
    owner.insist(owner.retrieve)
    (owner.root / "big").unlink()
    owner.insist(functools.partial(owner.delete, "photos/big"))
    owner.insist(owner.sync)


def test_every_operation_is_asked_for(tmp_path: Path, template: Path) -> None:
    """What is tried below with faults asks, without them, for every operation they are ordered for."""
    with _an_owner(tmp_path, template) as owner:
        _send(owner)
        _ask(owner)
        assert set(_OPERATIONS) <= set(owner.world.service.done)
        assert list(owner.settle()) == []


@pytest.mark.parametrize("fault", _FAULTS)
def test_a_fault_at_each_operation(
    fault: str, quick_disk: Path, template: Path, record_property: Callable[[str, object], None]
) -> None:
    """Where one request fails, whichever and however, the same command said again ends well, and nothing is twice."""
    tier = Tier.EXPEDITED if fault == "insufficient-capacity" else Tier.STANDARD
    kind, *amount = fault.split()
    struck, wrong = 0, {}
    for operation in _FAULTS[fault]:
        folder = quick_disk / operation
        folder.mkdir()
        with _an_owner(folder, template, tier) as owner:
            faults = owner.world.service.service.faults
            faults.add([" ".join([kind, operation, "count=1", *amount])])
            (_ask if operation in _ASKING else _send)(owner)
            struck += sum(order.done for order in faults.listed())
            if complaints := list(owner.settle()):
                wrong[operation] = complaints
        shutil.rmtree(folder)
    record_property("struck", struck)
    assert not wrong
    assert struck == len(_FAULTS[fault])


@pytest.mark.parametrize("seed", [1, 2])
def test_one_request_in_ten_fails(
    seed: int, quick_disk: Path, template: Path, record_property: Callable[[str, object], None]
) -> None:
    """In a long run of everything, a tenth of all requests failing in all ways, nothing is lost, or twice."""
    dice = random.Random(seed)
    with _an_owner(quick_disk, template) as owner:
        rules = [
            f"{kind} probability={0.1 / len(_MIXED):.4f} seed={seed}{at}" for at, kind in enumerate(_MIXED)
        ]
        owner.world.service.service.faults.add(rules)
        for number in range(_ROUNDS):
            (owner.root / f"new-{number}").write_bytes(dice.randbytes(dice.randint(1, 3000 * _KIB)))
            (owner.root / "a").write_bytes(dice.randbytes(700 * _KIB))
            owner.insist(owner.upload)
            if number % 3 == 2:
                gone = dice.choice(sorted(path.name for path in owner.root.iterdir()))
                (owner.root / gone).unlink()
                owner.insist(functools.partial(owner.delete, f"photos/{gone}"))
                owner.insist(owner.sync)
            owner.insist(owner.poll)
        owner.insist(owner.retrieve)
        done = [order.done for order in owner.world.service.service.faults.listed()]
        requests = owner.world.service.done.total()
        record_property("struck", f"{sum(done)} of {requests + sum(done)}")
        assert list(owner.settle()) == []
        assert sum(done) >= requests // 20
