"""The vault API as a few dictionaries: what a service in immediate mode must answer, from the guide alone.

Each operation changes the model and returns the status wanted, with the error's code where it is one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO

from botocore.utils import calculate_tree_hash

MIB = 1024 * 1024
DAY = timedelta(hours=24)
OVERHEAD = 32 * 1024

Wanted = tuple[int, str | None]
INVALID: Wanted = (400, "InvalidParameterValueException")
MISSING: Wanted = (400, "MissingParameterValueException")
NOT_FOUND: Wanted = (404, "ResourceNotFoundException")


def tree_hash(content: bytes) -> str:
    return str(calculate_tree_hash(BytesIO(content)))


@dataclass
class Archive:
    content: bytes
    description: str


@dataclass
class Upload:
    part_size: int
    description: str
    touched: datetime
    parts: dict[int, bytes] = field(default_factory=dict)
    archive: str | None = None
    aborted: bool = False


@dataclass
class Job:
    made: datetime
    content: bytes | None
    listed: dict[str, Archive] = field(default_factory=dict)


@dataclass
class Vault:
    archives: dict[str, Archive] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    uploads: dict[str, Upload] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)


class Model:
    """What is there. *now* is turned by `advance`."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.vaults: dict[str, Vault] = {}

    def advance(self, by: timedelta) -> None:
        self.now += by
        for vault in self.vaults.values():
            vault.jobs = {name: job for name, job in vault.jobs.items() if job.made + DAY > self.now}
            vault.uploads = {
                name: each
                for name, each in vault.uploads.items()
                if each.touched + self._kept(each) > self.now
            }

    # Vaults

    def create_vault(self, name: str) -> Wanted:
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,255}", name):
            return INVALID
        self.vaults.setdefault(name, Vault())
        return 201, None

    def delete_vault(self, name: str) -> Wanted:
        if name not in self.vaults:
            return NOT_FOUND
        if self.vaults[name].archives:
            return INVALID
        del self.vaults[name]
        return 204, None

    def figures(self, name: str) -> tuple[int, int]:
        archives = self.vaults[name].archives.values()
        return len(archives), sum(len(each.content) + OVERHEAD for each in archives)

    # Archives

    def upload_archive(self, vault: str, content: bytes, *, right: bool) -> Wanted:
        if vault not in self.vaults:
            return NOT_FOUND
        return (201, None) if content and right else INVALID

    def delete_archive(self, vault: str, archive: str) -> Wanted:
        if vault not in self.vaults:
            return NOT_FOUND
        here = self.vaults[vault]
        if archive in here.archives:
            del here.archives[archive]
            here.deleted.add(archive)
        elif archive not in here.deleted:
            return INVALID if self.is_elsewhere(vault, archive) else NOT_FOUND
        return 204, None

    def is_elsewhere(self, vault: str, archive: str) -> bool:
        others = (each for name, each in self.vaults.items() if name != vault)
        return any(archive in each.archives or archive in each.deleted for each in others)

    # Uploads

    def initiate_upload(self, vault: str, part_size: str) -> Wanted:
        fits = part_size in {str(MIB << power) for power in range(13)}
        if not part_size:
            return MISSING
        if not fits:
            return INVALID
        return (201, None) if vault in self.vaults else NOT_FOUND

    def upload_part(self, vault: str, upload: str, start: int, content: bytes, *, right: bool) -> Wanted:
        open_one = self._open(vault, upload)
        if open_one is None:
            return NOT_FOUND
        if not content or start % open_one.part_size or len(content) > open_one.part_size or not right:
            return INVALID
        open_one.parts[start] = content
        open_one.touched = self.now
        return 204, None

    def complete(self, vault: str, upload: str, size: int, tree: str) -> Wanted:
        """201 with the archive to be recorded by the caller, under the id that the service gave it."""
        if vault not in self.vaults or upload not in self.vaults[vault].uploads:
            return NOT_FOUND
        known = self.vaults[vault].uploads[upload]
        if known.aborted:
            return NOT_FOUND
        content = b"".join(known.parts[start] for start in sorted(known.parts))
        contiguous = all(start == end for start, end in self._joints(known))
        if not content or not contiguous or len(content) != size or tree_hash(content) != tree:
            return INVALID
        return 201, None

    def completed(self, vault: str, upload: str, archive: str) -> None:
        known = self.vaults[vault].uploads[upload]
        if known.archive is None:
            content = b"".join(known.parts[start] for start in sorted(known.parts))
            self.vaults[vault].archives[archive] = Archive(content, known.description)
            known.archive, known.touched = archive, self.now

    def abort(self, vault: str, upload: str) -> Wanted:
        if vault not in self.vaults or upload not in self.vaults[vault].uploads:
            return NOT_FOUND
        known = self.vaults[vault].uploads[upload]
        if known.archive is not None:
            return NOT_FOUND
        if not known.aborted:
            known.aborted, known.touched = True, self.now
            known.parts.clear()
        return 204, None

    def open_uploads(self, vault: str) -> dict[str, Upload]:
        uploads = self.vaults[vault].uploads
        return {name: each for name, each in uploads.items() if self._open(vault, name) is each}

    # Jobs

    def retrieve(self, vault: str, archive: str, first: int, last: int) -> Wanted:
        if vault not in self.vaults:
            return NOT_FOUND
        here = self.vaults[vault]
        if archive not in here.archives:
            return INVALID if self.is_elsewhere(vault, archive) else NOT_FOUND
        size = len(here.archives[archive].content)
        whole_mib = first % MIB == 0 and ((last + 1) % MIB == 0 or last + 1 == size)
        return (202, None) if whole_mib and 0 <= first <= last < size else INVALID

    def _open(self, vault: str, upload: str) -> Upload | None:
        known = self.vaults[vault].uploads.get(upload) if vault in self.vaults else None
        return known if known and known.archive is None and not known.aborted else None

    @staticmethod
    def _kept(upload: Upload) -> timedelta:
        return timedelta(hours=1) if upload.aborted or upload.archive else DAY

    @staticmethod
    def _joints(upload: Upload) -> Iterator[tuple[int, int]]:
        end = 0
        for start in sorted(upload.parts):
            yield start, end
            end = start + len(upload.parts[start])
