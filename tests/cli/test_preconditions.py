"""What must hold before gk upload sends anything."""

from pathlib import Path

import pytest

from glacierkeep.errors import Exit
from support.runner import Gk


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    folder.joinpath("a.jpg").write_bytes(b"a picture")
    return folder


def archives(gk: Gk) -> int:
    return sum(each["archives"] for each in gk("local", "status", "--json").objects)


def test_a_vault_does_not_turn_plain_unsaid(gk: Gk, photos: Path) -> None:
    """Recipients that got lost from the settings stop the next upload; an empty list says that plain is
    meant, and even then no copy of the records tells what is in the sealed archives."""
    gk("vault", "create", "local:photos")
    gk("key", "create", "--yes")
    gk("key", "add", "main", "-V", "photos")
    gk("key", "check", "-V", "photos")
    assert gk("upload", photos, "-V", "photos").exit_code == Exit.DONE
    before, config = archives(gk), gk.home / "config.toml"
    kept = [line for line in config.read_text().splitlines() if not line.startswith("recipients")]
    config.write_text("\n".join(kept))
    photos.joinpath("secret-name.jpg").write_bytes(b"another picture")

    refused = gk("upload", photos, "-V", "photos", "--yes", "--json")
    assert refused.exit_code == Exit.FAILED
    assert refused.the("error")["code"] == "not-sealed"
    assert archives(gk) == before

    assert gk("config", "set", "vault.photos.recipients", "").exit_code == Exit.DONE
    plain = gk("upload", photos, "-V", "photos")
    assert plain.exit_code == Exit.DONE
    assert "would tell in plain what encrypted archives hold" in plain.stderr
    assert archives(gk) == before + 1


def test_nothing_is_sent_while_a_rebuild_waits(gk: Gk, photos: Path) -> None:
    """An upload to a vault whose records are on their way back is exit 4; once the rebuild is given up, it goes."""
    gk("vault", "create", "local:photos")
    gk("config", "set", "vault.photos.realistic", "true")
    gk("upload", photos, "-V", "photos")
    for each in gk.home.glob("catalog.db*"):
        each.unlink()
    assert gk("catalog", "rebuild", "--cancel").exit_code == Exit.FAILED
    assert gk("catalog", "rebuild").exit_code == Exit.WAITING

    before = archives(gk)
    refused = gk("upload", photos, "--json")
    assert (refused.exit_code, refused.the("error")["code"]) == (Exit.WAITING, "rebuild-under-way")
    assert archives(gk) == before
    assert "1 rebuild of the records" in gk("status").stdout

    assert gk("catalog", "rebuild", "--cancel").exit_code == Exit.DONE
    assert gk("upload", photos).exit_code == Exit.DONE
    assert archives(gk) > before
