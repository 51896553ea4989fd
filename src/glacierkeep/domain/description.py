"""What is written beside an archive: one line of ASCII JSON that says what it is, before its first byte is sent.

    {"gk":1,"Path":"photos/a.jpg","UTCDateModified":"20190704T101112Z","t":TOKEN,"c":CATALOG,"k":"file",
     "n":"1562235072123456789","o":"644"}

`Path` and `UTCDateModified` are spelled as other tools read them. Archives of a set say of which (`set`) and where they
stand in it (`i`). Reading is total: what is not ours is None.
"""

import json
import re
from dataclasses import dataclass
from enum import StrEnum

from glacierkeep.domain import names, times, token
from glacierkeep.domain.limits import MAX_DESCRIPTION

_MTIME = re.compile(r"-?\d{1,19}")
_MODE = re.compile(r"[0-7]{1,4}")
_MTIME_LIMIT = 1 << 63
_MOST_INDEX = 1_000_000


class ArchiveKind(StrEnum):
    """What an archive of ours holds."""

    FILE = "file"
    BUNDLE = "bundle"
    SEALED = "sealed"
    CATALOG = "catalog"


@dataclass(frozen=True, slots=True)
class Description:
    """What an archive says of itself. *path*, *mtime_ns* and *mode* only for a file archive.

    *set_token* and *index* of one that belongs to a set: the volumes of a file, from 1; a full copy of the catalog's
    records, 0, and its increments.
    """

    kind: ArchiveKind
    token: str
    catalog: str
    path: bytes | None = None
    mtime_ns: int | None = None
    mode: int | None = None
    set_token: str | None = None
    index: int | None = None


def write(description: Description) -> str:
    """The one line for *description*. It may be longer than the service takes: see `fits`."""
    said: dict[str, object] = {"gk": 1}
    if description.path is not None:
        said["Path"] = names.readable(description.path)
        if not names.is_utf8(description.path):
            said["b"] = names.to_b64(description.path)
    if description.mtime_ns is not None:
        said["UTCDateModified"] = times.write_compact(description.mtime_ns)
    said |= {"t": description.token, "c": description.catalog, "k": description.kind.value}
    if description.mtime_ns is not None:
        said["n"] = str(description.mtime_ns)
    if description.mode is not None:
        said["o"] = f"{description.mode:o}"
    if description.set_token is not None:
        said |= {"set": description.set_token, "i": description.index or 0}
    return json.dumps(said, ensure_ascii=True, separators=(",", ":")).replace("\x7f", "\\u007f")


def fits(line: str) -> bool:
    """Whether the service takes *line* as a description."""
    return len(line) <= MAX_DESCRIPTION


def read(line: str) -> Description | None:
    """What *line* says, or None if it is not one of our descriptions. Never fails."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or type(said.get("gk")) is not int or said["gk"] != 1:
        return None
    if not (token.is_token(said.get("t")) and token.is_catalog_id(said.get("c"))):
        return None
    try:
        kind = ArchiveKind(str(said.get("k")))
    except ValueError:
        return None
    return Description(kind, said["t"], said["c"], _path(said), _mtime(said), _mode(said), *_set(said))


def _set(said: dict[str, object]) -> tuple[str, int] | tuple[None, None]:
    series, index = said.get("set"), said.get("i")
    if (
        isinstance(series, str)
        and token.is_token(series)
        and type(index) is int
        and 0 <= index <= _MOST_INDEX
    ):
        return series, index
    return None, None


def _path(said: dict[str, object]) -> bytes | None:
    text, exact = said.get("Path"), said.get("b")
    try:
        if isinstance(exact, str):
            return names.from_b64(exact) or None
        return text.encode("utf-8") or None if isinstance(text, str) else None
    except ValueError:
        return None


def _mtime(said: dict[str, object]) -> int | None:
    text = said.get("n")
    if not (isinstance(text, str) and _MTIME.fullmatch(text)):
        return None
    return int(text) if -_MTIME_LIMIT <= int(text) < _MTIME_LIMIT else None


def _mode(said: dict[str, object]) -> int | None:
    text = said.get("o")
    return int(text, 8) if isinstance(text, str) and _MODE.fullmatch(text) else None
