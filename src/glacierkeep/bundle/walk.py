"""All that lies below a folder, one folder at a time."""

import os
import stat
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from glacierkeep.bundle.entries import make_entry
from glacierkeep.bundle.folder import FOLDER_FLAGS, SOURCE_FLAGS, lstat_below, open_below, open_root
from glacierkeep.bundle.outcome import WORK_FOLDER
from glacierkeep.bundle.rules import Rules
from glacierkeep.domain import names
from glacierkeep.domain.files import Entry, FileKind, Glance

Trouble: TypeAlias = Callable[[bytes, str, str], None]
"""Told of what is not taken: path relative to the root, a stable code, a sentence.

Codes: unreadable, vanished, changed (a folder was replaced meanwhile), skipped-special (merely a note).
"""

CACHE_TAG = b"CACHEDIR.TAG"
CACHE_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55"
"""https://bford.info/cachedir/"""
NO_BACKUP = b".nobackup"

_ENCODING = sys.getfilesystemencoding()


class Entries(Collection[Entry]):
    """The files and symlinks of an open folder, by *names* in order; each is looked at when it is asked for."""

    def __init__(
        self,
        walker: "_Walker | None" = None,
        descriptor: int = -1,
        prefix: bytes = b"",
        names: Sequence[bytes] = (),
        skipped: list[bytes] | None = None,
    ) -> None:
        self.names = names
        self._walker, self._descriptor, self._prefix, self._skipped = walker, descriptor, prefix, skipped

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, entry: object) -> bool:
        return entry in list(self)

    def __iter__(self) -> Iterator[Entry]:
        return self.at(self.names)

    def at(self, names: Iterable[bytes]) -> Iterator[Entry]:
        """Those of *names*; what turns out to be neither file nor symlink joins the listing's *skipped*."""
        if self._walker is None or self._skipped is None:
            return
        for name in names:
            entry = self._walker.entry_at(name, self._prefix + name, self._descriptor)
            if entry is None:
                self._skipped.append(name)
            else:
                yield entry

    def unlike(self, names: Sequence[bytes], known: Mapping[bytes, Glance]) -> Sequence[bytes]:
        """Those of *names* that are not, at first sight, unchanged files as *known*. All else needs a proper look."""
        if not known:
            return names
        found = []
        for name in names:
            try:
                status = os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)
            except OSError:
                found.append(name)
                continue
            glance = (status.st_mode, status.st_size, status.st_mtime_ns, status.st_ino)
            if glance != known.get(name) or status.st_nlink != 1:
                found.append(name)
        return found


@dataclass(frozen=True, slots=True)
class FolderListing:
    """One folder. *path* is relative to the root; *entry* the folder itself.

    *entries* are its files and symlinks in name order, *folders* the names that are listed next, *excluded* the
    names that are left out knowingly, *skipped* those that are there but cannot be taken. If *unreadable*, there
    may be more: nothing below may be taken for gone.

    Entries are looked at as they are iterated over, before the next listing is asked for: of a folder with a
    million names only the names lie in memory. What turns out to be no file then joins *skipped*.
    """

    path: bytes
    entry: Entry
    entries: Entries = field(default_factory=Entries)
    folders: list[bytes] = field(default_factory=list)
    excluded: list[bytes] = field(default_factory=list)
    skipped: list[bytes] = field(default_factory=list)
    unreadable: bool = False


def walk(
    root: bytes,
    *,
    rules: Rules,
    one_file_system: bool,
    trouble: Trouble,
    start: bytes = b"",
    caches: bool = False,
    own: Set[tuple[int, int]] = frozenset(),
) -> Iterator[FolderListing]:
    """Every folder from *start* in *root* down, parents first, siblings in name order; no symlink below *root* is
    followed. Paths are relative to *root*. Of a folder marked by CACHEDIR.TAG only the tag is taken, unless *caches*.
    What has a device and inode among *own* is left out.

    Memory holds one folder's entries and the folders still to be listed beside its parents. Raises OSError if
    *root* itself cannot be opened; all else is *trouble*.
    """
    top = open_root(root)
    try:
        first = make_entry(start, lstat_below(top, start) if start else os.fstat(top))
        if first is None or first.kind is not FileKind.FOLDER:
            return
        walker = _Walker(top, rules, first.device if one_file_system else None, trouble, caches, own)
        pending = [first]
        while pending:
            with walker.looking_into(pending.pop()) as (listing, below):
                yield listing
            pending.extend(reversed(below))
    finally:
        os.close(top)


@dataclass(frozen=True, slots=True)
class _Walker:
    top: int
    rules: Rules
    device: int | None
    trouble: Trouble
    caches: bool
    own: Set[tuple[int, int]]

    @contextmanager
    def looking_into(self, folder: Entry) -> Iterator[tuple[FolderListing, list[Entry]]]:
        """What is in *folder*, and the folders to look into next; it stays open meanwhile."""
        try:
            descriptor = self._open(folder)
        except OSError as error:
            self._tell(folder.path, error)
            descriptor = None
        if descriptor is None:
            yield FolderListing(folder.path, folder, unreadable=True), []
            return
        try:
            yield self._read(descriptor, folder)
        finally:
            os.close(descriptor)

    def _open(self, folder: Entry) -> int | None:
        descriptor = open_below(self.top, folder.path, FOLDER_FLAGS | os.O_NOFOLLOW)
        status = os.fstat(descriptor)
        if (status.st_dev, status.st_ino) == (folder.device, folder.inode):
            return descriptor
        os.close(descriptor)
        self.trouble(folder.path, "changed", "the folder was replaced while its parent was read")
        return None

    def _read(self, descriptor: int, folder: Entry) -> tuple[FolderListing, list[Entry]]:
        only = _only_these(descriptor, caches=self.caches)
        found = _Found(folder.path + b"/" if folder.path else b"")
        unreadable = False
        try:
            with os.scandir(descriptor) as items:
                self._take_all(items, found, only)
        except OSError as error:
            self._tell(folder.path, error)
            unreadable = True
        entries = Entries(self, descriptor, found.prefix, sorted(found.names), found.skipped)
        return found.listing(folder, entries, unreadable), found.folders

    def _take_all(
        self, items: "Iterable[os.DirEntry[str]]", found: "_Found", only: frozenset[bytes] | None
    ) -> None:
        """This runs for every name there is: where nothing is left out, a file is just a name."""
        all_wanted = only is None and self.rules.empty
        for item in items:
            name = item.name.encode(_ENCODING, "surrogateescape")
            if all_wanted and name != WORK_FOLDER and not item.is_dir(follow_symlinks=False):
                found.names.append(name)
            else:
                self._take(item, name, found, only)

    def _take(
        self, item: "os.DirEntry[str]", name: bytes, found: "_Found", only: frozenset[bytes] | None
    ) -> None:
        path = found.prefix + name
        if (only is not None and name not in only) or self._is_excluded(item, name, path):
            found.excluded.append(name)
        elif item.is_dir(follow_symlinks=False):
            self._take_folder(item, name, path, found)
        else:
            found.names.append(name)

    def _take_folder(self, item: "os.DirEntry[str]", name: bytes, path: bytes, found: "_Found") -> None:
        try:
            entry = make_entry(path, item.stat(follow_symlinks=False))
        except OSError as error:
            self._tell(path, error)
            entry = None
        if entry is None or entry.kind is not FileKind.FOLDER:
            found.skipped.append(name)
        elif self.device not in (None, entry.device) or (entry.device, entry.inode) in self.own:
            found.excluded.append(name)
        else:
            found.folders.append(entry)

    def entry_at(self, name: bytes, path: bytes, descriptor: int) -> Entry | None:
        """The file or symlink *name* in an open folder; None, and told of, if it is neither."""
        try:
            status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            target = os.readlink(name, dir_fd=descriptor) if stat.S_ISLNK(status.st_mode) else None
        except OSError as error:
            self._tell(path, error)
            return None
        entry = make_entry(path, status, target)
        if entry is None:
            self.trouble(path, "skipped-special", "a FIFO, socket or device has no content to keep")
        elif entry.kind is FileKind.FOLDER:
            self.trouble(path, "changed", "it became a folder while it was looked at")
            return None
        elif (entry.device, entry.inode) in self.own:
            return None
        return entry

    def _is_excluded(self, item: "os.DirEntry[str]", name: bytes, path: bytes) -> bool:
        if name == WORK_FOLDER:
            return True
        return not self.rules.empty and self.rules.excludes(path, item.is_dir(follow_symlinks=False))

    def _tell(self, path: bytes, error: OSError) -> None:
        gone = isinstance(error, FileNotFoundError)
        sentence = "it vanished meanwhile" if gone else f"it cannot be read: {error.strerror}"
        self.trouble(path, "vanished" if gone else "unreadable", sentence)


@dataclass(slots=True)
class _Found:
    prefix: bytes
    names: list[bytes] = field(default_factory=list)
    folders: list[Entry] = field(default_factory=list)
    excluded: list[bytes] = field(default_factory=list)
    skipped: list[bytes] = field(default_factory=list)

    def listing(self, folder: Entry, entries: Entries, unreadable: bool) -> FolderListing:
        """All of it in name order."""
        self.folders.sort(key=_path_of)
        deeper = [names.name_of(entry.path) for entry in self.folders]
        return FolderListing(
            folder.path, folder, entries, deeper, sorted(self.excluded), self.skipped, unreadable
        )


def _path_of(entry: Entry) -> bytes:
    return entry.path


def _only_these(folder: int, *, caches: bool) -> frozenset[bytes] | None:
    """The names that a marker in *folder* leaves to be taken; None if there is no marker."""
    if _exists(folder, NO_BACKUP):
        return frozenset()
    if not caches and _exists(folder, CACHE_TAG) and _is_cache_tag(folder):
        return frozenset((CACHE_TAG,))
    return None


def _exists(folder: int, name: bytes) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return True


def _is_cache_tag(folder: int) -> bool:
    try:
        descriptor = os.open(CACHE_TAG, SOURCE_FLAGS, dir_fd=folder)
    except OSError:
        return False
    try:
        return os.read(descriptor, len(CACHE_SIGNATURE)) == CACHE_SIGNATURE
    except OSError:
        return False
    finally:
        os.close(descriptor)
