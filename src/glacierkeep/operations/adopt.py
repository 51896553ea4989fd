"""Taking in archives that a vault holds and the catalog does not know.

One of our own says in its description what it is. Of any other, and of a bundle whose members are not known, the
archive itself becomes a file below the label *found*, named by its archive id, so that it can be had back.
"""

import hashlib
from datetime import datetime
from itertools import chain, count

from glacierkeep.catalog import Records
from glacierkeep.domain import description as descriptions
from glacierkeep.domain import names
from glacierkeep.domain.description import ArchiveKind, Description
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.hashes import Hashes
from glacierkeep.domain.labels import FOUND_PATH, NO_HOST
from glacierkeep.domain.reconciliation import GRACE
from glacierkeep.domain.records import (
    Archive,
    ArchiveState,
    NewArchive,
    NewVersion,
    Piece,
    Root,
    UploadState,
    Vault,
)
from glacierkeep.domain.service import ListedArchive
from glacierkeep.errors import UsageError
from glacierkeep.operations.roots import check_label

_FOREIGN = "foreign"
_USUAL_MODE = 0o644
_NS = 1_000_000_000


def adopt(listed: ListedArchive, vault: Vault, records: Records) -> bool:
    """Record the archive and what is known of its content; whether its description is one of ours."""
    said = descriptions.read(listed.description)
    new = NewArchive(
        vault.vault_id,
        listed.archive_id,
        said.kind.value if said else _FOREIGN,
        listed.size,
        None,
        listed.tree_hash,
        listed.description,
        said.token if said else None,
        None,
        listed.created_at,
    )
    key = records.archives.acknowledge(new)
    if said is not None and said.kind is ArchiveKind.CATALOG:
        return True  # a copy of records is no file of anybody's
    root, path = _place(listed, said, records)
    version = NewVersion(
        path=path,
        kind=FileKind.FILE,
        size=listed.size,
        mtime_ns=_mtime(listed, said),
        mode=_USUAL_MODE if said is None or said.mode is None else said.mode,
        inode=0,
        hashes=Hashes(listed.size, None, listed.tree_hash),
        pieces=(Piece(0, listed.size),),
    )
    records.versions.record(None, root.root_id, vault.vault_id, key, [version], adopted=True)
    return said is not None


def is_duplicate(listed: ListedArchive, recorded: Archive) -> bool:
    """Whether an unknown archive of the same content as a recorded one adds nothing: no other name, no trust.

    Bundles hold their names; a file archive of ours says its name in the description.
    """
    if recorded.state is not ArchiveState.PRESENT or recorded.archive_id == listed.archive_id:
        return False
    said, known = descriptions.read(listed.description), descriptions.read(recorded.description)
    if said is None or known is None:
        return listed.description == recorded.description
    return said.kind is known.kind and said.path == known.path


def forget_doubt(listed: ListedArchive, vault: Vault, records: Records) -> None:
    """The inventory tells that an upload whose answer was lost did become an archive."""
    said = descriptions.read(listed.description)
    upload = records.uploads.by_token(vault.vault_id, said.token) if said else None
    if upload is not None and upload.state is UploadState.UNCERTAIN:
        records.uploads.forget(upload.upload_key)


def forget_old_doubts(vault: Vault, asked_at: datetime, records: Records) -> None:
    """A full inventory asked for at that time lists no archive of these uploads, and would by now: none came of them.

    When it was made tells less: the service makes no new one of a vault that did not change.
    """
    for upload in records.uploads.outstanding(vault.vault_id, uncertain=True):
        if upload.state is UploadState.UNCERTAIN and upload.created_at + GRACE <= asked_at:
            records.uploads.forget(upload.upload_key)


def _place(listed: ListedArchive, said: Description | None, records: Records) -> tuple[Root, bytes]:
    """The root and the path below it that the archive's content belongs to."""
    if said and said.kind is ArchiveKind.FILE and said.path and not names.trouble_with(said.path):
        label, _, path = said.path.partition(b"/")
        if path and _is_label(label):
            return _root(label.decode(), records), path
    suffix = ".tar" if said and said.kind is ArchiveKind.BUNDLE else ""
    return _found_root(records), _file_name(listed.archive_id, suffix)


def _file_name(archive_id: str, suffix: str) -> bytes:
    """The archive's id as a name: ids are opaque, so what cannot be a name is replaced by its hash."""
    name = archive_id.encode()
    if len(name) + len(suffix) > names.MAX_NAME or b"/" in name or names.trouble_with(name):
        name = hashlib.sha256(name).hexdigest().encode()
    return name + suffix.encode()


def _is_label(label: bytes) -> bool:
    try:
        check_label(label.decode())
    except (UnicodeDecodeError, UsageError):
        return False
    return True


def _found_root(records: Records) -> Root:
    """The root for what has no name; where a folder of somebody's has its label, it gets a number."""
    root = records.roots.at(NO_HOST, FOUND_PATH)
    if root is not None:
        return root
    label = FOUND_PATH.decode()
    free = (
        each
        for each in chain([label], (f"{label}-{n}" for n in count(2)))
        if not records.roots.by_label(each)
    )
    return records.roots.add(next(free), NO_HOST, FOUND_PATH)


def _root(label: str, records: Records) -> Root:
    return records.roots.by_label(label) or records.roots.add(label, NO_HOST, label.encode())


def _mtime(listed: ListedArchive, said: Description | None) -> int:
    if said is not None and said.mtime_ns is not None:
        return said.mtime_ns
    return int(listed.created_at.timestamp()) * _NS
