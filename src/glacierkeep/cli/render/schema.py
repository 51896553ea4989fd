"""The JSON Schema of what `--json` prints, made from the records themselves.

`python -m glacierkeep.cli.render.schema > docs/reference/gk-1.schema.json` writes it anew.
"""

import dataclasses
import importlib
import json
import types
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import click

from glacierkeep import events
from glacierkeep.cli.render.machine import HASHES, SCHEMA, type_of
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.vault import VaultAddress

LINES = (
    "glacierkeep.cli.catalog:CatalogUpgraded",
    "glacierkeep.cli.completion:CompletionScript",
    "glacierkeep.cli.config:ConfigValid",
    "glacierkeep.cli.config:SendingMemory",
    "glacierkeep.cli.config:Setting",
    "glacierkeep.cli.key_check:ChallengeWritten",
    "glacierkeep.cli.key_check:SheetRead",
    "glacierkeep.cli.local:LocalClock",
    "glacierkeep.cli.local_faults:LocalFault",
    "glacierkeep.cli.local:LocalReset",
    "glacierkeep.cli.local:LocalStatus",
    "glacierkeep.cli.local_faults:LocalFaultsRemoved",
    "glacierkeep.cli.local_serve:LocalServer",
    "glacierkeep.cli.render.tally:Progress",
    "glacierkeep.config.paths:Homes",
    "glacierkeep.domain.records:Version",
    "glacierkeep.operations.delete:Deletion",
    "glacierkeep.operations.abandon:UploadsAbandoned",
    "glacierkeep.operations.du:Usage",
    "glacierkeep.operations.du:VaultUsage",
    "glacierkeep.operations.jobs:JobListed",
    "glacierkeep.operations.key_making:KeyCreated",
    "glacierkeep.operations.key_sheets:SheetWritten",
    "glacierkeep.operations.keys:IdentityListed",
    "glacierkeep.operations.keys:KeysChecked",
    "glacierkeep.operations.keys:VaultKeys",
    "glacierkeep.operations.ls:FolderListed",
    "glacierkeep.operations.ls:RootListed",
    "glacierkeep.operations.poll:PollOutcome",
    "glacierkeep.operations.rebuild:CatalogRebuilt",
    "glacierkeep.operations.recipients:RecipientsChanged",
    "glacierkeep.operations.retrieve:RetrievalEstimate",
    "glacierkeep.operations.retrieve:RetrievalOutcome",
    "glacierkeep.operations.show:ArchiveShown",
    "glacierkeep.operations.show:VersionShown",
    "glacierkeep.operations.status:Status",
    "glacierkeep.operations.sync_inventory:InventorySync",
    "glacierkeep.operations.upload:UploadOutcome",
    "glacierkeep.operations.uploads:UploadListed",
    "glacierkeep.operations.vaults:VaultCreated",
    "glacierkeep.operations.vaults:VaultDeleted",
    "glacierkeep.operations.vaults:VaultListed",
    "glacierkeep.operations.vaults:VaultShown",
    "glacierkeep.operations.verify:Verification",
)
"""Everything a command shows, beside events: `module:class`."""

_SIMPLE: Mapping[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    datetime: {"type": "string", "format": "date-time"},
    timedelta: {"type": "number", "description": "seconds"},
    Decimal: {"type": "string"},
    Path: {"type": "string"},
    VaultAddress: {"type": "string"},
    type(None): {"type": "null"},
    Any: {},
    object: {},
}
_ERROR = {
    "description": "Why a command failed; its exit code is `exit`.",
    "type": "object",
    "properties": {
        "schema": {"const": SCHEMA},
        "type": {"const": "error"},
        "code": {"type": "string"},
        "message": {"type": "string"},
        "hint": {"type": ["string", "null"]},
        "exit": {"type": "integer"},
    },
    "required": ["schema", "type", "code", "message", "hint", "exit"],
}


def document() -> dict[str, Any]:
    """The schema of one line."""
    shapes = sorted(_shapes(), key=type_of)
    lines = {"error": _ERROR} | {type_of(shape): _line(shape) for shape in shapes}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of gk --json",
        "description": "Lines may get more fields, and new types may come; readers pass over what they do not know.",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in lines],
        "$defs": lines,
    }


def _shapes() -> list[type]:
    shown = [getattr(importlib.import_module(line.split(":")[0]), line.split(":")[1]) for line in LINES]
    told = [one for one in vars(events).values() if isinstance(one, type) and issubclass(one, events.Event)]
    return [*(one for one in told if one is not events.Event), *shown]


def _line(shape: type) -> dict[str, Any]:
    described = _fields(shape)
    head = {"schema": {"const": SCHEMA}, "type": {"const": type_of(shape)}}
    return {
        "description": (shape.__doc__ or "").strip().split("\n")[0],
        "type": "object",
        "properties": head | described["properties"],
        "required": [*head, *described["required"]],
    }


def _fields(shape: Any) -> dict[str, Any]:
    hints = get_type_hints(shape)
    names = [field.name for field in dataclasses.fields(shape)]
    properties: dict[str, Any] = {}
    for name in names:
        properties[name] = _hash(hints[name]) if name in HASHES else _of(hints[name])
        if name not in HASHES and bytes in (hints[name], *get_args(hints[name])):
            properties[f"{name}_b64"] = {
                "type": "string",
                "description": f"base64url of the exact bytes, where {name} is not UTF-8",
            }
    return {"type": "object", "properties": properties, "required": names}


def _hash(hint: Any) -> dict[str, Any]:
    digest = {"type": "string", "pattern": "^[0-9a-f]*$"}
    return {"anyOf": [digest, {"type": "null"}]} if type(None) in get_args(hint) else digest


def _of(hint: Any) -> dict[str, Any]:
    if hint in _SIMPLE:
        return dict(_SIMPLE[hint])
    if hint is bytes:
        return {"type": "string"}
    if get_origin(hint) in (Union, types.UnionType):
        return {"anyOf": [_of(one) for one in get_args(hint)]}
    if hint is FileKind:
        return {"enum": [kind.word for kind in FileKind]}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [one.value for one in hint]}
    return _fields(hint) if dataclasses.is_dataclass(hint) else _container(hint)


def _container(hint: Any) -> dict[str, Any]:
    origin = get_origin(hint) or hint
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object"}
    inner = [one for one in get_args(hint) if one is not Ellipsis]
    kinds = [_of(one) for one in inner]
    return {"type": "array", "items": kinds[0] if len(kinds) == 1 else {}}


if __name__ == "__main__":
    click.echo(json.dumps(document(), indent=2))
