"""Unfinished uploads as people are told of them, a line each."""

import os
import shlex
from collections.abc import Sequence

from glacierkeep.cli.render.words import moment, safe, size
from glacierkeep.operations.uploads import VOLUMES, UploadListed

MOST = 10
"""So many are shown, unless all are asked for."""


def upload_lines(uploads: Sequence[UploadListed], *, everything: bool) -> list[str]:
    """A line for each of *uploads*, or for the first ten and how many more there are."""
    shown = uploads if everything else uploads[:MOST]
    lines = [f"{name_of(each)}: {_told(each)}" for each in shown]
    if len(shown) < len(uploads):
        lines.append(f"and {len(uploads) - len(shown):,} more; -v shows them all")
    return lines


def name_of(upload: UploadListed) -> str:
    """What *upload* holds, in words."""
    if upload.path is not None:
        return safe(os.fsdecode(upload.path))
    if upload.label is not None:
        return f"(bundle of {safe(upload.label)})"
    return "(copy of the records)" if upload.kind == "catalog" else f"(a {upload.kind} archive)"


def _told(upload: UploadListed) -> str:
    parts = [f"{_amount(upload)}, begun {moment(upload.begun_at)}"]
    if upload.uncertain:
        return f"{parts[0]}; it may be an archive: gk sync-inventory tells, with an inventory made later"
    if upload.at_work:
        return f"{parts[0]}; another gk is at work on it"
    idle = moment(upload.idle_since)
    if idle != moment(upload.begun_at):
        parts.append(f"idle since {idle}")
    return f"{', '.join(parts)}; {_what_next(upload)}"


def _amount(upload: UploadListed) -> str:
    if upload.uncertain and upload.size is not None:
        return size(upload.size)
    if upload.size is None:
        return f"{size(upload.acknowledged)} sent" if upload.acknowledged else "nothing sent"
    return f"{size(upload.acknowledged)} of {size(upload.size)} sent"


def _what_next(upload: UploadListed) -> str:
    if upload.kind == "catalog":
        return "the next gk upload makes a new one"
    if upload.label is None:
        return "these records do not know it"
    if upload.source is None:
        again = f"the next gk upload - below {safe(upload.label)}"
    else:
        again = f"gk upload {safe(shlex.quote(os.fsdecode(upload.source)))}"
    if upload.kind == VOLUMES and not upload.resumable:
        return f"it cannot go on; {again} ends it"
    if not upload.resumable:
        return f"{again} begins it anew"
    if upload.may_have_expired:
        return f"the service may have forgotten it; {again} goes on or begins it anew"
    return f"{again} goes on"
