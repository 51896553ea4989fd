"""Bringing copies of a vault's records here, in one round of jobs, and taking them in."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from glacierkeep.bundle.content import hash_file
from glacierkeep.bundle.opening import Unseal
from glacierkeep.bundle.place import Target
from glacierkeep.bundle.read import reader_of
from glacierkeep.bundle.unpack import Contents, open_contents
from glacierkeep.catalog import Catalog
from glacierkeep.clock import Clock
from glacierkeep.domain import description as descriptions
from glacierkeep.domain.copied import split_lines
from glacierkeep.domain.copies import CopyHeader, Expected, next_after
from glacierkeep.domain.hashes import ContentHasher, Hashes
from glacierkeep.domain.manifest import BadManifest, Member
from glacierkeep.domain.records import Archive, Job, JobProgress, Vault
from glacierkeep.domain.service import JobAction, Tier
from glacierkeep.errors import BytesMismatch, CopyUnreadable, NotFound, SegmentDamaged, ServiceError
from glacierkeep.events import Listener, Noted
from glacierkeep.operations import asking
from glacierkeep.operations.arrivals import Download, Fetching
from glacierkeep.operations.catalog_copies import MEMBER
from glacierkeep.operations.downloads import Receipts
from glacierkeep.stores.store import Store
from glacierkeep.transfer.crew import Crew

_FOLDER = "copies"


@dataclass(frozen=True, slots=True)
class Bringing:
    """The archives of one set of copies on their way here, the full one first."""

    vault: Vault
    archives: list[Archive]
    catalog: Catalog
    store: Store
    staging: Path
    clock: Clock
    unseal: Unseal
    fetching: Fetching
    tell: Listener
    stop: Callable[[], bool]

    def ask(self) -> bool:
        """Ask for every archive, in one round; whether all are ready. Raises what the store raises."""
        moved = [self._move(archive) for archive in self.archives]
        return all(job.progress is JobProgress.READY for job in moved)

    def receive(self) -> list[CopyHeader]:
        """Download the copies and take them in, one after the other; their headers; none if an output expired.

        An increment that cannot be read ends the row: what came before it holds. Raises CopyUnreadable if the full one
        cannot, NoIdentity, and what the store raises.
        """
        headers: list[CopyHeader] = []
        with Target(bytes(self.staging / _FOLDER)) as target:
            if not all(self._fetch(archive, target) for archive in self.archives):
                return []
            for archive in self.archives:
                try:
                    headers.append(self._receive(archive, target, headers))
                except (CopyUnreadable, BytesMismatch, SegmentDamaged, BadManifest) as error:
                    if not headers:
                        raise _unreadable(archive, error) from error
                    self._tell_of_gap(archive, error)
                    break
            return headers

    def let_go(self) -> None:
        """All that was brought is taken in: what lies here of it goes, and its jobs are done with."""
        with Target(bytes(self.staging / _FOLDER)) as target:
            for archive in self.archives:
                target.drop_partial(_partial(archive))
        with self.catalog.write() as records:
            for archive in self.archives:
                job = records.jobs.reusable(archive.archive_key, None)
                if job is not None:
                    records.jobs.update(job.job_key, progress=JobProgress.COLLECTED)

    def _fetch(self, archive: Archive, target: Target) -> bool:
        """Download a copy, continued where an earlier pass stopped; False if its output is there no longer."""
        job = self._job(archive)
        try:
            with suppress(BytesMismatch, SegmentDamaged):  # found again, and told, when it is read
                self._download(job, archive, target)
        except NotFound:
            asking.expire(job, catalog=self.catalog, store=self.store, tell=self.tell)
            return False
        return True

    def _download(self, job: Job, archive: Archive, target: Target) -> None:
        download = Download(
            job,
            archive,
            target,
            _partial(archive),
            store=self.store,
            clock=self.clock,
            fetching=self.fetching,
            report=Receipts(self.tell).of(job, archive.size),
            stop=self.stop,
        )
        with Crew(self.fetching.jobs) as crew:
            download.bring(crew)

    def _receive(self, archive: Archive, target: Target, before: list[CopyHeader]) -> CopyHeader:
        with target.open_partial(_partial(archive)) as partial:
            _compare(hash_file(partial), Hashes(archive.size, None, archive.tree_hash))
            what = f"archive {archive.archive_id}"
            contents = open_contents(reader_of(partial), archive.size, self.unseal, what)
            return self.catalog.receive_copy(_lines(contents), expect=self._expected(archive, before))

    def _expected(self, archive: Archive, before: list[CopyHeader]) -> Expected:
        if before:
            return next_after(before[-1])
        said = descriptions.read(archive.description)
        assert said is not None
        return Expected(said.catalog, self.vault.address, said.set_token)

    def _move(self, archive: Archive) -> Job:
        job = self._job(archive)
        if job.progress is JobProgress.INTENDED:
            job = asking.ask(
                job, archive, catalog=self.catalog, store=self.store, tell=self.tell, perhaps_asked=True
            )
        if job.progress is JobProgress.REQUESTED:
            job = asking.look(job, catalog=self.catalog, store=self.store, tell=self.tell)
        if job.progress is JobProgress.FAILED:
            raise ServiceError(f"the service could not retrieve archive {archive.archive_id}: {job.message}")
        return job

    def _job(self, archive: Archive) -> Job:
        """The job that brings *archive*: one that is under way or ready, or a new one, written down."""
        with self.catalog.write() as records:
            under_way = records.jobs.reusable(archive.archive_key, None)
            if under_way is not None:
                return under_way
            key = records.jobs.intend(
                self.vault.vault_id,
                asking.new_token(),
                JobAction.ARCHIVE,
                archive.archive_key,
                None,
                Tier.STANDARD,
            )
            return records.jobs.get(key)

    def _tell_of_gap(self, archive: Archive, error: Exception) -> None:
        self.tell(
            Noted("copy-unreadable", f"what was recorded from {archive.created_at} on is not known: {error}")
        )


def _partial(archive: Archive) -> str:
    return f"copy-{archive.archive_key}"


def _unreadable(archive: Archive, error: Exception) -> CopyUnreadable:
    return CopyUnreadable(
        f"the copy of the records in archive {archive.archive_id} cannot be read: {error}",
        hint="gk catalog rebuild --before DATE takes an older one",
    )


def _lines(contents: Contents) -> Iterator[bytes]:
    """The lines of the copy; after the last one its hashes are compared.

    Raises CopyUnreadable, BadManifest, BytesMismatch.
    """
    member = next((each for each in contents.members if each.path == MEMBER), None)
    if not isinstance(member, Member):
        raise CopyUnreadable("the archive holds no copy of records")
    hasher = ContentHasher()
    yield from split_lines(_fed(contents.content(member), hasher))
    assert member.tree_hash is not None
    _compare(hasher.result(), Hashes(member.size, member.md5, member.tree_hash))


def _fed(pieces: Iterator[bytes], hasher: ContentHasher) -> Iterator[bytes]:
    for piece in pieces:
        hasher.update(piece)
        yield piece


def _compare(found: Hashes, expected: Hashes) -> None:
    if not found.agree_with(expected):
        raise BytesMismatch("the copy of the records", expected=expected.tree_hash, found=found.tree_hash)
