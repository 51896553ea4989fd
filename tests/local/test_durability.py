"""Killed at any instant, used by several at once, on a full disk: what was acknowledged is there, no more."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from glacierkeep.local import Headers, LocalGlacier, Request
from support.clock import TurnedClock

MIB = 1024 * 1024

# A sender that uploads without end and says what was acknowledged; the clients' hashing is left out.
SENDER = """
import sys
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from glacierkeep.local import Headers, LocalGlacier, Request
from glacierkeep.local.store.treehash import MIB, tree_root

service = LocalGlacier(Path(sys.argv[1]))
kind, name = sys.argv[2], sys.argv[3]

def send(method, path, body=b"", **headers):
    sent = {"x-amz-glacier-version": "2012-06-01", "Content-Length": str(len(body)), **headers}
    sent = {name.replace("_", "-"): value for name, value in sent.items()}
    return service(Request(method, "/-/vaults/photos" + path, "", Headers(sent.items()), BytesIO(body)))

def hashes(body):
    leaves = [sha256(body[at:at + MIB]).digest() for at in range(0, len(body), MIB)]
    return {"x_amz_content_sha256": sha256(body).hexdigest(),
            "x_amz_sha256_tree_hash": tree_root(b"".join(leaves)).hex()}

def content(number):
    return (f"{name} {number} ".encode() * 200_000)[: MIB + number % 1000]

upload = send("POST", "/multipart-uploads", x_amz_part_size=str(2 * MIB)).headers["x-amz-multipart-upload-id"]
print("upload", upload, flush=True)
for number in range(100_000):
    body = content(number)
    if kind == "archives":
        answer = send("POST", "/archives", body, **hashes(body))
        print("archive", number, answer.headers["x-amz-archive-id"], flush=True)
    else:
        start = number % 20 * 2 * MIB
        answer = send("PUT", "/multipart-uploads/" + upload, body, **hashes(body),
                      Content_Range=f"bytes {start}-{start + len(body) - 1}/*")
        assert answer.status == 204, answer
        print("part", number, start, flush=True)
"""


def content(name: str, number: int) -> bytes:
    return (f"{name} {number} ".encode() * 200_000)[: MIB + number % 1000]


def start(folder: Path, kind: str, name: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", SENDER, str(folder), kind, name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


@contextmanager
def killed_after(folder: Path, kind: str, lines: int) -> Iterator[list[list[str]]]:
    """What a sender said before it was killed in the middle of its work."""
    with start(folder, kind, "killed") as sender:
        said = hear(sender, lines)
        sender.send_signal(signal.SIGKILL)
        said += hear(sender, None)
    yield said


def hear(sender: subprocess.Popen[str], lines: int | None) -> list[list[str]]:
    """The next *lines* a sender says, split into words; all that is left when None."""
    assert sender.stdout is not None
    if lines is None:
        return [line.split() for line in sender.stdout.read().splitlines()]
    return [sender.stdout.readline().split() for _ in range(lines)]


def files_of(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file() and path.stat().st_size >= MIB}


def age_leftovers(folder: Path) -> None:
    for path in (folder / "incoming").iterdir():
        os.utime(path, (0, 0))


@pytest.mark.parametrize("lines", [2, 3, 5])
def test_killed_while_uploading_archives(world: Any, lines: int) -> None:
    """Every acknowledged archive is whole, any other archive that is listed is whole too, and no file is left."""
    folder = world.service.folder
    with killed_after(folder, "archives", lines) as said:
        done = [(int(line[1]), line[2]) for line in said if line[0] == "archive"]
    assert done
    for number, archive in done:
        assert world.retrieve(archive) == content("killed", number)
    listed = world.describe()["NumberOfArchives"]
    assert listed in (len(done), len(done) + 1)
    world.service.close()
    age_leftovers(folder)
    LocalGlacier(folder, clock=world.clock).close()
    assert list((folder / "incoming").iterdir()) == []
    assert len(files_of(folder)) == listed


@pytest.mark.parametrize("lines", [2, 4, 7])
def test_killed_while_uploading_parts(world: Any, lines: int) -> None:
    """The parts listed are the acknowledged ones, or one more, each with its right hash; the upload goes on."""
    folder = world.service.folder
    with killed_after(folder, "parts", lines) as said:
        upload = said[0][1]
        done = {int(line[2]): int(line[1]) for line in said if line[0] == "part"}
    parts = world.client.list_parts(vaultName="photos", uploadId=upload)["Parts"]
    found = {int(part["RangeInBytes"].split("-")[0]): part["SHA256TreeHash"] for part in parts}
    for place, number in done.items():
        unacknowledged = content("killed", number + 20)
        assert found[place] in (
            world.tree_hash(content("killed", number)),
            world.tree_hash(unacknowledged),
        )
    assert len(found) - len(done) in (0, 1)
    world.client.abort_multipart_upload(vaultName="photos", uploadId=upload)
    world.service.close()
    age_leftovers(folder)
    LocalGlacier(folder, clock=world.clock).close()
    assert files_of(folder) == set()


def test_two_processes_at_once(world: Any) -> None:
    """Two senders and a reader share one folder; all that either was told is there."""
    folder = world.service.folder
    with start(folder, "archives", "left") as left, start(folder, "archives", "right") as right:
        said = {"left": hear(left, 5), "right": hear(right, 5)}
        world.upload()
        for name, sender in (("left", left), ("right", right)):
            sender.kill()
            said[name] += hear(sender, None)
    for name, lines in said.items():
        for _, number, archive in lines[1:]:
            assert world.retrieve(archive) == content(name, int(number))


def test_many_threads_at_once(world: Any) -> None:
    """One service answers threads side by side: parts of one upload, archives, listings, deletions."""
    content = world.some_bytes(12 * MIB)
    upload = world.initiate()

    def send(place: int) -> str:
        world.part(upload, place * MIB, content[place * MIB : (place + 1) * MIB])
        archive = world.upload(b"%d" % place)
        world.describe()
        if place % 2:
            world.client.delete_archive(vaultName="photos", archiveId=archive)
        return str(archive)

    with ThreadPoolExecutor(6) as pool:
        archives = list(pool.map(send, range(12)))
    assert world.retrieve(world.complete(upload, content)) == content
    assert world.describe()["NumberOfArchives"] == 6 + 1
    assert [world.retrieve(archive) for archive in archives[::2]] == [b"%d" % n for n in range(0, 12, 2)]


def test_completing_twice_at_once_makes_one_archive(world: Any) -> None:
    """Two Completes that run side by side give the same archive."""
    upload = world.initiate()
    world.part(upload, 0, b"abc")
    gate = threading.Barrier(4)

    def finish(_: int) -> str:
        gate.wait()
        return str(world.complete(upload, b"abc"))

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(finish, range(4)))) == 1
    assert world.describe()["NumberOfArchives"] == 1


FULL = """
import resource, sys
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from glacierkeep.local import Headers, LocalGlacier, Request

service = LocalGlacier(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
body = bytes(1_000_000)
hash = sha256(body).hexdigest()
headers = {"x-amz-glacier-version": "2012-06-01", "Content-Length": str(len(body)),
           "x-amz-content-sha256": hash, "x-amz-sha256-tree-hash": hash}
answer = service(Request("POST", "/-/vaults/photos/archives", "", Headers(headers.items()), BytesIO(body)))
print(answer.status, b"".join(answer.stream()).decode())
"""


def test_a_full_disk_is_the_services_trouble(world: Any) -> None:
    """When bytes cannot be written the answer is a 500 of the Server type; nothing is visible or left."""
    folder = world.service.folder
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", FULL, str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert ran.stdout.startswith('500 {"code":"ServiceUnavailableException"')
    assert ran.stdout.endswith('"type":"Server"}\n')
    assert world.describe()["NumberOfArchives"] == 0
    assert list((folder / "incoming").iterdir()) == []


def test_a_file_that_was_cleared_away_is_never_referred_to(world: Any) -> None:
    """If somebody removes the received bytes before they are recorded, the upload fails; no row lacks bytes."""

    class Thief(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if size == 1:
                for path in (world.service.folder / "incoming").iterdir():
                    path.unlink()
            return super().read(size)

    digest = sha256(b"abc").hexdigest()
    headers = {
        "x-amz-glacier-version": "2012-06-01",
        "Content-Length": "3",
        "x-amz-content-sha256": digest,
        "x-amz-sha256-tree-hash": digest,
    }
    request = Request("POST", "/-/vaults/photos/archives", "", Headers(headers.items()), Thief(b"abc"))
    assert world.service(request).status == 500
    assert world.describe()["NumberOfArchives"] == 0


def test_bytes_not_yet_in_place_are_found(world: Any) -> None:
    """A crash between recording an archive and moving its file loses nothing: it is read where it lies."""
    folder = world.service.folder
    archive = world.upload(b"halfway")
    (place,) = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size == 7]
    waiting = folder / "incoming" / str(place.relative_to(folder)).replace("/", "+")
    place.rename(waiting)
    assert world.retrieve(archive) == b"halfway"
    age_leftovers(folder)
    LocalGlacier(folder, clock=world.clock).close()
    assert place.exists()
    assert not waiting.exists()
    assert world.retrieve(archive) == b"halfway"


def test_a_file_that_cannot_be_moved_is_no_failure(world: Any) -> None:
    """An archive is acknowledged once it is recorded and durable, even if its file stays where it arrived."""
    place = world.service.folder / "000000000000" / "us-east-1"
    place.parent.mkdir()
    place.write_bytes(b"in the way")
    archive = world.upload(b"halfway")
    assert world.retrieve(archive) == b"halfway"


def test_lost_bytes_are_the_services_trouble(world: Any) -> None:
    """When somebody removed a stored file, reading it is an error, not silence."""
    archive = world.upload(b"precious")
    for path in world.service.folder.rglob("*"):
        if path.is_file() and path.stat().st_size == 8:
            path.unlink()
    with pytest.raises(OSError, match="No such file"):
        world.retrieve(archive)


def test_a_state_of_the_first_version_is_taken_over(tmp_path: Path) -> None:
    """What an earlier release kept is all there, and takes what is new."""
    folder = tmp_path / "glacier"
    folder.mkdir()
    script = Path(__file__).parents[1] / "fixtures" / "local-states" / "1.sql"
    db = sqlite3.connect(folder / "state.db")
    db.executescript(script.read_text())
    for (file,) in db.execute("SELECT file FROM pieces").fetchall():
        (folder / file).parent.mkdir(parents=True)
        (folder / file).write_bytes(b"thirty years")
    db.close()
    service = LocalGlacier(folder, clock=TurnedClock(datetime(2026, 3, 1, 13, tzinfo=UTC)))
    told = {"x-amz-glacier-version": "2012-06-01"}

    def get(path: str) -> Any:
        return json.loads(b"".join(service(Request("GET", path, "", Headers(told.items()))).stream()))

    [job] = get("/-/vaults/photos/jobs")["JobList"]
    response = service(
        Request("GET", f"/-/vaults/photos/jobs/{job['JobId']}/output", "", Headers(told.items()))
    )
    assert b"".join(response.stream()) == b"thirty years"
    [upload] = get("/-/vaults/photos/multipart-uploads")["UploadsList"]
    [part] = get(f"/-/vaults/photos/multipart-uploads/{upload['MultipartUploadId']}")["Parts"]
    assert part["RangeInBytes"] == "0-2"
    tags = b'{"Tags":{"kept":"since 2026"}}'
    headers = Headers({**told, "Content-Length": str(len(tags))}.items())
    assert (
        service(Request("POST", "/-/vaults/photos/tags", "operation=add", headers, BytesIO(tags))).status
        == 204
    )
    assert get("/-/vaults/photos/tags") == {"Tags": {"kept": "since 2026"}}
    service.close()
