"""What an upload would do: a root on disk, compared folder by folder with the catalog. Nothing is changed here.

A plan lies in spools on disk, because ten million changed files must not lie in memory.
"""

import os
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from glacierkeep.bundle.entries import entry_of
from glacierkeep.bundle.links import LinkTable
from glacierkeep.bundle.rules import Rules
from glacierkeep.bundle.spool import Spool
from glacierkeep.bundle.walk import Entries, FolderListing, walk
from glacierkeep.catalog import Catalog, KnownNames
from glacierkeep.domain import names
from glacierkeep.domain.files import Entry, FileKind, kept_mtime
from glacierkeep.domain.records import Known
from glacierkeep.events import FolderScanned, Listener, Skipped, Trouble
from glacierkeep.operations.roots import Scope

_NO_CONTENT = "skipped-special"


class Change(NamedTuple):
    """A path to be recorded. *known* is the version it had, 0 if none.

    *rider*: a folder that has something in it and was recorded before. Its new times and mode go along in a bundle
    that is made anyway; they are no reason to make one. *doubtful*: size, times and mode are as recorded; only its
    content must be looked at.
    """

    entry: Entry
    known: int
    rider: bool
    doubtful: bool = False


@dataclass(slots=True)
class Plan:
    """What a scan found. *changes* come in path order; *gone* are paths of files and folders no longer there."""

    changes: "Spool[Change]"
    gone: "Spool[bytes]"
    unchanged: int = 0
    new: int = 0
    changed: int = 0
    size: int = 0
    missing: int = 0
    recorded: int = 0
    troubles: int = 0
    skipped: int = 0
    stopped: bool = False

    def looks_empty(self, moved: int) -> bool:
        """Whether most of what the last complete run knew is not there: perhaps an unmounted disk.

        *moved* files have content that is archived already: they may be missing ones under other names.
        """
        return self.recorded > 0 and (self.missing - moved) * 2 > self.recorded

    def close(self) -> None:
        self.changes.close()
        self.gone.close()


@dataclass(frozen=True, slots=True)
class Looking:
    """How a scan looks. It leaves out what *rules* say, what CACHEDIR.TAG marks (unless *caches*), and what has a
    device and inode among *own*: gk writes to that while it reads. *one_file_system*: it does not cross into others.
    *checksum*: it reads every file instead of trusting size, time and inode. *xattrs*: extended attributes are kept."""

    rules: Rules
    caches: bool = False
    own: frozenset[tuple[int, int]] = frozenset()
    one_file_system: bool = False
    checksum: bool = False
    xattrs: bool = False


def scan(
    scope: Scope,
    vault_id: int,
    looking: Looking,
    *,
    catalog: Catalog,
    staging: Path,
    tell: Listener,
    stop: Callable[[], bool],
) -> Plan:
    """Compare what lies in *scope* with what the catalog knows to be in the vault. Raises OSError for a root that
    cannot be read."""
    plan = Plan(Spool(staging), Spool(staging))
    try:
        with LinkTable() as links:
            look = _Scan(scope, vault_id, looking, catalog, links, plan, tell)
            if scope.single:
                look.take_single()
            else:
                look.take_folders(stop)
    except BaseException:
        plan.close()
        raise
    return plan


class _Scan:
    def __init__(
        self,
        scope: Scope,
        vault_id: int,
        looking: Looking,
        catalog: Catalog,
        links: LinkTable,
        plan: Plan,
        tell: Listener,
    ) -> None:
        self.scope, self.vault_id, self.looking, self.catalog = scope, vault_id, looking, catalog
        self.links, self.plan, self.tell = links, plan, tell
        self.known_folders: dict[bytes, tuple[int | None, Known | None]] = {}

    def take_single(self) -> None:
        """A root of which one file is meant: nothing else is looked at, so nothing can be found gone."""
        parent = names.parent_of(self.scope.start)
        known = self._known_at(self._folder_id(parent), names.name_of(self.scope.start))
        entry = entry_of(os.path.join(self.scope.path, self.scope.start))
        self._compare(entry._replace(path=self.scope.start), known)

    def take_folders(self, stop: Callable[[], bool]) -> None:
        start = self.scope.start
        self.known_folders[start] = (self._folder_id(start), self._known_folder(start))
        listings = walk(
            self.scope.path,
            start=start,
            rules=self.looking.rules,
            one_file_system=self.looking.one_file_system,
            caches=self.looking.caches,
            own=self.looking.own,
            trouble=self._trouble,
        )
        for listing in listings:
            if stop():
                self.plan.stopped = True
                return
            self._take(listing)
        if self.plan.missing:
            self.plan.recorded = self._recorded(start)

    def _take(self, listing: FolderListing) -> None:
        """One folder: the names on disk and those of the catalog, both in order, are gone through page by page."""
        folder_id, itself = self.known_folders.pop(listing.path, (None, None))
        subfolders, pages = self._recorded_in(folder_id)
        before = len(self.plan.changes)
        self._compare_folder(listing, itself)
        left = _Left({name: (subfolders.pop(name, None), None) for name in listing.folders})
        for some, known in _paired(listing.entries.names, pages):
            self._compare_all(listing.entries, some, known)
            left.take(known, some)
        self.known_folders |= {names.join(listing.path, name): pair for name, pair in left.below.items()}
        if not listing.unreadable:
            self._note_gone(listing, left.missing, subfolders)
        self.tell(FolderScanned(len(listing.entries), len(self.plan.changes) - before))

    def _compare_folder(self, listing: FolderListing, known: Known | None) -> None:
        """A folder with nothing in it is like a file; of another, times and mode are kept when there is a chance."""
        empty = not (listing.entries or listing.folders or listing.excluded or listing.unreadable)
        entry = listing.entry
        same = known is not None and _same_metadata(entry, known)
        if same and (known is None or known.stored):
            return
        rider = known is not None and not empty
        self._change(entry, known, rider)

    def _compare_all(self, entries: Entries, some: Sequence[bytes], known: KnownNames) -> None:
        """Only what a glance does not settle is looked at closely."""
        doubtful = some if self.looking.checksum else entries.unlike(some, known.glances)
        self.plan.unchanged += len(some) - len(doubtful)
        for entry in entries.at(doubtful):
            self._compare(entry, known.get(names.name_of(entry.path)))

    def _compare(self, entry: Entry, known: Known | None) -> None:
        entry = self._linked(entry)
        if known is None or not known.stored or not _same_metadata(entry, known):
            self._change(entry, known, rider=False)
            return
        self.plan.unchanged += 1
        has_content = entry.kind in (FileKind.FILE, FileKind.HARDLINK)
        if has_content and (self.looking.checksum or known.inode != entry.inode):
            self.plan.changes.append(Change(entry, known.version_id, rider=False, doubtful=True))

    def _change(self, entry: Entry, known: Known | None, rider: bool) -> None:
        self.plan.changes.append(Change(entry, known.version_id if known else 0, rider))
        if rider or entry.kind is FileKind.FOLDER:
            return
        self.plan.size += entry.size if entry.kind is FileKind.FILE else 0
        if known is None:
            self.plan.new += 1
        else:
            self.plan.changed += 1

    def _linked(self, entry: Entry) -> Entry:
        """*entry*, as a hard link if another path of the same file came before it."""
        if entry.kind is not FileKind.FILE or entry.links < 2:
            return entry
        first = self.links.first_path(entry.device, entry.inode, entry.path)
        if first == entry.path:
            return entry
        return entry._replace(kind=FileKind.HARDLINK, target=first)

    def _note_gone(
        self, listing: FolderListing, missing: Iterable[tuple[bytes, FileKind]], subfolders: dict[bytes, int]
    ) -> None:
        there = {*listing.excluded, *listing.skipped}
        for name, kind in missing:
            if name not in there:
                self.plan.gone.append(names.join(listing.path, name))
                self.plan.missing += kind is not FileKind.FOLDER
        for name in subfolders:
            inside = 0 if name in there else self._live_count(names.join(listing.path, name))
            if inside:
                self.plan.gone.append(names.join(listing.path, name) + b"/")
            self.plan.missing += inside

    def _recorded(self, start: bytes) -> int:
        """What must be there: what came since a run that was refused says nothing against an unmounted disk."""
        if self.scope.root is None:
            return 0
        with self.catalog.read() as records:
            last = records.runs.last_complete(self.scope.root.root_id, self.vault_id)
            return records.tree.live_count(self.scope.root.root_id, start, until=last)

    def _live_count(self, path: bytes) -> int:
        if self.scope.root is None:
            return 0
        with self.catalog.read() as records:
            return records.tree.live_count(self.scope.root.root_id, path)

    def _folder_id(self, path: bytes) -> int | None:
        if self.scope.root is None:
            return None
        with self.catalog.read() as records:
            return records.tree.find_folder(self.scope.root.root_id, path)

    def _known_folder(self, path: bytes) -> Known | None:
        """What is known of the folder itself: it stands among its parent's names, the root under an empty one."""
        return self._known_at(self._folder_id(names.parent_of(path)), names.name_of(path))

    def _known_at(self, folder_id: int | None, name: bytes) -> Known | None:
        if folder_id is None:
            return None
        with self.catalog.read() as records:
            return records.tree.known_at(folder_id, self.vault_id, name)

    def _recorded_in(self, folder_id: int | None) -> tuple[dict[bytes, int], Iterator[KnownNames]]:
        """The folders ever recorded in a folder, and the names known in it."""
        if folder_id is None:
            return {}, iter((KnownNames(),))
        with self.catalog.read() as records:
            subfolders = records.tree.subfolders(folder_id)
            first = records.tree.first_names(folder_id, self.vault_id)
        return subfolders, chain((first,), self.catalog.names_after(folder_id, self.vault_id, first))

    def _trouble(self, path: bytes, code: str, sentence: str) -> None:
        archived = names.join(self.scope.label.encode(), path)
        if code == _NO_CONTENT:
            self.plan.skipped += 1
            self.tell(Skipped(archived, sentence))
            return
        self.plan.troubles += 1
        self.tell(Trouble(archived, code, sentence))


@dataclass(slots=True)
class _Left:
    """Names of the catalog that are not among a folder's files: folders *below* it, and what is *missing*."""

    below: dict[bytes, tuple[int | None, Known | None]]
    missing: list[tuple[bytes, FileKind]] = field(default_factory=list)

    def take(self, known: KnownNames, found: Iterable[bytes]) -> None:
        """Those of *known* that are not *found*. The root's own metadata stands under an empty name."""
        for name in sorted(known.glances.keys() - found):
            itself = known.get(name)
            if name in self.below:
                self.below[name] = (self.below[name][0], itself)
            elif name and itself is not None:
                self.missing.append((name, itself.kind))


def _paired(
    found: Sequence[bytes], pages: Iterable[KnownNames]
) -> Iterator[tuple[Sequence[bytes], KnownNames]]:
    """The names *found* in a folder, in order, cut to go with the *pages* of those that are known."""
    at = 0
    for known in pages:
        until = len(found) if known.last is None else bisect_right(found, known.last, at)
        yield found[at:until], known
        at = until


def _same_metadata(entry: Entry, known: Known) -> bool:
    mtime_ns = kept_mtime(entry.mtime_ns)
    if entry.kind is not known.kind or mtime_ns != known.mtime_ns or entry.mode != known.mode:
        return False
    return entry.target == known.target and (entry.kind is FileKind.FOLDER or entry.size == known.size)
