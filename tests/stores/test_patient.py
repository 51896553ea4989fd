"""Every call of a store with every fault on order: what may be repeated comes through, what may not is sent once."""

import threading
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta

import pytest

from glacierkeep.domain.limits import MIB
from glacierkeep.domain.patience import Patience, may_have_been_done
from glacierkeep.domain.service import Tier
from glacierkeep.domain.treehash import combine
from glacierkeep.domain.vault import parse_address
from glacierkeep.errors import (
    CredentialsTrouble,
    NoCapacity,
    NoConnection,
    NoNewAccounts,
    NotFound,
    ServiceBusy,
    ServiceError,
    ServiceUnreachable,
    Stopped,
    VaultMissing,
)
from glacierkeep.events import Retrying
from glacierkeep.local import LocalGlacier
from glacierkeep.local.attach import attach
from glacierkeep.local.faults.rules import Kind, parse
from glacierkeep.local.routes import find_route
from glacierkeep.stores.glacier.client import connect
from glacierkeep.stores.patient import PatientStore
from support.clock import TurnedClock

PATIENCE = Patience(retry_for=600.0)
FOREIGN = "an archive of ours"


class Counting:
    """Counts the requests that reach *service*, and those it carried out, by operation."""

    def __init__(self, service):
        self.service = service
        self.asked = Counter()

    def __call__(self, request):
        self.asked[find_route(request).route.name] += 1
        return self.service(request)


class Patiently:
    """A vault behind a patient store, with an archive, an open upload with a part, and finished jobs in it."""

    def __init__(self, folder, as_body):
        self.clock = TurnedClock()
        self.service = LocalGlacier(folder / "local", clock=self.clock)
        self.counting = Counting(self.service)
        self.told = []
        self.stopping = False
        self.plain = self.connect("photos")
        self.store = self.patient(self.plain)
        self.body = as_body(b"x" * 1000)
        self.part = as_body(b"y" * MIB)
        self.prepare()

    def connect(self, name):
        address = parse_address(f"local:{name}")
        return connect(address, attach=lambda c: attach(c, self.counting), now=self.service.now)

    def patient(self, plain, patience=PATIENCE):
        things = {"clock": self.clock, "tell": self.told.append, "random": lambda: 1.0}
        return PatientStore(plain, patience=patience, stop=lambda: self.stopping, **things)

    def prepare(self):
        store = self.plain
        store.create_vault()
        self.connect("empty").create_vault()
        self.archive = store.upload_archive(self.body, FOREIGN)
        self.clock.turn(days=2)
        self.job = store.request_archive(self.archive, None, Tier.STANDARD, "a job")
        self.listing = store.request_inventory("a list")
        self.clock.turn(hours=6)
        self.upload = store.initiate_upload(MIB, "an upload of ours")
        store.upload_part(self.upload, 0, self.part)
        self.counting.asked.clear()

    def until_done(self, action):
        """What *action* gives, made again where that leaves something open at worst."""
        while True:
            try:
                return action()
            except ServiceError as error:
                if not may_have_been_done(error):
                    raise

    def ask_once(self, description):
        """Have a job with this description: asked for, and if in doubt looked for."""
        while True:
            try:
                return self.store.request_archive(self.archive, None, Tier.BULK, description)
            except ServiceError as error:
                if not may_have_been_done(error):
                    raise
            found = [job.job_id for job in self.store.list_jobs() if job.description == description]
            if found:
                return found[0]

    def inventory(self, job):
        with self.store.read_inventory(job) as entries:
            return [each.archive_id for each in entries], entries.date is not None


CALLS = {
    "CreateVault": lambda it: it.store.create_vault(),
    "DescribeVault": lambda it: it.store.describe_vault().name == "photos",
    "DeleteVault": lambda it: it.patient(it.connect("empty")).delete_vault(),
    "UploadArchive": lambda it: it.store.upload_archive(it.body, "new"),
    "InitiateMultipartUpload": lambda it: it.store.initiate_upload(MIB, "new"),
    "UploadMultipartPart": lambda it: it.store.upload_part(it.upload, 0, it.part),
    "CompleteMultipartUpload": lambda it: it.store.complete_upload(it.upload, MIB, it.part.tree_hash),
    "AbortMultipartUpload": lambda it: it.store.abort_upload(it.upload),
    "ListMultipartUploads": lambda it: [each.upload_id for each in it.store.list_uploads()] == [it.upload],
    "ListParts": lambda it: (
        [each.tree_hash for each in it.store.list_parts(it.upload)] == [it.part.tree_hash]
    ),
    "DeleteArchive": lambda it: it.store.delete_archive(it.archive),
    "InitiateJob": lambda it: it.store.request_archive(it.archive, None, Tier.EXPEDITED, "new"),
    "DescribeJob": lambda it: it.store.describe_job(it.job).job_id == it.job,
    "ListJobs": lambda it: {each.job_id for each in it.store.list_jobs()} == {it.job, it.listing},
    "GetJobOutput": lambda it: it.inventory(it.listing)[0] == [it.archive],
}
SENT_ONCE = {"UploadArchive", "InitiateMultipartUpload", "InitiateJob"}
REPEATED = {
    Kind.THROTTLE,
    Kind.ERROR_500,
    Kind.ERROR_503,
    Kind.TIMEOUT,
    Kind.RESET_BEFORE,
    Kind.RESET_AFTER,
    Kind.EXPIRED_TOKEN,
    Kind.CORRUPT_UPLOAD,
    Kind.TRUNCATE,
}
CERTAIN = {Kind.THROTTLE, Kind.TIMEOUT, Kind.EXPIRED_TOKEN, Kind.CORRUPT_UPLOAD}
"""What says for sure that nothing was done."""

FINAL = {
    Kind.EXPIRE_JOBS: NotFound,
    Kind.NO_LONGER_SUPPORTED: NoNewAccounts,
    Kind.INSUFFICIENT_CAPACITY: NoCapacity,
    Kind.POLICY_ENFORCED: ServiceError,
}
AMOUNTS = {Kind.SLOW: " rate=1M", Kind.TRUNCATE: " bytes=0", Kind.CORRUPT: " offset=1"}
EITHER = {Kind.SLOW, Kind.CORRUPT}
"""What the store cannot know of, or what the answer's reader finds."""


@pytest.fixture
def it(tmp_path, as_body):
    """See Patiently."""
    made = Patiently(tmp_path, as_body)
    yield made
    made.service.close()


def rules():
    """Every kind of fault with every operation that can have it."""
    for operation in CALLS:
        for kind in Kind:
            rule = f"{kind} {operation}{AMOUNTS.get(kind, '')} count=1"
            try:
                parse(rule)
            except ValueError:
                continue
            yield pytest.param(kind, operation, rule, id=f"{kind}-{operation}")


@pytest.mark.parametrize(("kind", "operation", "rule"), list(rules()))
def test_every_call_with_every_fault(it, kind, operation, rule):
    """A single fault is got over, unless another try would not help or might do a thing twice: then it was sent once,
    and the error says whether it may have been done."""
    it.service.faults.add([rule])
    repeated = kind in REPEATED and (operation not in SENT_ONCE or kind in CERTAIN)
    asked = it.counting.asked
    if kind in EITHER:
        with ExitStack() as trouble:
            if kind is Kind.CORRUPT:
                trouble.enter_context(pytest.raises(ServiceError))
            assert CALLS[operation](it) is not False
    elif repeated:
        assert CALLS[operation](it) is not False
        assert asked[operation] == 2
    else:
        with pytest.raises(FINAL.get(kind, ServiceError)) as caught:
            CALLS[operation](it)
        assert asked[operation] == 1
        assert may_have_been_done(caught.value) is (kind not in FINAL)
    assert len(list(it.plain.list_uploads())) <= 2


@pytest.mark.parametrize("kind", ["throttle", "error-500", "reset-after", "reset-before"])
def test_what_keeps_failing_is_given_up(it, kind):
    """After so many seconds of failing, and not before, the last error is raised; every pause was told."""
    it.service.faults.add([kind])
    begun = it.clock.now()
    with pytest.raises(ServiceError) as caught:
        it.store.describe_vault()
    lasted = (it.clock.now() - begun).total_seconds()
    pauses = [event.seconds for event in it.told]
    assert caught.value.given_up
    assert lasted == pytest.approx(600.0)
    assert sum(pauses) == pytest.approx(lasted)
    assert pauses[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert it.counting.asked["DescribeVault"] == len(pauses) + 1 == 16
    assert it.told[0] == Retrying(
        "local:photos", caught.value.code, str(caught.value), failed=1, seconds=1.0, left=600.0
    )


def test_no_time_at_all_is_two_tries(it):
    """However little patience there is, one failure is not the end."""
    it.service.faults.add(["error-500"])
    with pytest.raises(ServiceBusy):
        it.patient(it.plain, Patience(retry_for=0.0)).describe_vault()
    assert it.counting.asked["DescribeVault"] == 2


def test_what_is_repeated_for_hours_succeeds(it):
    """A service that is back before patience ends is none the worse for it."""
    it.service.faults.add(["error-503 count=300"])
    patient = it.patient(it.plain, Patience(retry_for=6 * 3600))
    patient.upload_part(it.upload, 0, it.part)
    assert it.counting.asked["UploadMultipartPart"] == 301


def test_a_throttled_job_is_asked_for_until_it_is_taken(it):
    """What was turned away unread may be asked for again however often, and is done once."""
    it.service.faults.add(["throttle InitiateJob count=5"])
    job = it.store.request_archive(it.archive, None, Tier.BULK, "new")
    assert it.counting.asked["InitiateJob"] == 6
    assert [each.job_id for each in it.plain.list_jobs() if each.description == "new"] == [job]


def test_a_job_that_may_have_been_taken_is_not_asked_for_again(it):
    """A failure after turned away requests leaves a doubt, and ends the tries."""
    it.service.faults.add(["throttle InitiateJob count=2", "reset-after InitiateJob count=1"])
    with pytest.raises(ServiceUnreachable) as caught:
        it.store.request_archive(it.archive, None, Tier.BULK, "new")
    assert may_have_been_done(caught.value)
    assert it.counting.asked["InitiateJob"] == 3


def test_what_is_not_made_again_makes_others_wait(it):
    """A failure of a request that is not repeated is told to nobody, but the next request waits for the service too."""
    it.service.faults.add(["error-500 InitiateJob count=1"])
    begun = it.clock.now()
    with pytest.raises(ServiceBusy):
        it.store.request_inventory("new")
    assert (it.clock.now(), it.told) == (begun, [])
    it.store.describe_vault()
    assert it.clock.now() - begun == timedelta(seconds=1)


def test_doubt_outlives_later_tries(it):
    """If the first try may have completed the upload, a later refusal does not say that it did not."""
    it.service.faults.add(["reset-after CompleteMultipartUpload count=1"])
    it.store = it.patient(Late(it.plain, it.clock))
    with pytest.raises(NotFound) as caught:
        it.store.complete_upload(it.upload, MIB, it.part.tree_hash)
    assert may_have_been_done(caught.value)


class Late:
    """A store that asks to complete only days later, when the service has forgotten that it did."""

    def __init__(self, store, clock):
        self.address = store.address
        self._store = store
        self._clock = clock

    def complete_upload(self, *said):
        try:
            return self._store.complete_upload(*said)
        finally:
            self._clock.turn(days=3)


def test_a_vault_that_went_with_the_first_try(it):
    """A deletion whose answer was lost is done, though the second try finds nothing to delete."""
    it.service.faults.add(["reset-after DeleteVault count=1"])
    it.patient(it.connect("empty")).delete_vault()
    with pytest.raises(VaultMissing):
        it.connect("empty").describe_vault()


def test_listings_go_on_where_they_were(it):
    """A list of many pages, half of which fail, is told whole and once, without beginning anew each time."""
    for number in range(220):
        it.plain.initiate_upload(MIB, f"upload {number}")
    it.service.faults.add(["error-500 ListMultipartUploads probability=0.5 seed=3"])
    told = [each.upload_id for each in it.store.list_uploads()]
    assert len(told) == len(set(told)) == 221
    assert it.counting.asked["ListMultipartUploads"] < 25


def test_an_output_that_breaks_is_not_begun_anew_behind_the_readers_back(it):
    """Once bytes were read, a break is the reader's business: it knows what it has."""
    it.service.faults.add(["truncate GetJobOutput bytes=100 count=1"])
    with it.store.open_output(it.job) as output:
        assert len(output.read(100)) == 100
        with pytest.raises(ServiceUnreachable):
            output.read(900)
    assert it.counting.asked["GetJobOutput"] == 1


def test_pauses_can_be_stopped(it):
    """While it waits it listens for the wish to stop, every second."""
    it.service.faults.add(["error-500"])

    def tell(event):
        it.stopping = event.failed == 5

    store = PatientStore(
        it.plain, patience=PATIENCE, clock=it.clock, tell=tell, stop=lambda: it.stopping, random=lambda: 1.0
    )
    begun = it.clock.now()
    with pytest.raises(Stopped):
        store.describe_vault()
    assert it.clock.now() - begun == timedelta(seconds=15)


def test_refused_keys_are_tried_twice(it):
    """Credentials are read anew once; where patience was asked for, they are waited for."""
    it.service.faults.add(["expired-token count=5"])
    with pytest.raises(CredentialsTrouble):
        it.store.describe_vault()
    assert (it.counting.asked["DescribeVault"], it.told) == (2, [])
    it.patient(it.plain, Patience(retry_for=3600, for_credentials=True)).describe_vault()
    assert it.counting.asked["DescribeVault"] == 6


MIXED = [
    "throttle probability=0.03 seed=1",
    "error-500 probability=0.03 seed=2",
    "error-503 probability=0.03 seed=3",
    "timeout probability=0.03 seed=4",
    "reset-before probability=0.03 seed=5",
    "reset-after probability=0.03 seed=6",
    "expired-token probability=0.03 seed=7",
    "corrupt-upload UploadMultipartPart probability=0.03 seed=8",
]


def test_a_long_run_with_mixed_faults(it, as_body):
    """With every fifth request failing in some way an upload of many parts becomes one archive, and a hundred jobs that
    are looked for where it is not known whether they were taken are a hundred jobs."""
    parts = [as_body(bytes([number]) * MIB) for number in range(24)]
    whole = combine(part.tree_hash for part in parts)
    it.service.faults.add(MIXED)
    upload = it.until_done(lambda: it.store.initiate_upload(MIB, "big"))
    for number, part in enumerate(parts):
        it.store.upload_part(upload, number * MIB, part)
    assert [part.tree_hash for part in it.store.list_parts(upload)] == [part.tree_hash for part in parts]
    assert it.store.complete_upload(upload, 24 * MIB, whole)
    for number in range(100):
        it.ask_once(f"job {number}")
    it.service.faults.clear()
    asked = Counter(job.description for job in it.plain.list_jobs())
    assert {f"job {number}": asked[f"job {number}"] for number in range(100)} == {
        f"job {number}": 1 for number in range(100)
    }
    assert sum(event.seconds for event in it.told) > 0


class Shut:
    """A store that answers nobody while it is *shut*; all who ask meet at the *gate*, so that they fail together."""

    def __init__(self, store, crew):
        self.address = store.address
        self.asked = 0
        self.shut = True
        self.gate = threading.Barrier(crew)
        self._store = store
        self._lock = threading.Lock()

    def describe_vault(self):
        with self._lock:
            self.asked += 1
        if self.shut:
            self.gate.wait(timeout=20)
            raise NoConnection("nobody answers")
        return self._store.describe_vault()


class Lockstep:
    """A clock on which a crew sleeps: time passes once all of them wait."""

    def __init__(self, crew):
        self.moment = TurnedClock().now()
        self.slept = 0.0
        self._crew = threading.Barrier(crew, action=self._pass)
        self._asked = 0.0

    def now(self):
        return self.moment

    def sleep(self, seconds):
        self._asked = seconds
        self._crew.wait(timeout=20)

    def _pass(self):
        self.moment += timedelta(seconds=self._asked)
        self.slept += self._asked


def test_workers_wait_together(it):
    """Eight workers that fail at the same time wait for the same pause, told once, and count as one failure."""
    crew, rounds = 8, 4
    shut, clock = Shut(it.plain, crew), Lockstep(crew)

    def tell(event):
        it.told.append(event)
        shut.shut = len(it.told) < rounds

    store = PatientStore(
        shut, patience=PATIENCE, clock=clock, tell=tell, stop=lambda: False, random=lambda: 1.0
    )
    found = []
    workers = [threading.Thread(target=lambda: found.append(store.describe_vault())) for _ in range(crew)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == crew
    assert shut.asked == crew * (rounds + 1)
    assert [event.seconds for event in it.told] == [1, 2, 4, 8]
