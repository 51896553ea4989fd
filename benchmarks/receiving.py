"""How fast the local Glacier takes uploads over HTTP, beside what its two SHA-256 passes alone reach.

    python benchmarks/receiving.py [--size 5g] [--runs 5] [--folder /dev/shm]

Each run hashes the same bytes twice in this process (once as a whole, once MiB by MiB), then sends them to a
server of its own, by multipart and, for the first GiB, in a single request. The sender's hashes are computed
before, so that it costs the server nothing but the bytes. Server and hashing are held to one core, the sender
to another, where the system allows it. Prints medians, ratios and the server's peak memory.
"""

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

MIB = 1024 * 1024
PART = 512 * MIB


@dataclass(frozen=True)
class Run:
    """One server's life: seconds to take the bytes, its CPU seconds, its peak memory in bytes."""

    seconds: float
    cpu: float
    memory: int


@dataclass(frozen=True)
class Content:
    """Bytes to be sent, with both hashes as the service wants them."""

    piece: memoryview
    repeats: int
    linear: str
    tree: str

    @property
    def size(self) -> int:
        return len(self.piece) * self.repeats


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default=5 * 1024, type=int, help="MiB of the multipart archive")
    parser.add_argument("--runs", default=5, type=int)
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where the archives go")
    parser.add_argument("--clients", default=1, type=int, help="parts under way at once")
    said = parser.parse_args()
    parts = max(said.size * MIB // PART, 1)
    block = memoryview(os.urandom(PART))
    part = described(block, 1)
    single = described(block, 1024 * MIB // PART)
    hashed, many, one = [], [], []
    for _ in range(said.runs):
        hashed.append(hash_alone(block, 4))
        many.append(with_server(said.folder, lambda at: send_parts(at, part, parts, said.clients)))
        one.append(with_server(said.folder, lambda at: send_single(at, single)))
    limit = median(hashed)
    print(f"two SHA-256 passes alone   {limit:8.0f} MiB/s")
    report(f"multipart, {parts * PART // MIB} MiB", many, parts * PART, limit)
    report(f"single request, {single.size // MIB} MiB", one, single.size, limit)


def report(name: str, runs: list[Run], size: int, limit: float) -> None:
    """A line of medians."""
    rate = median(size / MIB / run.seconds for run in runs)
    cpu = median(run.cpu for run in runs)
    peak = max(run.memory for run in runs)
    print(
        f"{name:26} {rate:8.0f} MiB/s  {rate / limit:5.0%} of the passes  {cpu:6.2f} s CPU  peak {peak / MIB:.0f} MiB"
    )


def hash_alone(block: memoryview, repeats: int) -> float:
    """MiB per second of hashing twice, on the server's core."""
    stay_on(0)
    began = time.perf_counter()
    linear = sha256()
    for _ in range(repeats):
        for start in range(0, len(block), MIB):
            leaf = block[start : start + MIB]
            linear.update(leaf)
            sha256(leaf)
    return len(block) * repeats / MIB / (time.perf_counter() - began)


def with_server(folder: str, send: object) -> Run:
    """Start a server on an empty store, send, stop it."""
    home = Path(tempfile.mkdtemp(dir=folder, prefix="gk-bench-"))
    environment = {**os.environ, "GK_HOME": str(home)}
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
    stay_on(0)
    server = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    stay_on(1)
    try:
        assert server.stdout is not None
        where = urlsplit(json.loads(server.stdout.readline())["url"])
        at = (str(where.hostname), int(where.port or 80))
        request(at, "PUT", "/-/vaults/bench")
        began = time.perf_counter()
        send(at)  # type: ignore[operator]
        seconds = time.perf_counter() - began
        memory = peak_of(server.pid)
    finally:
        server.terminate()
        _, _, used = os.wait4(server.pid, 0)
        server.returncode = 0
        shutil.rmtree(home)
    return Run(seconds, used.ru_utime + used.ru_stime, memory or used.ru_maxrss)


def peak_of(pid: int) -> int:
    """The greatest resident memory of a running process in bytes; 0 where the system does not tell.

    What wait4 tells counts, on Linux, the memory of the process that started it.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


def send_parts(at: tuple[str, int], part: Content, parts: int, clients: int) -> None:
    """A multipart upload of equal parts."""
    path = "/-/vaults/bench/multipart-uploads"
    _, headers = request(at, "POST", path, {"x-amz-part-size": str(PART)})
    path += "/" + headers["x-amz-multipart-upload-id"]

    def put(number: int) -> None:
        span = {"Content-Range": f"bytes {number * PART}-{(number + 1) * PART - 1}/*"}
        request(at, "PUT", path, span, part)

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(put, range(parts)))
    tree = tree_root([bytes.fromhex(part.tree)] * parts).hex()
    request(at, "POST", path, {"x-amz-archive-size": str(parts * PART), "x-amz-sha256-tree-hash": tree})


def send_single(at: tuple[str, int], content: Content) -> None:
    """An archive in one request."""
    request(at, "POST", "/-/vaults/bench/archives", {}, content)


def request(
    at: tuple[str, int],
    method: str,
    path: str,
    more: dict[str, str] | None = None,
    content: Content | None = None,
) -> tuple[int, dict[str, str]]:
    """Send one request and read the head of its answer; anything but success ends the program."""
    headers = {"Host": at[0], "x-amz-glacier-version": "2012-06-01", "Connection": "close", **(more or {})}
    headers["Content-Length"] = str(content.size if content else 0)
    if content:
        headers["x-amz-content-sha256"], headers["x-amz-sha256-tree-hash"] = content.linear, content.tree
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in headers.items()
    )
    with socket.create_connection(at) as connection:
        connection.sendall(head.encode() + b"\r\n")
        for _ in range(content.repeats if content else 0):
            connection.sendall(content.piece if content else b"")
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    lines = answer.partition("\r\n\r\n")[0].split("\r\n")
    status = int(lines[0].split()[1])
    if status >= 300:
        sys.exit(answer)
    return status, {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines[1:]}


def described(piece: memoryview, repeats: int) -> Content:
    """*piece* so many times over, hashed."""
    linear = sha256()
    for _ in range(repeats):
        linear.update(piece)
    leaves = [sha256(piece[start : start + MIB]).digest() for start in range(0, len(piece), MIB)]
    return Content(piece, repeats, linear.hexdigest(), tree_root(leaves * repeats).hex())


def tree_root(row: list[bytes]) -> bytes:
    """The root above a row of digests."""
    while len(row) > 1:
        pairs = [row[at : at + 2] for at in range(0, len(row), 2)]
        row = [sha256(b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    return row[0]


def stay_on(core: int) -> None:
    """Keep to one core, with what is started from now on; where there are two and the system has the means."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {core})


if __name__ == "__main__":
    main()
