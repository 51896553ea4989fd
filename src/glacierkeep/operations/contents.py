"""What an archive of ours holds, as versions to be recorded."""

from collections.abc import Callable, Iterable
from itertools import islice

from glacierkeep.catalog import Catalog, Records
from glacierkeep.domain.files import Entry, FileKind
from glacierkeep.domain.hashes import Hashes, hash_content
from glacierkeep.domain.manifest import Member
from glacierkeep.domain.records import NewVersion, Piece, Root, Version
from glacierkeep.domain.segments import Segment, SegmentMap

_AT_ONCE = 4000
"""Members of a bundle that are written down by one call: all in one transaction, never all in memory."""


def record_file(run_id: int, root_id: int, vault_id: int, entry: Entry) -> Callable[[Records, int], None]:
    """What a file archive holds: just the file."""

    def record(records: Records, archive_key: int) -> None:
        archive = records.archives.get(archive_key)
        hashes = Hashes(archive.size, archive.md5, archive.tree_hash)
        version = new_version(entry, hashes, pieces=(Piece(0, archive.size),))
        records.versions.record(run_id, root_id, vault_id, archive_key, [version])

    return record


def record_members(
    run_id: int | None, root_id: int, versions: Iterable[NewVersion], segments: Iterable[Segment]
) -> Callable[[Records, int], None]:
    """What a bundle holds: its members, their pieces within the plain content that *segments* cut."""
    within = SegmentMap(segments)

    def record(records: Records, archive_key: int) -> None:
        vault_id = records.archives.get(archive_key).vault_id
        rest = (_cut(version, within) for version in versions)
        while some := list(islice(rest, _AT_ONCE)):
            records.versions.record(run_id, root_id, vault_id, archive_key, some)

    return record


def _cut(version: NewVersion, within: SegmentMap) -> NewVersion:
    """*version*, whose pieces lie in one plain whole, with those that lie in segments."""
    if len(within.segments) == 1:
        return version
    lying = tuple(piece for whole in version.pieces for piece in within.pieces(whole.offset, whole.length))
    return version._replace(pieces=lying)


def member_version(
    member: Member, path: bytes, target: bytes | None, inode: int, hashes: Hashes | None
) -> NewVersion:
    """The version that a bundle's *member* holds. *path* and a hard link's *target* are below the root; *hashes* are
    of its content, which a hard link has too."""
    is_link = member.kind is FileKind.HARDLINK
    return NewVersion(
        path=path,
        kind=member.kind,
        size=hashes.size if hashes else 0,
        mtime_ns=member.mtime_ns,
        mode=member.mode,
        inode=inode,
        hashes=hashes,
        target=target,
        pieces=(Piece(member.offset, 0 if is_link or hashes is None else hashes.size),),
        same_as_path=target if is_link else None,
    )


def hashes_of(member: Member) -> Hashes | None:
    """The hashes of a file among a bundle's members."""
    if member.kind is not FileKind.FILE or member.tree_hash is None:
        return None
    return Hashes(member.size, member.md5, member.tree_hash)


def expected_of(version: Version) -> Hashes:
    """The hashes that the content of *version* must have."""
    if version.size == 0:
        return hash_content(b"")
    assert version.tree_hash is not None
    return Hashes(version.size, version.md5, version.tree_hash)


def hashes_at(root: Root, path: bytes, fresh: Iterable[NewVersion], *, catalog: Catalog) -> Hashes | None:
    """The hashes of the file at *path* of *root*: of the last among *fresh*, or as the catalog has it."""
    for version in fresh:
        if version.path == path and version.kind is FileKind.FILE:
            return version.hashes
    for known in catalog.versions_below(root, path):
        if known.kind is FileKind.FILE and known.tree_hash is not None:
            return Hashes(known.size, known.md5, known.tree_hash)
    return None


def new_version(
    entry: Entry, hashes: Hashes | None, *, pieces: tuple[Piece, ...] = (), same_as: int | None = None
) -> NewVersion:
    """The version that *entry* is, its content in *pieces* of an archive or where *same_as* has it."""
    return NewVersion(
        path=entry.path,
        kind=entry.kind,
        size=entry.size,
        mtime_ns=entry.mtime_ns,
        mode=entry.mode,
        inode=entry.inode,
        hashes=hashes,
        target=entry.target,
        pieces=pieces,
        same_as=same_as,
    )
