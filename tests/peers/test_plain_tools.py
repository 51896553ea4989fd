"""You can leave: what is stored is had back with plain boto3 and opened with the real tar, without gk."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.utils import calculate_tree_hash

from glacierkeep.domain.limits import MIB
from glacierkeep.local.attach import attach
from support.world import World


@pytest.fixture
def boto(world: World) -> Any:
    """A plain boto3 client that talks to the world's service."""
    client = boto3.client(
        "glacier", region_name="us-east-1", aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="secret"
    )
    attach(client, world.service)
    return client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Every kind of thing that a bundle holds, under names that are none too easy."""
    root = tmp_path / "photos"
    root.joinpath("2019").mkdir(parents=True)
    root.joinpath("nothing here").mkdir()
    root.joinpath("2019/a.jpg").write_bytes(os.urandom(70_000))
    root.joinpath("2019/été\n.txt").write_text("newline")
    root.joinpath("-rf").write_text("dash")
    root.joinpath("x" * 255).write_text("long")
    root.joinpath("empty").touch()
    root.joinpath("dangling").symlink_to("../nowhere")
    os.link(root / "-rf", root / "twin")
    (root / "2019/a.jpg").chmod(0o640)
    os.utime(root / "-rf", ns=(1562235072123456789, 1562235072123456789))
    return root


def fetch(boto: Any, archive_id: str, file: Path) -> None:
    """Retrieve one archive as the AWS documents say."""
    job = boto.initiate_job(
        vaultName="photos", jobParameters={"Type": "archive-retrieval", "ArchiveId": archive_id}
    )
    output = boto.get_job_output(vaultName="photos", jobId=job["jobId"])
    with open(file, "wb") as opened:
        shutil.copyfileobj(output["body"], opened)


def inventory(boto: Any) -> list[dict[str, Any]]:
    job = boto.initiate_job(vaultName="photos", jobParameters={"Type": "inventory-retrieval"})
    listed = json.load(boto.get_job_output(vaultName="photos", jobId=job["jobId"])["body"])
    archives: list[dict[str, Any]] = listed["ArchiveList"]
    return archives


def look(folder: Path) -> dict[str, tuple[object, ...]]:
    """What lies below *folder*: kind, content, mode and time; times of links and folders are not tar's promise."""
    seen: dict[str, tuple[object, ...]] = {}
    for each in folder.rglob("*"):
        state, name = each.lstat(), str(each.relative_to(folder))
        if each.is_symlink():
            seen[name] = ("link", os.readlink(each))
        elif each.is_dir():
            seen[name] = ("folder", state.st_mode)
        else:
            seen[name] = ("file", each.read_bytes(), state.st_mode, state.st_mtime_ns, state.st_nlink)
    return seen


def test_tar_opens_a_bundle_fetched_with_boto3(world: World, boto: Any, folder: Path, tmp_path: Path) -> None:
    """`tar xf` gives back content, modes, times to the nanosecond, links and emptiness."""
    world.upload(folder)
    (listed,) = inventory(boto)
    fetch(boto, listed["ArchiveId"], tmp_path / "bundle.tar")
    back = tmp_path / "back"
    back.mkdir()

    done = subprocess.run(
        ["tar", "-x", "-p", "-f", tmp_path / "bundle.tar", "-C", back], capture_output=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert look(back / "photos") == look(folder)
    assert sorted(each.name for each in back.iterdir()) == [".glacierkeep", "photos"]


def test_the_manifest_is_a_plain_list(world: World, boto: Any, folder: Path, tmp_path: Path) -> None:
    """Inside lies a list of all members, a line of JSON each, with the hashes; `dd` finds each where it says."""
    world.upload(folder)
    (listed,) = inventory(boto)
    fetch(boto, listed["ArchiveId"], tmp_path / "bundle.tar")
    subprocess.run(["tar", "xf", "bundle.tar", ".glacierkeep/manifest.jsonl"], cwd=tmp_path, check=True)

    head, *members = map(json.loads, (tmp_path / ".glacierkeep/manifest.jsonl").read_text().splitlines())

    assert head == {"gk": 1, "type": "manifest", "members": len(members)}
    picture = next(each for each in members if each.get("path") == "photos/2019/a.jpg")
    content = (tmp_path / "bundle.tar").read_bytes()[picture["offset"] :][: picture["size"]]
    assert content == (folder / "2019/a.jpg").read_bytes()


def test_a_file_archive_is_the_file(world: World, boto: Any, tmp_path: Path) -> None:
    """A big file's archive is its bytes and nothing else; the inventory names it and has its tree hash."""
    folder = tmp_path / "photos"
    folder.mkdir()
    content = os.urandom(3 * MIB + 5)
    folder.joinpath("big.raw").write_bytes(content)
    world.upload(folder)

    listed = next(each for each in inventory(boto) if each["Size"] == len(content))
    fetch(boto, listed["ArchiveId"], tmp_path / "fetched")

    assert (tmp_path / "fetched").read_bytes() == content
    assert json.loads(listed["ArchiveDescription"])["Path"] == "photos/big.raw"
    with open(tmp_path / "fetched", "rb") as opened:
        assert calculate_tree_hash(opened) == listed["SHA256TreeHash"]
