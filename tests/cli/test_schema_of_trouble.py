"""Lines of --json that a smooth life does not print."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from glacierkeep.cli.main import Root
from glacierkeep.cli.render.schema import LINES, document
from glacierkeep.errors import Exit
from glacierkeep.local import LocalGlacier
from glacierkeep.local.attach import attach
from support.runner import Gk, Result


class Checked:
    """Calls gk with --json and checks every line; *seen* are the types and *ran* the commands so far."""

    def __init__(self, gk: Gk) -> None:
        self.gk = gk
        self.seen: set[str] = set()
        self.ran: set[str] = set()
        self._validator = jsonschema.Draft202012Validator(document())

    def __call__(self, *words: str | Path, **more: Any) -> Result:
        result = self.gk(*words, "--json", **more)
        assert result.stderr == "", words
        for line in result.objects:
            self._validator.validate(line)
            self.seen.add(line["type"])
        self.ran.add(str(words[0]))
        return result


@pytest.fixture
def checked(gk: Gk) -> Iterator[Checked]:
    gk.home.mkdir()
    gk.home.joinpath("config.toml").write_text(
        'default_vault = "photos"\n[vault.photos]\nurl = "local:photos"\nrealistic = true\n'
    )
    return Checked(gk)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.joinpath("2019").mkdir(parents=True)
    folder.joinpath("2019/a.jpg").write_bytes(b"a" * 5000)
    Path(os.fsdecode(bytes(folder) + b"/\xff\x1b.jpg")).write_bytes(b"b")
    folder.joinpath("link").symlink_to("nowhere")
    os.mkfifo(folder / "pipe")
    return folder


def stranger(home: Path) -> None:
    """Somebody else's archive in the vault."""
    import boto3

    service = LocalGlacier(home / "local", realistic=True)
    client = boto3.client(
        "glacier", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    attach(client, service)
    client.upload_archive(vaultName="photos", archiveDescription="<m><v>4</v></m>", body=b"from elsewhere")
    service.close()


def test_a_life_full_of_trouble(checked: Checked, photos: Path, tmp_path: Path) -> None:
    """Findings, notes, troubles, kept files and expiries are lines of the schema, like every command's answer."""
    back = tmp_path / "back"
    checked("upload", photos, "--progress-interval", "0.001")
    checked("upload", "-", "--as", "dump.sql", input=b"x" * 100)
    assert checked("upload", photos, tmp_path / "nowhere").exit_code == Exit.PARTLY
    stranger(checked.gk.home)
    checked("local", "advance", "3d")
    assert checked("sync-inventory").exit_code == Exit.WAITING
    checked("retrieve", "photos", "--to", back)
    checked("local", "advance", "3d")
    checked("poll")
    checked("local", "advance", "5h")
    back.joinpath("photos").mkdir(parents=True, exist_ok=True)
    back.joinpath("photos/link").unlink(missing_ok=True)
    back.joinpath("photos/2019").mkdir(exist_ok=True)
    back.joinpath("photos/2019/a.jpg").write_text("different")
    assert checked("poll").exit_code == Exit.FINDINGS
    (photos / "2019/a.jpg").unlink()
    (photos / "link").unlink()
    assert checked("verify").exit_code == Exit.FINDINGS
    assert checked("upload", photos).exit_code == Exit.FINDINGS
    shown = checked("show", "photos").objects
    archive_id = shown[-1]["holdings"][0]["archive_id"]
    checked("show", f"archive:{archive_id}")
    checked("find", "*.jpg", "--deleted")
    checked("ls", "photos", "--deleted")
    checked("du", "--vaults")
    checked("jobs")
    checked("status")
    checked("config", "show")
    checked("completion", "fish")
    checked("vault", "list")
    checked("catalog", "upgrade")
    assert checked("key", "create").exit_code == Exit.FAILED
    checked("key", "list")
    assert checked("delete", "photos").exit_code == Exit.FAILED
    assert checked("delete", "photos", "--yes").exit_code == Exit.DONE

    assert checked.seen >= {
        "archive-deleted",
        "archive-shown",
        "completion-script",
        "error",
        "file-kept",
        "file-placed",
        "finding-made",
        "job-moved",
        "local-clock",
        "noted",
        "progress",
        "trouble",
        "vault-usage",
    }
    assert checked.ran == {name for names in Root.sections.values() for name in names}


def test_every_record_is_published_once() -> None:
    """What commands show stands in the schema, each under one name."""
    assert len(set(LINES)) == len(LINES)
    assert json.dumps(document()).isascii()
