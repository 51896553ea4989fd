"""Many clients at once against a served local Glacier that is ordered to fail: is everything kept that was promised?

    python benchmarks/many_clients.py [--clients 64] [--seconds 600] [--seed 1]

Each client uploads (in one request and in parts), retrieves and deletes archives of its own, over HTTP, while one
request in five meets a fault. Afterwards the inventory must hold every archive that was acknowledged and not deleted,
with its content, and none whose upload was refused; where the answer was lost, either is right. Ends with exit code 1
and says what differs, otherwise prints how much was done.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

MIB = 1024 * 1024
FAULTS = (
    "throttle probability=0.04",
    "error-500 probability=0.04",
    "error-503 probability=0.03",
    "timeout probability=0.02",
    "reset-before probability=0.03",
    "reset-after probability=0.04",
)
VAULT = "/-/vaults/crowd"


class Fate(Enum):
    """What is known of an upload."""

    KEPT = "acknowledged"
    REFUSED = "refused"
    UNKNOWN = "no answer"
    DELETED = "deleted"
    PERHAPS_DELETED = "deletion without an answer"


@dataclass
class Sent:
    """An upload by its description, which nobody else uses."""

    content: bytes
    fate: Fate
    archive: str = ""


@dataclass
class Answer:
    """A response, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Client:
    """One client with a connection, a die and a memory."""

    at: tuple[str, int]
    name: str
    die: random.Random
    sent: dict[str, Sent] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    connection: HTTPConnection | None = None

    def run(self, until: float) -> None:
        """Do something at random until it is time to end."""
        deeds = [self.upload, self.upload, self.upload_in_parts, self.delete, self.read_back, self.look]
        while time.monotonic() < until:
            deed = self.die.choice(deeds)
            deed()
            self.done[deed.__name__] += 1
        self.disconnect()

    def upload(self) -> None:
        content = self.some_bytes(self.die.choice([1, 100, 5000, MIB + 7]))
        name = f"{self.name}-{len(self.sent)}"
        answer = self.request("POST", f"{VAULT}/archives", content, {"x-amz-archive-description": name})
        self.remember(name, content, answer)

    def upload_in_parts(self) -> None:
        name, content = f"{self.name}-{len(self.sent)}", self.some_bytes(MIB + self.die.randrange(1, 5000))
        told = {"x-amz-archive-description": name, "x-amz-part-size": str(MIB)}
        begun = self.insist("POST", f"{VAULT}/multipart-uploads", b"", told)
        path = f"{VAULT}/multipart-uploads/{begun.headers['x-amz-multipart-upload-id']}"
        for start in (0, MIB):
            part = content[start : start + MIB]
            self.insist("PUT", path, part, {"Content-Range": f"bytes {start}-{start + len(part) - 1}/*"})
        whole = {"x-amz-archive-size": str(len(content)), "x-amz-sha256-tree-hash": tree_hash(content)}
        self.remember(name, content, self.insist("POST", path, b"", whole))

    def delete(self) -> None:
        kept = [sent for sent in self.sent.values() if sent.fate is Fate.KEPT]
        if not kept:
            return
        chosen = self.die.choice(kept)
        answer = self.request("DELETE", f"{VAULT}/archives/{chosen.archive}")
        if answer is None:
            chosen.fate = Fate.PERHAPS_DELETED
        elif answer.status == 204:
            chosen.fate = Fate.DELETED

    def read_back(self) -> None:
        kept = [sent for sent in self.sent.values() if sent.fate is Fate.KEPT]
        if not kept:
            return
        chosen = self.die.choice(kept)
        order = {"Type": "archive-retrieval", "ArchiveId": chosen.archive}
        job = self.insist("POST", f"{VAULT}/jobs", json.dumps(order).encode())
        output = self.insist("GET", f"{VAULT}/jobs/{job.headers['x-amz-job-id']}/output")
        if output.body != chosen.content:
            self.wrong.append(f"{chosen.archive} came back different")

    def look(self) -> None:
        self.insist("GET", VAULT)

    def remember(self, name: str, content: bytes, answer: Answer | None) -> None:
        if answer is None:
            self.sent[name] = Sent(content, Fate.UNKNOWN)
        elif answer.status == 201:
            self.sent[name] = Sent(content, Fate.KEPT, answer.headers["x-amz-archive-id"])
        else:
            self.sent[name] = Sent(content, Fate.REFUSED)

    def insist(self, method: str, path: str, body: bytes = b"", more: dict[str, str] | None = None) -> Answer:
        """Send what may be repeated until it succeeds."""
        while True:
            answer = self.request(method, path, body, more)
            if answer is not None and answer.status < 300:
                return answer

    def request(
        self, method: str, path: str, body: bytes = b"", more: dict[str, str] | None = None
    ) -> Answer | None:
        """The answer, or None when the connection was lost before there was one."""
        headers = {"x-amz-glacier-version": "2012-06-01", "Content-Length": str(len(body)), **(more or {})}
        if body and not path.endswith("/jobs"):
            headers["x-amz-content-sha256"] = sha256(body).hexdigest()
            headers["x-amz-sha256-tree-hash"] = tree_hash(body)
        self.connection = self.connection or HTTPConnection(*self.at, timeout=120)
        try:
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        except (HTTPException, ConnectionError):
            self.disconnect()
            return None

    def disconnect(self) -> None:
        if self.connection:
            self.connection.close()
            self.connection = None

    def some_bytes(self, size: int) -> bytes:
        return self.die.randbytes(min(size, 4096)) * (size // 4096) + self.die.randbytes(size % 4096)


def main() -> int:
    """Run the crowd and judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", default=64, type=int)
    parser.add_argument("--seconds", default=600.0, type=float)
    parser.add_argument("--seed", default=1, type=int)
    said = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="gk-crowd-"))
    environment = {**os.environ, "GK_HOME": str(home)}
    faults = [word for rule in FAULTS for word in ("--fault", f"{rule} seed={said.seed}")]
    command = [
        sys.executable,
        "-m",
        "glacierkeep",
        "local",
        "serve",
        "--port",
        "0",
        "--no-signatures",
        "--json",
    ]
    server = subprocess.Popen([*command, *faults], stdout=subprocess.PIPE, env=environment)
    try:
        assert server.stdout is not None
        where = urlsplit(json.loads(server.stdout.readline())["url"])
        at = (str(where.hostname), int(where.port or 80))
        clients = [Client(at, f"c{n}", random.Random(f"{said.seed} {n}")) for n in range(said.clients)]
        clients[0].insist("PUT", VAULT)
        crowd(clients, time.monotonic() + said.seconds)
        wrong = judge(clients)
    finally:
        server.terminate()
        server.wait(60)
        shutil.rmtree(home)
    done = sum((client.done for client in clients), Counter[str]())
    fates = Counter(sent.fate.value for client in clients for sent in client.sent.values())
    print(json.dumps({"done": dict(done), "archives": dict(fates), "wrong": wrong}, indent=2))
    return 1 if wrong else 0


def crowd(clients: list[Client], until: float) -> None:
    """All clients at once."""
    threads = [threading.Thread(target=client.run, args=(until,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def judge(clients: list[Client]) -> list[str]:
    """What the inventory says that it must not, and what it does not say; and what came back different."""
    asking = clients[0]
    job = asking.insist("POST", f"{VAULT}/jobs", b'{"Type":"inventory-retrieval"}')
    inventory = asking.insist("GET", f"{VAULT}/jobs/{job.headers['x-amz-job-id']}/output")
    listed: dict[str, list[dict[str, str]]] = {}
    for archive in json.loads(inventory.body)["ArchiveList"]:
        listed.setdefault(archive["ArchiveDescription"], []).append(archive)
    wrong = [text for client in clients for text in client.wrong]
    known = {name: sent for client in clients for name, sent in client.sent.items()}
    wrong += [f"{name} is listed and nobody sent it" for name in listed if name not in known]
    for name, sent in known.items():
        found = listed.get(name, [])
        if any(each["SHA256TreeHash"] != tree_hash(sent.content) for each in found):
            wrong.append(f"{name} is listed with another hash")
        if sent.fate is Fate.KEPT and [each["ArchiveId"] for each in found] != [sent.archive]:
            wrong.append(f"{name} was acknowledged and is listed {len(found)} times")
        if sent.fate in (Fate.REFUSED, Fate.DELETED) and found:
            wrong.append(f"{name} was {sent.fate.value} and is listed")
        if len(found) > 1:
            wrong.append(f"{name} was sent once and is listed {len(found)} times")
    return wrong


def tree_hash(content: bytes) -> str:
    """The tree hash of a few MiB."""
    row = [sha256(content[at : at + MIB]).digest() for at in range(0, len(content), MIB)]
    while len(row) > 1:
        pairs = [row[at : at + 2] for at in range(0, len(row), 2)]
        row = [sha256(b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    return row[0].hex()


if __name__ == "__main__":
    sys.exit(main())
