"""gk delete: retire versions, then delete the archives that nothing needs any more."""

import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from glacierkeep.catalog import Catalog
from glacierkeep.clock import Clock
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.names import printable
from glacierkeep.domain.records import Archive, ArchiveState, Vault
from glacierkeep.errors import ChangedThenFailed, Exit, GlacierkeepError, NoSuchName
from glacierkeep.events import ArchiveDeleted, Listener, nobody
from glacierkeep.operations.selection import Moment, select
from glacierkeep.stores.store import Store

_BATCH = 500
_ALL_VERSIONS = Moment(history=True, deleted=True)


@dataclass(frozen=True, slots=True)
class Deletion:
    """What a deletion did, or (*dry_run*) would do. *kept_bytes*: what lies in archives that other files still
    need, and is no longer needed itself."""

    dry_run: bool
    files: int
    versions: int
    size: int
    archives: int
    archive_bytes: int
    kept_archives: int
    kept_bytes: int
    exit: Exit = Exit.DONE


def delete(
    names: Sequence[str],
    *,
    catalog: Catalog,
    store_of: Callable[[Vault], Store],
    clock: Clock,
    host: str,
    dry_run: bool = False,
    tell: Listener = nobody,
) -> Deletion:
    """Retire every version of *names*; delete, in every vault, the archives that held nothing else.

    An archive goes in two steps: marked in the transaction that looks whether anything needs it, then deleted at
    the service. Raises NoSuchName before anything is done, ChangedThenFailed if the service fails midway
    (`gk poll` goes on with the rest).
    """
    chosen = _choose(names, catalog=catalog, host=host)
    try:
        gone, stay, kept_bytes = _retire(chosen, catalog=catalog, clock=clock, dry_run=dry_run)
    except _OnlyLooked as looked:
        gone, stay, kept_bytes = looked.found
    else:
        finish_deletions(gone, catalog=catalog, store_of=store_of, tell=tell)
    return Deletion(
        dry_run=dry_run,
        files=chosen.files,
        versions=len(chosen.versions),
        size=chosen.size,
        archives=len(gone),
        archive_bytes=sum(archive.size for archive in gone),
        kept_archives=len(stay),
        kept_bytes=kept_bytes,
    )


@dataclass(slots=True)
class _Chosen:
    versions: "array[int]"
    files: int = 0
    size: int = 0


class _OnlyLooked(Exception):
    """Carries what was found out of a transaction that must leave no trace."""

    def __init__(self, found: tuple[list[Archive], list[Archive], int]) -> None:
        super().__init__("nothing was changed")
        self.found = found


def _choose(names: Sequence[str], *, catalog: Catalog, host: str) -> _Chosen:
    chosen, last = _Chosen(array("q")), None
    for name in names:
        before = len(chosen.versions)
        for version in select(name, catalog=catalog, host=host, moment=_ALL_VERSIONS):
            if version.retired_at is not None:
                continue
            chosen.versions.append(version.version_id)
            chosen.files += version.kind is not FileKind.FOLDER and version.file_id != last
            chosen.size += version.size
            last = version.file_id
        if len(chosen.versions) == before:
            raise NoSuchName(printable(os.fsencode(name)))
    return chosen


def _retire(
    chosen: _Chosen, *, catalog: Catalog, clock: Clock, dry_run: bool
) -> tuple[list[Archive], list[Archive], int]:
    """Retire the versions and mark what nothing needs any more: the archives that go, those that stay, and how many
    retired bytes those hold."""
    with catalog.write() as records:
        touched: set[int] = set()
        for batch in _batches(chosen.versions):
            touched |= records.archives.holding(batch)
        before = {key: records.archives.live_bytes(key)[0] for key in touched}
        for batch in _batches(chosen.versions):
            records.versions.retire(batch, clock.now())
        marked = set(records.archives.begin_deletion(sorted(touched)))
        gone = [records.archives.get(key) for key in sorted(marked)]
        stay = [records.archives.get(key) for key in sorted(touched - marked)]
        kept = sum(
            before[each.archive_key] - records.archives.live_bytes(each.archive_key)[0] for each in stay
        )
        if dry_run:
            raise _OnlyLooked((gone, stay, kept))
    return gone, stay, kept


def _batches(versions: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(versions)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def finish_deletions(
    archives: Sequence[Archive],
    *,
    catalog: Catalog,
    store_of: Callable[[Vault], Store],
    tell: Listener = nobody,
) -> None:
    """Delete at the service what is marked for it, and write each down as it goes."""
    for done, archive in enumerate(archives):
        with catalog.read() as records:
            vault = records.vaults.by_id(archive.vault_id)
        try:
            store_of(vault).delete_archive(archive.archive_id)
        except GlacierkeepError as error:
            raise ChangedThenFailed(
                f"{done} of {len(archives)} archives were deleted, then: {error}",
                hint="gk poll goes on with the rest",
            ) from error
        with catalog.write() as records:
            records.archives.mark([archive.archive_key], ArchiveState.DELETED)
        tell(ArchiveDeleted(vault.address, archive.archive_id, archive.size))
