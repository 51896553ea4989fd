"""A volume: a portion of a big file, or of a stream, as a bundle of its own."""

from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from glacierkeep.bundle import headers
from glacierkeep.bundle.encode import Cutter, Stored, storing_for, write_tail
from glacierkeep.bundle.files import as_disk_trouble, close_durably, open_new, sync_parent
from glacierkeep.bundle.headers import TarMember
from glacierkeep.bundle.listing import listing_of, write_listing
from glacierkeep.bundle.storing import Coding, Storing
from glacierkeep.bundle.xattrs import Xattrs
from glacierkeep.domain import names
from glacierkeep.domain.files import Entry, FileKind
from glacierkeep.domain.manifest import Member, Portion, member_line
from glacierkeep.domain.treehash import TreeHasher

_DIGITS = 6


@dataclass(frozen=True, slots=True)
class PackedVolume:
    """A volume ready to be sent, and its one member."""

    stored: Stored
    member: Member


def piece_name(path: bytes, index: int) -> bytes:
    """What the portion number *index* of the file *path* is called in its tar: all of a set sort in their order."""
    suffix = b".%0*d" % (_DIGITS, index)
    name = names.name_of(path)[: names.MAX_NAME - len(suffix)]
    return names.join(names.parent_of(path), name + suffix)


def write_volume(
    target: Path,
    name: bytes,
    entry: Entry,
    content: Iterable[bytes],
    length: int,
    index: int,
    portion: Callable[[bytes], Portion],
    coding: Coding,
    *,
    compressed: bool,
    xattrs: Xattrs = (),
) -> PackedVolume:
    """Write portion number *index* of the file *name* (label first), *length* bytes of *content*, to *target*.

    *portion* is asked once the content was read, with its tree hash. *target* is on the disk then, with a listing
    beside it. Raises DiskTrouble, ValueError if the content has another length, and what *content* and the seal raise;
    nothing is left then.
    """
    with as_disk_trouble("a volume"):
        out = open_new(target)
    try:
        with closing(storing_for(out, coding, compressed=compressed)) as storing:
            member = _store(storing, name, entry, xattrs, content, length, index, portion)
        with as_disk_trouble("a volume"):
            close_durably(out)
        write_listing(target, storing.segments, 1, [member_line(member)])
        with as_disk_trouble("a volume"):
            sync_parent(target)
            stored = Stored(target, target.stat().st_size, tuple(storing.segments))
    except BaseException:
        _abandon(target, out)
        raise
    return PackedVolume(stored, member)


def _abandon(target: Path, out: BinaryIO) -> None:
    with suppress(OSError):  # what is still to be written is not wanted any more
        out.close()
    for path in (target, listing_of(target)):
        path.unlink(missing_ok=True)


def _store(
    storing: Storing,
    name: bytes,
    entry: Entry,
    xattrs: Xattrs,
    content: Iterable[bytes],
    length: int,
    index: int,
    portion: Callable[[bytes], Portion],
) -> Member:
    cutter, hasher, taken = Cutter(storing), TreeHasher(), 0
    head = headers.header(_tar_member(piece_name(name, index), entry, length, xattrs))
    with as_disk_trouble("a volume"):
        cutter.feed(head)
    for piece in content:
        hasher.update(piece)
        taken += len(piece)
        with as_disk_trouble("a volume"):
            cutter.feed(piece)
    if taken != length:
        raise ValueError(f"a volume of {length} bytes was given {taken}")
    tree_hash = hasher.digest()
    member = Member(
        name, FileKind.FILE, len(head), length, entry.mtime_ns, entry.mode,
        tree_hash=tree_hash, portion=portion(tree_hash),
    )  # fmt: skip
    line = member_line(member)
    with as_disk_trouble("a volume"):
        cutter.feed(headers.padding(length))
        cutter.cut()
        write_tail(storing, 1, [line], len(line), len(head) + length + len(headers.padding(length)))
    return member


def _tar_member(name: bytes, entry: Entry, length: int, xattrs: Xattrs) -> TarMember:
    return TarMember(
        name, headers.FILE, length, entry.mtime_ns, entry.mode, entry.uid, entry.gid, xattrs=xattrs
    )
