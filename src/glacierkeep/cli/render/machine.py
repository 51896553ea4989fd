"""Results and events as JSON Lines: one object a line, ASCII, `"schema": "gk/1"` and a `"type"`."""

import dataclasses
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

from glacierkeep.domain.files import FileKind
from glacierkeep.domain.names import is_utf8, readable, to_b64
from glacierkeep.domain.vault import VaultAddress

SCHEMA = "gk/1"
HASHES = frozenset({"md5", "tree_hash", "sha256", "hash"})
"""Fields of raw bytes that are digests; all other bytes are names."""


def type_of(shape: type) -> str:
    """The `type` of a line about a *shape*: its class's name in kebab case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", shape.__name__).lower()


def line_of(record: Any) -> str:
    """One line, without its end, about *record*: a dataclass."""
    return _dumped(type_of(type(record)), fields_of(record))


def error_line(code: str, message: str, hint: str | None, exit_code: int) -> str:
    """One line about an error."""
    return _dumped("error", {"code": code, "message": message, "hint": hint, "exit": exit_code})


def fields_of(record: Any) -> dict[str, Any]:
    """The fields of dataclass *record* as JSON values."""
    return _object({field.name: getattr(record, field.name) for field in dataclasses.fields(record)})


def _dumped(kind: str, content: Mapping[str, Any]) -> str:
    return json.dumps({"schema": SCHEMA, "type": kind, **content})


def _object(content: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, bytes) and name not in HASHES:
            result[name] = readable(value)
            if not is_utf8(value):
                result[f"{name}_b64"] = to_b64(value)
        else:
            result[name] = _value(value)
    return result


def _value(value: Any) -> Any:
    if value is None or (isinstance(value, bool | str) and not isinstance(value, Enum)):
        return value
    if isinstance(value, FileKind):
        return value.word
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal | Path | VaultAddress):
        return str(value)
    return _composite(value)


def _composite(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return fields_of(value)
    if isinstance(value, Mapping):
        return _object({str(name): inner for name, inner in value.items()})
    if isinstance(value, list | tuple | set | frozenset):
        return [_value(inner) for inner in value]
    return value
