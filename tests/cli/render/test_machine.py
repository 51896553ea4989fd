import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.cli.render.machine import line_of, type_of
from glacierkeep.domain.files import FileKind
from glacierkeep.domain.names import from_b64
from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.service import Tier
from glacierkeep.domain.vault import parse_address
from glacierkeep.errors import Exit
from glacierkeep.events import Trouble


@dataclass(frozen=True, slots=True)
class OneOfEach:
    value: Any
    tree_hash: bytes = b"\x01\xff"


def _line(value: Any) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(line_of(OneOfEach(value)))
    return line


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (2**63 + 1, 2**63 + 1),
        (True, True),
        (None, None),
        (Decimal("5.00"), "5.00"),
        (datetime(2026, 11, 22, 10, 0, tzinfo=UTC), "2026-11-22T10:00:00Z"),
        (
            datetime(2026, 11, 22, 12, 0, 0, 5, tzinfo=timezone(timedelta(hours=2))),
            "2026-11-22T10:00:00.000005Z",
        ),
        (timedelta(hours=1), 3600.0),
        (Tier.BULK, "Bulk"),
        (Exit.WAITING, 4),
        (FileKind.HARDLINK, "hardlink"),
        (parse_address("local:a"), "local:a"),
        (Path("/x"), "/x"),
        (ByteRange(0, 5), {"start": 0, "stop": 5}),
        ((1, "a"), [1, "a"]),
        ({"n": b"x"}, {"n": "x"}),
    ],
)
def test_values(value: Any, written: Any) -> None:
    """Each kind of value has one spelling, and numbers are exact."""
    assert _line(value)["value"] == written


def test_head_and_hashes() -> None:
    """Each line says its schema and its type, and digests are hexadecimal."""
    line = _line(1)
    assert (line["schema"], line["type"], line["tree_hash"]) == ("gk/1", "one-of-each", "01ff")


@given(st.binary(max_size=40))
def test_every_name_survives(path: bytes) -> None:
    """A name can be had back exactly: from its text, or from path_b64 where it is not UTF-8."""
    text = line_of(Trouble(path, "code", "sentence"))
    line = json.loads(text)
    exact = from_b64(line["path_b64"]) if "path_b64" in line else line["path"].encode()
    assert exact == path
    assert text.isascii()
    assert "\n" not in text


def test_types_are_kebab_case() -> None:
    """A type is its class's name, in the usual spelling of JSON tools."""
    assert type_of(Trouble) == "trouble"
    assert type_of(OneOfEach) == "one-of-each"
