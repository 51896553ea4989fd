"""A server that answers uploads as Glacier does and throws the bytes away, fast enough not to be the limit.

    python benchmarks/sink.py [--port 0] [--latency 0.05] [--rate 12500000]

It believes every hash it is told and repeats it. On Linux the bodies are dropped inside the kernel, at about 0.1 CPU
seconds per GiB. *latency* is waited before every answer; *rate* is shared by all connections, which
have small buffers then, so that they do not hide it. Prints its address as one line; `GET /tally` tells what it was
asked since the last time it told, as JSON; `PUT /client/PID` says whose CPU time is noted with every answer. Ends when
its standard input does.
"""

import argparse
import json
import os
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from itertools import count

from glacierkeep.clock import SystemClock

MIB = 1024 * 1024
HEAD = 64 * 1024
"""Bytes; no head of a request is longer."""

SLACK = 0.01
"""Seconds of the line that may be made up for: as long as a thread may wake up too late."""

Answer = tuple[int, dict[str, str], object]


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", default=0, type=int)
    parser.add_argument("--latency", default=0.0, type=float, help="seconds before every answer")
    parser.add_argument(
        "--rate", default=0, type=int, help="bytes per second over all connections; 0: as they come"
    )
    said = parser.parse_args()
    line = Line(said.rate) if said.rate else None
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if line:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 * 1024)
    listening.bind(("127.0.0.1", said.port))
    listening.listen(128)
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    threading.Thread(target=serve, args=(listening, Vaults(Tally()), line, said.latency), daemon=True).start()
    sys.stdin.buffer.read()
    os._exit(0)


class Line:
    """A line of *rate* bytes per second that all share."""

    def __init__(self, rate: int) -> None:
        self.rate, self.free_at, self.lock = rate, 0.0, threading.Lock()

    def carry(self, length: int) -> None:
        """Return when *length* bytes are through."""
        with self.lock:
            self.free_at = max(self.free_at, time.perf_counter() - SLACK) + length / self.rate
            through = self.free_at
        pause(through - time.perf_counter())


class Tally:
    """Requests by operation and the bytes of their bodies; of the last answer to each operation, when it was given
    (seconds of CLOCK_MONOTONIC) and what CPU time the client had used by then."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        self.requests: Counter[str] = Counter()
        self.answered: dict[str, float] = {}
        self.used: dict[str, float] = {}
        self.bodies, self.client = 0, 0
        self.cpu = time.process_time()

    def note(self, operation: str, length: int) -> None:
        with self.lock:
            self.requests[operation] += 1
            self.bodies += length
            self.answered[operation] = time.perf_counter()
            if self.client:
                self.used[operation] = cpu_seconds(self.client)

    def tell(self) -> dict[str, object]:
        """All of it; counting begins anew."""
        with self.lock:
            told = {
                "requests": dict(self.requests),
                "answered": self.answered,
                "used": self.used,
                "bodies": self.bodies,
                "cpu": time.process_time() - self.cpu,
            }
            self.clear()
        return told


def cpu_seconds(pid: int) -> float:
    """Of that process so far, by the clock that Linux keeps for it (clock_getcpuclockid)."""
    return time.clock_gettime((~pid << 3) | 2)


class Vaults:
    """Answers to everything that uploading asks, by method, what is asked below the vault, and whether one is named."""

    def __init__(self, tally: Tally) -> None:
        self.tally, self.ids = tally, count(1)
        self.ways: dict[tuple[str, str, bool], tuple[str, Callable[[str, dict[str, str]], Answer]]] = {
            ("PUT", "", False): ("CreateVault", self.create),
            ("GET", "", False): ("DescribeVault", self.describe),
            ("POST", "archives", False): ("UploadArchive", self.keep),
            ("DELETE", "archives", True): ("DeleteArchive", self.forget),
            ("POST", "multipart-uploads", False): ("InitiateMultipartUpload", self.begin),
            ("GET", "multipart-uploads", False): ("ListMultipartUploads", self.list_uploads),
            ("PUT", "multipart-uploads", True): ("UploadMultipartPart", self.take_part),
            ("GET", "multipart-uploads", True): ("ListParts", self.list_parts),
            ("POST", "multipart-uploads", True): ("CompleteMultipartUpload", self.keep),
            ("DELETE", "multipart-uploads", True): ("AbortMultipartUpload", self.forget),
        }

    def answer(self, method: str, path: str, headers: dict[str, str]) -> tuple[str, Answer]:
        """The operation that is meant, and what is said to it; "" for what no client of the service asks."""
        if path == "/tally":
            return "", (200, {}, self.tally.tell())
        if path.startswith("/client/"):
            self.tally.client = int(path.removeprefix("/client/"))
            return "", (204, {}, None)
        _, _, _, _, what, named, *_ = [*path.split("/"), "", "", "", ""]
        operation, answer = self.ways.get((method, what, bool(named)), ("unknown", self.refuse))
        return operation, answer(path, headers)

    def create(self, path: str, _: dict[str, str]) -> Answer:
        return 201, {"Location": path}, None

    def describe(self, path: str, _: dict[str, str]) -> Answer:
        name = path.rpartition("/")[2]
        arn = f"arn:aws:glacier:us-east-1:111122223333:vaults/{name}"
        told = {"VaultName": name, "VaultARN": arn, "CreationDate": "2012-03-20T17:03:43.221Z"}
        return 200, {}, {**told, "NumberOfArchives": 0, "SizeInBytes": 0}

    def keep(self, path: str, headers: dict[str, str]) -> Answer:
        archive = self.new_id()
        where = path.partition("/multipart-uploads")[0].removesuffix("/archives") + f"/archives/{archive}"
        return 201, {"x-amz-archive-id": archive, "Location": where, **tree_hash_in(headers)}, None

    def begin(self, path: str, _: dict[str, str]) -> Answer:
        upload = self.new_id()
        return 201, {"x-amz-multipart-upload-id": upload, "Location": f"{path}/{upload}"}, None

    def take_part(self, _: str, headers: dict[str, str]) -> Answer:
        return 204, tree_hash_in(headers), None

    def list_uploads(self, *_: object) -> Answer:
        return 200, {}, {"UploadsList": [], "Marker": None}

    def list_parts(self, path: str, _: dict[str, str]) -> Answer:
        upload = path.rpartition("/")[2]
        return 200, {}, {"MultipartUploadId": upload, "PartSizeInBytes": MIB, "Parts": [], "Marker": None}

    def forget(self, *_: object) -> Answer:
        return 204, {}, None

    def refuse(self, path: str, _: dict[str, str]) -> Answer:
        return 404, {}, {"code": "ResourceNotFoundException", "type": "Client", "message": path}

    def new_id(self) -> str:
        return f"{next(self.ids):0138d}"


def tree_hash_in(headers: dict[str, str]) -> dict[str, str]:
    """The tree hash that was declared, to be answered."""
    return {"x-amz-sha256-tree-hash": headers.get("x-amz-sha256-tree-hash", "")}


def serve(listening: socket.socket, vaults: Vaults, line: Line | None, latency: float) -> None:
    """A thread for every connection."""
    while True:
        connection, _ = listening.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=talk, args=(connection, vaults, line, latency), daemon=True).start()


def talk(connection: socket.socket, vaults: Vaults, line: Line | None, latency: float) -> None:
    """Answer one request after the other, until the far end has had enough."""
    throw_away = Drain(connection, line)
    with connection:
        try:
            while head := read_head(connection):
                text, rest = head
                method, path, headers = parsed(text)
                if headers.get("expect", "").lower() == "100-continue":
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                length = int(headers.get("content-length", 0))
                throw_away(length, already=rest)
                operation, (status, more, content) = vaults.answer(method, path, headers)
                if operation:
                    pause(latency)
                    vaults.tally.note(operation, length)
                reply(connection, status, more, content)
        except ConnectionError:
            return


def read_head(connection: socket.socket) -> tuple[str, int] | None:
    """The next head, and how many bytes of the body came with it; None at the end."""
    found = b""
    while b"\r\n\r\n" not in found:
        piece = connection.recv(HEAD - len(found))
        if not piece:
            return None
        found += piece
    head, _, rest = found.partition(b"\r\n\r\n")
    return head.decode("latin-1"), len(rest)


def parsed(head: str) -> tuple[str, str, dict[str, str]]:
    """Method, path without its query, headers by their names in small letters."""
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return method, target.partition("?")[0], headers


class Drain:
    """Throws away what a connection brings: on Linux without copying it out of the kernel."""

    FLAGS = socket.MSG_TRUNC | socket.MSG_WAITALL if sys.platform == "linux" else socket.MSG_WAITALL

    def __init__(self, connection: socket.socket, line: Line | None) -> None:
        self.connection, self.line = connection, line
        self.nowhere = bytearray(64 * 1024 if line else MIB)

    def __call__(self, length: int, already: int) -> None:
        """*length* bytes, of which so many were read *already*."""
        if self.line:
            self.line.carry(min(already, length))
        left = length - already
        while left > 0:
            got = self.connection.recv_into(self.nowhere, min(left, len(self.nowhere)), self.FLAGS)
            if not got:
                raise ConnectionError
            left -= got
            if self.line:
                self.line.carry(got)


def reply(connection: socket.socket, status: int, headers: dict[str, str], content: object) -> None:
    """Send an answer; the connection stays open."""
    body = json.dumps(content).encode() if content is not None else b""
    told = {"x-amzn-RequestId": "sink", **headers}
    if status != 204:
        told |= {"Content-Length": str(len(body)), "Content-Type": "application/json"}
    lines = [f"HTTP/1.1 {status} Sunk", *(f"{name}: {value}" for name, value in told.items())]
    connection.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)


def pause(seconds: float) -> None:
    """Be what is far away or slow."""
    if seconds > 0:
        SystemClock().sleep(seconds)


if __name__ == "__main__":
    main()
