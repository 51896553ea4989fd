import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from glacierkeep import events
from glacierkeep.cli.render.machine import line_of
from glacierkeep.cli.render.schema import document
from glacierkeep.domain.service import Tier

PUBLISHED = Path(__file__).parents[2] / "docs" / "reference" / "gk-1.schema.json"

COMMANDS: list[tuple[str, ...]] = [
    ("vault", "create", "local:photos"),
    ("vault", "list"),
    ("vault", "show"),
    ("key", "create", "--yes"),
    ("key", "create", "--yes"),
    ("key", "add", "main", "-V", "photos"),
    ("key", "add", "nonsense", "-V", "photos"),
    ("key", "check"),
    ("key", "check", "--challenge", "CHALLENGE"),
    ("key", "check", "--sheet", "SHEET"),
    ("key", "list"),
    ("key", "export", "--to", "SHEET"),
    ("key", "check", "--sheet", "SHEET"),
    ("vault", "use", "local:other"),
    ("vault", "show", "local:none"),
    ("vault", "delete", "photos", "--yes"),
    ("vault", "delete", "local:none"),
    ("config", "show", "--origin"),
    ("config", "path"),
    ("config", "validate"),
    ("config", "set", "upload.jobs", "3"),
    ("config", "set", "upload.jobs", "x"),
    ("local", "status"),
    ("local", "advance", "1h"),
    ("local", "advance", "x"),
    ("completion", "bash"),
    ("nonsense",),
    (),
]


LIFE: list[tuple[str, ...]] = [
    ("upload", "--dry-run", "PHOTOS"),
    ("upload", "PHOTOS"),
    ("upload", "--abandon"),
    ("ls",),
    ("ls", "photos"),
    ("find", "jpg"),
    ("show", "photos/a.jpg"),
    ("du",),
    ("verify", "PHOTOS"),
    ("status",),
    ("retrieve", "--dry-run", "photos"),
    ("retrieve", "photos", "--to", "back"),
    ("poll",),
    ("jobs",),
    ("sync-inventory",),
    ("poll",),
    ("status",),
    ("delete", "--dry-run", "photos"),
    ("delete", "--yes", "photos"),
    ("jobs",),
    ("catalog", "rebuild"),
    ("LOST",),
    ("catalog", "rebuild"),
]

TYPES_OF_A_LIFE = {
    "upload-outcome",
    "root-listed",
    "version",
    "version-shown",
    "usage",
    "verification",
    "status",
    "retrieval-estimate",
    "retrieval-outcome",
    "poll-outcome",
    "job-listed",
    "inventory-sync",
    "deletion",
    "uploads-abandoned",
    "archive-stored",
    "job-requested",
    "catalog-rebuilt",
}


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = json.loads(PUBLISHED.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_published_schema_is_current() -> None:
    """docs/reference/gk-1.schema.json is what the records say; the module's docstring tells how to write it anew."""
    assert json.loads(PUBLISHED.read_text()) == document()


def test_every_line_agrees_with_the_schema(gk, validator: Any, tmp_path: Path) -> None:
    """Whatever a command prints with --json, errors included, is a line of the published schema."""
    seen: set[str] = set()
    for words in COMMANDS:
        result = gk("--json", *words, cwd=tmp_path)
        assert result.stderr == "", words
        for line in result.objects:
            validator.validate(line)
            seen.add(line["type"])
    assert seen >= {
        "error",
        "noted",
        "vault-created",
        "vault-listed",
        "vault-shown",
        "vault-deleted",
        "key-created",
        "recipients-changed",
        "keys-checked",
        "challenge-written",
        "vault-keys",
        "identity-listed",
        "sheet-written",
        "sheet-read",
        "sending-memory",
        "setting",
    }


def test_a_whole_life_agrees_with_the_schema(gk, validator: Any, tmp_path: Path) -> None:
    """From the first upload to the last deletion, each line any verb prints is a line of the published schema."""
    photos = tmp_path / "photos"
    photos.mkdir()
    photos.joinpath("a.jpg").write_bytes(b"a" * 5000)
    tmp_path.joinpath(os.fsdecode(b"photos/\xff.jpg")).write_bytes(b"b")
    seen: set[str] = set()
    for words in LIFE:
        if words == ("LOST",):
            gk.home.joinpath("catalog.db").unlink()
            continue
        result = gk(
            "--json",
            "-V",
            "local:photos",
            *(str(photos) if word == "PHOTOS" else word for word in words),
            cwd=tmp_path,
        )
        assert result.exit_code in (0, 1, 4), (words, result)
        assert result.stderr == "", words
        for line in result.objects:
            validator.validate(line)
            seen.add(line["type"])
    assert seen >= TYPES_OF_A_LIFE


def test_events_agree_with_the_schema(validator: Any) -> None:
    """Events are lines of the schema, names that are not UTF-8 included."""
    for event in (
        events.Trouble(b"\xff", "code", "sentence"),
        events.FindingMade("kind", "name", "sentence", {"size": 5}),
        events.JobRequested("local:a", "id", "archive", 5, Tier.BULK.value),
        events.FilePlaced(b"a/b", 2**60),
    ):
        validator.validate(json.loads(line_of(event)))


def test_the_schema_refuses_what_is_wrong(validator: Any) -> None:
    """A line of no known type, or without its fields, is not valid."""
    for line in (
        {"schema": "gk/1", "type": "nothing"},
        {"schema": "gk/1", "type": "noted"},
        {"type": "error"},
    ):
        assert not validator.is_valid(line)
