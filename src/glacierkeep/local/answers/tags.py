"""Tags of vaults: added, removed, listed (developer guide, "Tagging Amazon S3 Glacier Resources")."""

import sqlite3

from glacierkeep.local.answers import vaults
from glacierkeep.local.answers.calls import Call
from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.documents import Fields, members, read_fields, text, texts
from glacierkeep.local.wire.messages import Response
from glacierkeep.local.wire.spelling import empty_response, json_response

MAX_TAGS = 50
"""Tags of a vault (developer guide, api-AddTagsToVault)."""
MAX_AT_ONCE = 10
"""Tags in a request (developer guide, api-AddTagsToVault, api-RemoveTagsFromVault)."""
MAX_KEY_LENGTH = 128
MAX_VALUE_LENGTH = 255

_RESERVED = "aws:"
_MARKS = frozenset(" _./=+-@")


def add_tags_to_vault(call: Call) -> Response:
    """AddTagsToVault: new keys are added, known ones get the new value; all of them or none."""
    fields = read_fields(call.request.body, "Tags")
    tags = _tags(members(fields, "Tags"))
    with call.state.writing() as db:
        vault = _vault(call, db)
        db.executemany(
            "INSERT INTO tags (vault, name, value) VALUES (?, ?, ?)"
            " ON CONFLICT (vault, name) DO UPDATE SET value = excluded.value",
            [(vault, key, value) for key, value in tags.items()],
        )
        if db.execute("SELECT count(*) FROM tags WHERE vault = ?", (vault,)).fetchone()[0] > MAX_TAGS:
            raise refusals.too_many_tags(MAX_TAGS)
    return empty_response(204)


def remove_tags_from_vault(call: Call) -> Response:
    """RemoveTagsFromVault: keys that are not there are no error."""
    fields = read_fields(call.request.body, "TagKeys")
    keys = texts(fields, "TagKeys")
    _check_count("TagKeys", len(keys))
    for key in keys:
        _check_key(key)
    with call.state.writing() as db:
        vault = _vault(call, db)
        db.executemany("DELETE FROM tags WHERE vault = ? AND name = ?", [(vault, key) for key in keys])
    return empty_response(204)


def list_tags_for_vault(call: Call) -> Response:
    """ListTagsForVault: an empty object when there are none."""
    with call.state.reading() as db:
        rows = db.execute("SELECT name, value FROM tags WHERE vault = ?", (_vault(call, db),)).fetchall()
    return json_response(200, {"Tags": {row["name"]: row["value"] for row in rows}})


def _vault(call: Call, db: sqlite3.Connection) -> int:
    return int(vaults.require(call, db)["vault"])


def _tags(tags: Fields) -> dict[str, str]:
    _check_count("Tags", len(tags))
    found = {}
    for key in tags:
        _check_key(key)
        value = text(tags, key)
        if value is None:
            raise refusals.malformed_body("The value of a tag is not a string")
        if len(value) > MAX_VALUE_LENGTH or not _is_plain(value):
            raise refusals.invalid_parameter("tag value", value)
        found[key] = value
    return found


def _check_count(name: str, count: int) -> None:
    if count == 0:
        raise refusals.missing(name)
    if count > MAX_AT_ONCE:
        raise refusals.invalid(
            f"Invalid {name}: {count} tags, at most {MAX_AT_ONCE} are allowed in a request"
        )


def _check_key(key: str) -> None:
    if key.lower().startswith(_RESERVED):
        raise refusals.invalid(f"Invalid tag key: {key}. The prefix {_RESERVED} is reserved")
    if not 1 <= len(key) <= MAX_KEY_LENGTH or not _is_plain(key):
        raise refusals.invalid_parameter("tag key", key)


def _is_plain(text: str) -> bool:
    """Nothing but the letters and digits of Unicode, blanks and ``_ . / = + - @``."""
    return all(each.isalpha() or each.isdecimal() or each in _MARKS for each in text)
