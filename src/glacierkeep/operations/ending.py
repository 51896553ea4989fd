"""An unfinished upload is brought to its end: at the service, then in the catalog, then in staging.

Killed between any two of these, the same call again ends the rest.
"""

from collections.abc import Iterable, Set
from pathlib import Path

from glacierkeep.domain.description import ArchiveKind
from glacierkeep.domain.records import Upload, UploadState
from glacierkeep.domain.service import OpenUpload
from glacierkeep.operations.shipping import Shipping
from glacierkeep.operations.volumes import drop_staged


def end_upload(upload: Upload, opened: Iterable[OpenUpload], *, shipping: Shipping, staging: Path) -> bool:
    """End *upload*; False if it may be an archive by now: its token is then kept for the next inventory.

    *opened*: what the service listed since nobody sends it any more; uploads whose beginning got no answer are known
    there by their description. Raises what the store raises.
    """
    ours = {each.upload_id for each in opened if each.description == upload.description}
    for upload_id in ours - {upload.upload_id}:
        shipping.store.abort_upload(upload_id)
    in_doubt = may_be_archive(upload, ours)
    if in_doubt:
        shipping.doubt(upload)
    else:
        shipping.end(upload)
    if upload.kind != ArchiveKind.FILE:
        drop_staged(staging / upload.source.decode())
    return not in_doubt


def may_be_archive(upload: Upload, opened: Set[str]) -> bool:
    """Whether *upload* may have become an archive; *opened* are the ids of the uploads that are still open."""
    if upload.state is UploadState.COMPLETING:
        return upload.upload_id not in opened
    return upload.state in (UploadState.SENDING, UploadState.UNCERTAIN)
