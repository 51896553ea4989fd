"""The whole store made empty: while others use it, and when it is broken off."""

import os
import subprocess
import sys
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest

from glacierkeep.local import Headers, LocalGlacier, Request

# Empties the store, and dies when it is about to remove the file number so-and-so.
BROKEN_OFF = """
import os, sys
from pathlib import Path
from glacierkeep.local import LocalGlacier

service, left = LocalGlacier(Path(sys.argv[1])), int(sys.argv[2])

def hear(event, facts):
    global left
    if event == "os.remove" and "/us-east-1/" in os.fsdecode(facts[0]):
        left -= 1
        if left < 0:
            os._exit(9)

sys.addaudithook(hear)
service.reset()
"""


def files_of(world: Any) -> list[str]:
    """The names of stored files, wherever they lie."""
    paths = (path for path in world.service.folder.rglob("*") if path.is_file())
    return [path.name for path in paths if not path.name.startswith(("state.db", "serving.lock"))]


def test_nothing_is_left(world: Any) -> None:
    """Archives, parts, job output and everything said about vaults are gone, files and all, and time is real again."""
    world.upload(b"picture")
    world.part(world.initiate(), 0, b"part")
    world.output(world.start_inventory())
    world.client.add_tags_to_vault(vaultName="photos", Tags={"a": "b"})
    world.service.faults.add(["throttle ListVaults after=1000"])
    before = world.service.now()
    world.service.advance(timedelta(hours=5))
    world.service.reset()
    assert world.service.now() == before
    assert world.client.list_vaults()["VaultList"] == []
    assert world.service.faults.listed() == []
    assert files_of(world) == []
    world.client.create_vault(vaultName="photos")
    assert world.client.list_tags_for_vault(vaultName="photos")["Tags"] == {}
    assert world.retrieve(world.upload(b"anew")) == b"anew"


@pytest.mark.parametrize("removed", [0, 1, 3])
def test_broken_off_it_is_done_by_the_next(world: Any, removed: int) -> None:
    """Killed while it removes files it has emptied the store all the same, and who opens it next removes the rest."""
    for _ in range(4):
        world.upload(b"picture")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", BROKEN_OFF, str(world.service.folder), str(removed)]
    assert subprocess.run(command, env=environment, check=False).returncode == 9
    assert world.service.summary().archives == 0
    assert len(files_of(world)) == 4 - removed
    LocalGlacier(world.service.folder).close()
    assert files_of(world) == []


def test_an_upload_under_way_is_refused(world: Any) -> None:
    """An upload whose vault goes while its bytes come finds no vault, and leaves nothing."""

    class Slow(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() == 0:
                LocalGlacier(world.service.folder).reset()
            return super().read(size)

    headers = {"x-amz-glacier-version": "2012-06-01", "Content-Length": "3"}
    headers |= {name.replace("_", "-"): value for name, value in world.hashes(b"abc").items()}
    request = Request("POST", "/-/vaults/photos/archives", "", Headers(headers.items()), Slow(b"abc"))
    assert world.service(request).status == 404
    assert files_of(world) == []


def test_output_under_way_breaks_off(world: Any) -> None:
    """Who is reading an archive gets no other bytes than its own: the rest, or an error."""
    content = world.some_bytes(3_000_000)
    job = world.start_retrieval(world.multipart(content))
    body = world.client.get_job_output(vaultName="photos", jobId=job)["body"]
    read = body.read(1_000_000)
    world.service.reset()
    with pytest.raises(OSError, match="No such file"):
        body.read()
    assert content.startswith(read)


def test_twice_is_as_once(world: Any) -> None:
    """A store that is empty stays so."""
    world.upload(b"picture")
    world.service.reset()
    empty = world.service.summary()
    world.service.reset()
    assert world.service.summary() == empty
