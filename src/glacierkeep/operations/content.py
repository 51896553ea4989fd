"""Is this content in the vault already? A file is read for it only when the catalog knows one of its size there."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from glacierkeep.bundle.entries import restat
from glacierkeep.bundle.folder import open_source
from glacierkeep.catalog import Catalog
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.hashes import ContentHasher, Hashes
from glacierkeep.domain.parts import ByteRange
from glacierkeep.errors import SourceChanged, Stopped, UsageError
from glacierkeep.operations.scan import Change
from glacierkeep.transfer.source import FileSource
from glacierkeep.transfer.stopped import never

_BATCH = 256
_PIECE = 1 << 20


class Judged(NamedTuple):
    """A change, and the version whose content it has, with the hashes that say so."""

    change: Change
    same_as: int | None = None
    hashes: Hashes | None = None


Trouble = Callable[[bytes, Exception], None]


def judge(
    changes: Iterable[Change],
    vault_id: int,
    root_fd: int,
    *,
    catalog: Catalog,
    trouble: Trouble,
    stop: Callable[[], bool] = never,
) -> Iterator[Judged]:
    """*changes* in their order, each with what has its content in the vault. *trouble* is told of unreadable files;
    they are left out. Raises Stopped."""
    rest = iter(changes)
    while batch := list(islice(rest, _BATCH)):
        stored = _sizes_stored(batch, vault_id, catalog)
        hashed = [
            _hashed(change, root_fd, trouble, stop) if _is_among(change, stored) else change
            for change in batch
        ]
        same = _same_content([each.hashes for each in hashed if isinstance(each, _Hashed)], vault_id, catalog)
        for one in hashed:
            if isinstance(one, _Hashed):
                yield Judged(one.change, same.get(one.hashes), one.hashes)
            elif one is not None:
                yield Judged(one)


class _Hashed(NamedTuple):
    change: Change
    hashes: Hashes


def _sizes_stored(batch: list[Change], vault_id: int, catalog: Catalog) -> set[int]:
    sizes = {each.entry.size for each in batch if each.entry.kind is FileKind.FILE and each.entry.size}
    if not sizes:
        return set()
    with catalog.read() as records:
        return records.versions.sizes_stored(vault_id, sizes)


def _same_content(contents: list[Hashes], vault_id: int, catalog: Catalog) -> dict[Hashes, int]:
    if not contents:
        return {}
    with catalog.read() as records:
        return records.versions.same_content(vault_id, contents)


def _is_among(change: Change, sizes: set[int]) -> bool:
    return change.entry.kind is FileKind.FILE and change.entry.size in sizes


def _hashed(change: Change, root_fd: int, trouble: Trouble, stop: Callable[[], bool]) -> _Hashed | None:
    """The file as it was when all of it was read, with its hashes; read once more if it changed meanwhile."""
    for last in (False, True):
        try:
            return _Hashed(change, hash_file(change, root_fd, stop))
        except (OSError, SourceChanged) as error:
            again = None if last or isinstance(error, OSError) else look_again(change, root_fd)
            if again is None:
                trouble(change.entry.path, error)
                return None
            change = again
    return None


def look_again(change: Change, root_fd: int) -> Change | None:
    """*change* as the file is now; None if it is a file no more."""
    try:
        entry = restat(root_fd, change.entry.path)
    except (OSError, UsageError):
        return None
    return change._replace(entry=entry) if entry.kind is FileKind.FILE else None


def source_of(change: Change, root_fd: int) -> FileSource:
    """The file of *change* as bytes to be sent, as long as it is what was scanned."""
    entry = change.entry
    return FileSource(
        lambda: open_source(root_fd, entry.path),
        size=entry.size,
        mtime_ns=entry.mtime_ns,
        inode=entry.inode,
        name=entry.path.decode("utf-8", "replace"),
    )


def hash_file(change: Change, root_fd: int, stop: Callable[[], bool] = never) -> Hashes:
    """The hashes of the file, read once. Raises SourceChanged if it is no longer what was scanned, Stopped."""
    with source_of(change, root_fd) as source:
        return hash_source(source, stop)


def hash_source(source: FileSource, stop: Callable[[], bool] = never) -> Hashes:
    """The hashes of all of *source*, read once. Raises SourceChanged, Stopped."""
    hasher = ContentHasher()
    for at in range(0, source.size, _PIECE):
        if stop():
            raise Stopped
        hasher.update(source.read_part(ByteRange(at, min(at + _PIECE, source.size))))
    source.check()
    return hasher.result()
