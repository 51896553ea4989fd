"""The real commands over HTTP against moto, an independent implementation of the vault API.

moto knows vaults, archives of one request, jobs and inventories. It has quirks no real service has: equal content is
one archive, ranges and descriptions of jobs are ignored, dates are local, a vault that is made again is empty.
"""

import os
from pathlib import Path
from typing import Any

import pytest

from glacierkeep.errors import Exit


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder that fits into one request."""
    folder = tmp_path / "photos"
    folder.joinpath("2019").mkdir(parents=True)
    folder.joinpath("2019/a.jpg").write_bytes(os.urandom(300_000))
    folder.joinpath("notes.txt").write_text("some words")
    folder.joinpath("empty").touch()
    folder.joinpath("link").symlink_to("notes.txt")
    os.utime(folder / "notes.txt", ns=(10**18 + 5, 10**18 + 5))
    return folder


def contents(folder: Path) -> dict[str, tuple[object, int]]:
    """What lies below *folder*: content or target, and mtime."""
    return {
        str(each.relative_to(folder)): (
            os.readlink(each) if each.is_symlink() else each.read_bytes(),
            each.lstat().st_mtime_ns,
        )
        for each in folder.rglob("*")
        if each.is_symlink() or each.is_file()
    }


def test_a_folder_goes_there_and_comes_back(moto: Any, photos: Path, tmp_path: Path) -> None:
    """Upload, ls, retrieve --wait: content, times and links come back; a second upload sends nothing."""
    first = moto("upload", photos, "--yes", "--json").the("upload-outcome")
    second = moto("upload", photos, "--yes", "--json").the("upload-outcome")
    listed = moto.gk("ls", "photos")
    back = moto("retrieve", "photos", "--to", tmp_path / "back", "--yes", "--wait", "--tier", "Expedited")

    assert (first["archives"], first["files"]) == (1, 4)
    assert (second["archives"], second["unchanged"]) == (0, 4)
    assert "notes.txt" in listed.stdout
    assert (back.exit_code, back.stdout, back.stderr) == (Exit.DONE, "", "")
    assert contents(tmp_path / "back/photos") == contents(photos)


def test_nothing_is_sent_without_consent(moto: Any, photos: Path) -> None:
    """The price is said to be not known, and without --yes nothing happens."""
    upload = moto("upload", photos)
    assert upload.exit_code == Exit.FAILED
    assert "not known" in upload.stderr
    assert "--yes" in upload.stderr
    moto("upload", photos, "--yes")

    retrieval = moto("retrieve", "photos")
    assert retrieval.exit_code == Exit.FAILED
    assert "not known" in retrieval.stderr
    assert moto.gk("jobs", "--json").objects == []


def test_an_inventory_confirms_what_was_sent(moto: Any, photos: Path) -> None:
    """sync-inventory --wait reads moto's inventory: the bundle and the copy of the records were seen."""
    moto("upload", photos, "--yes")

    synced = moto("sync-inventory", "--wait", "--json").objects[-1]
    shown = moto.gk("show", "photos/notes.txt", "--json").objects[0]

    assert (synced["findings"], synced["archives"], synced["exit"]) == ({"confirmed": 2}, 2, 0)
    assert shown["holdings"][0]["evidence"] == "seen"


def test_poll_brings_what_was_asked_for(moto: Any, photos: Path, tmp_path: Path) -> None:
    """Not ready is exit 4, and poll's silence; once ready, poll places the file and reconciles the inventory."""
    moto("upload", photos, "--yes")
    asked = moto("retrieve", "photos/notes.txt", "--to", tmp_path / "back", "--yes", "--tier", "Bulk")
    inventory = moto("sync-inventory")
    early = moto.gk("poll")
    hurry(moto.vault)
    late = moto.gk("poll", "--json").objects[-1]

    assert (asked.exit_code, inventory.exit_code) == (Exit.WAITING, Exit.WAITING)
    assert (early.exit_code, early.stdout, early.stderr) == (Exit.DONE, "", "")
    assert (late["retrievals_finished"], late["inventories_finished"], late["placed"]) == (1, 1, 1)
    assert tmp_path.joinpath("back/photos/notes.txt").read_text() == "some words"


def test_delete_lets_the_archive_go(moto: Any, photos: Path) -> None:
    """delete asks first, then the archive is gone from the vault; the copy of the records stays."""
    moto("upload", photos, "--yes")
    refused = moto.gk("delete", "photos")
    deleted = moto.gk("delete", "photos", "--yes", "--json").objects[-1]

    assert refused.exit_code == Exit.FAILED
    assert deleted["archives"] == 1
    assert moto.gk("vault", "show", moto.vault, "--json").objects[0]["service_archives"] == 1


def test_the_same_archive_twice(moto: Any, tmp_path: Path) -> None:
    """moto calls equal content by one id: what was deleted there and sent again is there again."""
    folder = tmp_path / "photos"
    folder.mkdir()
    folder.joinpath("a").write_bytes(b"the same")
    os.utime(folder, ns=(10**18, 10**18))
    moto("upload", folder, "--yes")
    moto.gk("delete", "photos", "--yes")

    again = moto("upload", folder, "--yes", "--json").the("upload-outcome")
    back = moto("retrieve", "photos/a", "--to", tmp_path / "back", "--yes", "--wait", "--tier", "Expedited")

    assert again["archives"] == 1
    assert (back.exit_code, back.stderr) == (Exit.DONE, "")
    assert tmp_path.joinpath("back/photos/a").read_bytes() == b"the same"
    assert moto("upload", folder, "--yes", "--json").the("upload-outcome")["unchanged"] == 1


def test_making_a_vault_again_keeps_what_is_in_it(moto: Any, photos: Path) -> None:
    """moto empties a vault that is made again, so gk looks whether it is there."""
    moto("upload", photos, "--yes")
    again = moto.gk("vault", "create", moto.vault)
    assert again.exit_code == Exit.DONE
    assert moto.gk("vault", "show", moto.vault, "--json").objects[0]["service_archives"] == 2


def test_a_vault_that_is_not_there(moto: Any, photos: Path) -> None:
    """Whatever is asked of it: exit 10, nothing sent, nothing in doubt, and a hint how to make one."""
    nowhere = "glacier://us-east-1/nowhere"
    result = moto.gk("upload", photos, "--yes", "-V", nowhere)
    assert result.exit_code == Exit.NO_VAULT
    assert "gk vault create" in result.stderr
    assert moto.gk("sync-inventory", nowhere).exit_code == Exit.NO_VAULT
    assert moto.gk("vault", "show", nowhere).exit_code == Exit.NO_VAULT
    status = moto.gk("status", "--json").objects[0]
    assert [each["uncertain_uploads"] for each in status["vaults"]] == [0] * len(status["vaults"])


def test_a_lost_catalog_is_rebuilt_from_moto(moto: Any, photos: Path, tmp_path: Path) -> None:
    """After the records are gone, moto's inventory and the copy in the vault bring back every record."""
    moto("upload", photos, "--yes")
    known = moto.gk("ls", "--json", "--versions").stdout
    for each in moto.gk.home.glob("catalog.db*"):
        each.unlink()
    rebuilt = moto("catalog", "rebuild", "--yes", "--wait", "--json")
    back = moto("retrieve", "photos", "--to", tmp_path / "back", "--yes", "--wait", "--tier", "Expedited")

    assert (rebuilt.exit_code, rebuilt.the("catalog-rebuilt")["archives"]) == (Exit.DONE, 2)
    assert moto.gk("ls", "--json", "--versions").stdout == known
    assert back.exit_code == Exit.DONE
    assert contents(tmp_path / "back/photos") == contents(photos)


def hurry(vault: str) -> None:
    """Let moto finish all jobs of the vault now."""
    from datetime import timedelta

    from moto.glacier.models import glacier_backends

    for job in glacier_backends["123456789012"]["us-east-1"].vaults[vault.rpartition("/")[2]].jobs.values():
        job.et -= timedelta(minutes=1)
