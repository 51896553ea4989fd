"""Unfinished uploads in words: one line each, and what to do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from glacierkeep.cli.render.uploads import upload_lines
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.records import UploadState
from glacierkeep.operations.uploads import UploadListed

BEGUN = datetime(2026, 3, 1, 12, tzinfo=UTC)
FILE = UploadListed(
    vault="local:photos",
    kind="file",
    state=UploadState.OPEN,
    label="photos",
    path=b"photos/a.raw",
    source=b"/home/ada/photos",
    size=4 * MIB,
    acknowledged=MIB,
    begun_at=BEGUN,
    idle_since=BEGUN + timedelta(hours=1),
    may_have_expired=False,
    resumable=True,
    uncertain=False,
    at_work=False,
)
SENT = "1.0 MiB of 4.0 MiB sent, begun 2026-03-01 12:00, idle since 2026-03-01 13:00"


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ({}, f"photos/a.raw: {SENT}; gk upload /home/ada/photos goes on"),
        (
            {"may_have_expired": True},
            (f"photos/a.raw: {SENT}; the service may have forgotten it; gk upload /home/ada/photos goes on or begins"
            " it anew"),
        ),
        (
            {"path": None, "kind": "bundle", "state": UploadState.STAGING, "size": None, "acknowledged": 0,
             "idle_since": BEGUN, "resumable": False},
            "(bundle of photos): nothing sent, begun 2026-03-01 12:00; gk upload /home/ada/photos begins it anew",
        ),
        (
            {"uncertain": True, "resumable": False, "state": UploadState.UNCERTAIN},
            ("photos/a.raw: 4.0 MiB, begun 2026-03-01 12:00; it may be an archive: gk sync-inventory tells, with an"
            " inventory made later"),
        ),
        (
            {"at_work": True},
            "photos/a.raw: 1.0 MiB of 4.0 MiB sent, begun 2026-03-01 12:00; another gk is at work on it",
        ),
        (
            {"source": None, "label": "stdin", "path": b"stdin/dump"},
            f"stdin/dump: {SENT}; the next gk upload - below stdin goes on",
        ),
        (
            {"kind": "volumes", "size": None, "source": None, "label": "stdin", "path": b"stdin/dump",
             "resumable": False, "idle_since": BEGUN},
            ("stdin/dump: 1.0 MiB sent, begun 2026-03-01 12:00; it cannot go on; the next gk upload - below stdin"
            " ends it"),
        ),
        (
            {"kind": "catalog", "path": None, "label": None, "source": None, "resumable": False},
            f"(copy of the records): {SENT}; the next gk upload makes a new one",
        ),
        (
            {"path": b"photos/a\nb\x1b[31m\xff", "source": b"/home/ada/my photos\x1b"},
            f"photos/a\\x0ab\\x1b[31m\\u{{dcff}}: {SENT}; gk upload '/home/ada/my photos\\x1b' goes on",
        ),
    ],
)  # fmt: skip
def test_each_says_what_goes_on_with_it(said: dict[str, object], line: str) -> None:
    """Name, amount and times, then what continues, ends or settles it; nothing in a name reaches the terminal raw."""
    assert upload_lines([replace(FILE, **said)], everything=False) == [line]
