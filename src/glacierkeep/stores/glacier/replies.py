"""The service's dictionaries as records of ours. Nothing in them is taken on trust."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.service import (
    JobAction,
    JobState,
    JobStatus,
    ListedArchive,
    OpenUpload,
    SentPart,
    Tier,
    VaultState,
)
from glacierkeep.domain.times import read_stamp
from glacierkeep.errors import ServiceError, ServiceUnreachable

Reply = Mapping[str, Any]

_ID = re.compile(r"[A-Za-z0-9_-]{1,2200}")
_RANGE = re.compile(r"(\d{1,15})-(\d{1,15})")
_CONTENT_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(?:\d{1,15}|\*)")
_HASH = re.compile(r"[0-9a-fA-F]{64}")
_ACTIONS = {"ArchiveRetrieval": JobAction.ARCHIVE, "InventoryRetrieval": JobAction.INVENTORY}
_STATES = {"Succeeded": JobState.READY, "Failed": JobState.FAILED}


def to_vault(reply: Reply) -> VaultState:
    """DescribeVault. Counts may be null before the first inventory."""
    return VaultState(
        name=_text(reply, "VaultName"),
        created_at=_time(reply, "CreationDate"),
        inventory_date=_time_or_none(reply, "LastInventoryDate"),
        archives=_count(reply, "NumberOfArchives"),
        size=_count(reply, "SizeInBytes"),
    )


def to_upload(reply: Reply) -> OpenUpload:
    """An entry of ListMultipartUploads."""
    return OpenUpload(
        upload_id=_text(reply, "MultipartUploadId"),
        description=_text_or_empty(reply, "ArchiveDescription"),
        part_size=_count(reply, "PartSizeInBytes"),
        created_at=_time(reply, "CreationDate"),
    )


def to_part(reply: Reply) -> SentPart:
    """An entry of ListParts."""
    tree_hash = _hash_or_none(reply, "SHA256TreeHash")
    if tree_hash is None:
        raise _nonsense("SHA256TreeHash", None)
    return SentPart(to_range(_text(reply, "RangeInBytes")), tree_hash)


def is_known_job(reply: Reply) -> bool:
    """Whether the job is of a kind that gk starts (Select jobs are not)."""
    return reply.get("Action") in _ACTIONS


def to_job(reply: Reply) -> JobStatus:
    """DescribeJob, or an entry of ListJobs."""
    action = _ACTIONS.get(_text(reply, "Action"))
    if action is None:
        raise _nonsense("Action", reply.get("Action"))
    spelled = _text_or_empty(reply, "RetrievalByteRange")
    wanted = to_range(spelled) if spelled and action is JobAction.ARCHIVE else None
    return JobStatus(
        job_id=_text(reply, "JobId"),
        action=action,
        state=_state(reply),
        created_at=_time(reply, "CreationDate"),
        completed_at=_time_or_none(reply, "CompletionDate"),
        archive_id=_text_or_empty(reply, "ArchiveId") or None,
        range=wanted,
        size=_job_size(reply, action, wanted),
        tree_hash=_hash_or_none(reply, "SHA256TreeHash"),
        tier=_tier(reply),
        description=_text_or_empty(reply, "JobDescription"),
        message=_text_or_empty(reply, "StatusMessage"),
        filtered=_is_filtered(reply),
    )


def to_listed(reply: object) -> ListedArchive:
    """An entry of an inventory's ArchiveList."""
    if not isinstance(reply, Mapping):
        raise _nonsense("ArchiveList", reply)
    return listed(
        reply.get("ArchiveId"),
        reply.get("ArchiveDescription"),
        reply.get("CreationDate"),
        reply.get("Size"),
        reply.get("SHA256TreeHash"),
    )


def listed(
    archive_id: object, description: object, created: object, size: object, digest: object
) -> ListedArchive:
    """A line of an inventory, each field checked; the description is whatever somebody wrote."""
    if not isinstance(archive_id, str) or not _ID.fullmatch(archive_id):
        raise _nonsense("ArchiveId", archive_id)
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise _nonsense("Size", size)
    if not isinstance(digest, str) or not _HASH.fullmatch(digest):
        raise _nonsense("SHA256TreeHash", digest)
    # Half a surrogate pair is possible in JSON, but in no text that is to be stored.
    written = str(description or "").encode("utf-8", "backslashreplace").decode("utf-8")
    return ListedArchive(archive_id, written, to_time("CreationDate", created), size, bytes.fromhex(digest))


def to_range(spelled: str) -> ByteRange:
    """`0-4194303`, both ends included, as a half-open range."""
    return _half_open(_RANGE.fullmatch(spelled), spelled)


def to_content_range(spelled: str) -> ByteRange:
    """`bytes 0-1023/8388608` as a half-open range."""
    return _half_open(_CONTENT_RANGE.fullmatch(spelled), spelled)


def to_time(key: str, value: object) -> datetime:
    """A moment, with or without a fraction of a second."""
    try:
        return read_stamp(str(value))
    except ValueError as error:
        raise _nonsense(key, value) from error


def to_hash(key: str, value: object) -> bytes | None:
    """A digest in hex; None if there is none."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise _nonsense(key, value)
    return bytes.fromhex(value)


def listed_in(page: Reply, key: str) -> list[Reply]:
    """The entries of a page. A page that does not say what it lists is no empty one."""
    entries = page.get(key)
    if not isinstance(entries, list):
        raise _nonsense(key, entries)
    return entries


def told_id(reply: Reply, key: str) -> str:
    """An id the service has just given. Raises ServiceUnreachable: without it, what was asked may have been done."""
    try:
        return _text(reply, key)
    except ServiceError as error:
        raise ServiceUnreachable(str(error)) from error


def _half_open(found: "re.Match[str] | None", spelled: str) -> ByteRange:
    if not found or int(found[1]) > int(found[2]):
        raise _nonsense("range", spelled)
    return ByteRange(int(found[1]), int(found[2]) + 1)


def _state(reply: Reply) -> JobState:
    return _STATES.get(_text_or_empty(reply, "StatusCode"), JobState.WORKING)


def _tier(reply: Reply) -> Tier | None:
    told = reply.get("Tier")
    return Tier(told) if told in list(Tier) else None


def _job_size(reply: Reply, action: JobAction, wanted: ByteRange | None) -> int | None:
    """Bytes of the output. No output is empty: a zero means that it is not told."""
    if action is JobAction.INVENTORY:
        return _count(reply, "InventorySizeInBytes") or None
    return wanted.length if wanted else _count(reply, "ArchiveSizeInBytes") or None


def _is_filtered(reply: Reply) -> bool:
    asked = reply.get("InventoryRetrievalParameters")
    keys = ("StartDate", "EndDate", "Limit", "Marker")
    return isinstance(asked, Mapping) and any(asked.get(key) for key in keys)


def _text(reply: Reply, key: str) -> str:
    value = reply.get(key)
    if not isinstance(value, str) or not value:
        raise _nonsense(key, value)
    return value


def _text_or_empty(reply: Reply, key: str) -> str:
    value = reply.get(key)
    return value if isinstance(value, str) else ""


def _count(reply: Reply, key: str) -> int:
    value = reply.get(key) or 0
    if not isinstance(value, int) or value < 0:
        raise _nonsense(key, value)
    return value


def _time(reply: Reply, key: str) -> datetime:
    return to_time(key, reply.get(key))


def _time_or_none(reply: Reply, key: str) -> datetime | None:
    return to_time(key, reply[key]) if reply.get(key) else None


def _hash_or_none(reply: Reply, key: str) -> bytes | None:
    return to_hash(key, reply.get(key))


def _nonsense(key: str, value: object) -> ServiceError:
    return ServiceError(f"the service's answer makes no sense: {key} is {str(value)[:80]!r}")
