"""Pages that promise what happens are followed word by word."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from glacierkeep.clock import SystemClock
from glacierkeep.local import LocalGlacier
from glacierkeep.local.attach import attach
from support.runner import Gk

if TYPE_CHECKING:
    from conftest import Docs

FAULTS_PAGE = "docs/how-to/order-faults.md"
BUNDLE_PAGE = "docs/how-to/open-a-bundle-without-gk.md"


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial/first-archive.md", FAULTS_PAGE])
def test_what_is_shown_is_what_happens(play: Callable[[str], None], page: str) -> None:
    """Every command on the page can be typed in an empty folder, and answers as the page shows."""
    play(page)


def test_a_bundle_is_opened_without_gk(
    docs: "Docs", gk: Gk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page's boto3 and tar commands bring back the files of a bundle as they were."""
    source, desk = tmp_path / "photos", tmp_path / "desk"
    desk.mkdir()
    make_files(source)
    assert gk("upload", "-V", "local:photos", source).exit_code == 0
    archive_id = gk("show", "--json", "photos/2019/cat.jpg").objects[0]["holdings"][0]["archive_id"]
    monkeypatch.chdir(desk)
    page = docs.read(BUNDLE_PAGE)
    with client(gk.home / "local") as glacier:
        known: dict[str, Any] = {"glacier": glacier, "vault": "photos", "archive_id": archive_id}
        for kind, block in in_order(page):
            if kind == "sh run":
                subprocess.run(["bash", "-e", "-c", block], check=True, capture_output=True)
            elif kind != "python setup":
                exec(compile(block, BUNDLE_PAGE, "exec"), known)
    compared = subprocess.run(
        ["diff", "-r", source, desk / "opened/photos"], capture_output=True, text=True, check=False
    )
    assert (compared.returncode, compared.stdout) == (0, "")
    opened = (desk / "opened/photos/2019/cat.jpg").stat()
    assert opened.st_mtime_ns == (source / "2019/cat.jpg").stat().st_mtime_ns
    assert known["content"] in {file.read_bytes() for file in source.rglob("*") if file.is_file()}


def test_the_page_makes_the_client_that_the_test_makes(docs: "Docs") -> None:
    """The one block that is not run, since it needs an account, is plain boto3."""
    [setup] = [block for kind, block in in_order(docs.read(BUNDLE_PAGE)) if kind == "python setup"]
    assert 'boto3.client("glacier"' in setup
    assert "glacierkeep" not in docs.read(BUNDLE_PAGE).replace(".glacierkeep", "")


def make_files(folder: Path) -> None:
    """A few small files, one of them empty and one with an odd name."""
    (folder / "2019").mkdir(parents=True)
    (folder / "2019/cat.jpg").write_bytes(b"the cat, asleep\n" * 100)
    (folder / "2019/empty").touch()
    (folder / "2019/Küche, nachts.jpg").write_bytes(os.urandom(70_000))
    os.utime(folder / "2019/cat.jpg", ns=(1_562_235_072_123_456_789,) * 2)


def in_order(page: str) -> Iterator[tuple[str, str]]:
    """The fenced blocks of *page* that are marked by a second word, with what stands after the fence."""
    lines = iter(page.splitlines())
    for line in lines:
        if line.startswith("```") and line != "```":
            block = []
            for inner in lines:
                if inner == "```":
                    break
                block.append(inner)
            if " " in line:
                yield line[3:], "\n".join(block) + "\n"


@contextmanager
def client(folder: Path) -> Iterator[Any]:
    """A plain boto3 client of the local Glacier in *folder*."""
    made = boto3.client(
        "glacier",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(parameter_validation=True),
    )
    service = LocalGlacier(folder, clock=SystemClock())
    attach(made, service)
    try:
        yield made
    finally:
        made.close()
        service.close()
