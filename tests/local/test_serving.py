"""The local Glacier over HTTP: real clients, odd requests by hand, many at once, and its end."""

import http.client
import json
import re
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from glacierkeep.local import LocalGlacier
from glacierkeep.local.serving import Answered, Server, serve
from glacierkeep.local.serving.limits import Limits

MIB = 1024 * 1024
VERSION = b"x-amz-glacier-version: 2012-06-01\r\n"
DESCRIBE = b"GET /-/vaults/photos HTTP/1.1\r\nHost: here\r\n" + VERSION + b"\r\n"
QUICK = Limits(head=0.3, stall=0.3, idle=0.6, linger=0.5)


class Wire:
    """A raw connection to *server*."""

    def __init__(self, server: Server) -> None:
        port = int(server.url.rpartition(":")[2])
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.file = self.socket.makefile("rb")

    def send(self, content: bytes) -> "Wire":
        self.socket.sendall(content)
        return self

    def answer(self, method: str = "GET") -> http.client.HTTPResponse:
        """The next answer, whole."""
        response = http.client.HTTPResponse(_Reading(self.file), method=method)  # type: ignore[arg-type]
        response.begin()
        response.content = response.read()  # type: ignore[attr-defined]
        return response

    def rest(self) -> bytes:
        """All that still comes, to the end."""
        return self.file.read()

    def ended(self) -> bool:
        """Whether the server has ended the connection; nothing else may be about to come."""
        there, _, _ = select.select([self.socket], [], [], 0)
        return bool(there)

    def close(self) -> None:
        self.file.close()
        self.socket.close()


class _Reading:
    """What HTTPResponse takes for a socket."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def makefile(self, mode: str) -> Any:
        return _Unclosed(self.file)


class _Unclosed:
    def __init__(self, file: Any) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def close(self) -> None:
        """The connection outlives the answer."""


def of(response: Any) -> tuple[int, str]:
    """Status and error code of an answer."""
    return response.status, json.loads(response.content)["code"]


@contextmanager
def wired(server: Server, content: bytes = b"") -> Iterator[Wire]:
    wire = Wire(server)
    try:
        yield wire.send(content)
    finally:
        wire.close()


@pytest.fixture
def dial() -> Iterator[Callable[..., Wire]]:
    """Opens connections, which are closed at the end: a server, and what to send to begin with."""
    opened: list[Wire] = []

    def open_(server: Server, content: bytes = b"") -> Wire:
        opened.append(Wire(server))
        return opened[-1].send(content)

    yield open_
    for wire in opened:
        wire.close()


@pytest.fixture
def server(world: Any) -> Iterator[Server]:
    with serve(world.service) as made:
        yield made


@pytest.fixture
def quick(world: Any) -> Iterator[Server]:
    """A server of little patience."""
    with serve(world.service, limits=QUICK) as made:
        yield made


def over_http(world: Any, server: Server, **more: Any) -> Any:
    """The world with a client that really sends."""
    import boto3

    client = boto3.client(
        "glacier",
        region_name="us-east-1",
        endpoint_url=server.url,
        aws_access_key_id="x",
        aws_secret_access_key="y",
        config=Config(retries={"total_max_attempts": 1}, **more),
    )
    return type(world)(world.service, world.clock, client)


def upload_head(world: Any, content: bytes, *more: bytes, vault: str = "photos") -> bytes:
    """The head of an UploadArchive."""
    hashes = world.hashes(content)
    lines = [
        b"POST /-/vaults/%s/archives HTTP/1.1" % vault.encode(),
        b"Host: here",
        b"x-amz-glacier-version: 2012-06-01",
        b"Content-Length: %d" % len(content),
        b"x-amz-content-sha256: " + hashes["x_amz_content_sha256"].encode(),
        b"x-amz-sha256-tree-hash: " + hashes["x_amz_sha256_tree_hash"].encode(),
        *more,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def until(done: Callable[[], bool]) -> None:
    """Wait till something that must come about has."""
    pause, last = threading.Event(), time.monotonic() + 20
    while not done():
        assert time.monotonic() < last
        pause.wait(0.02)


def test_what_boto3_sends_comes_back(world: Any, server: Server) -> None:
    """Archives in one request and in parts come back over HTTP as they went, whole and in ranges."""
    there = over_http(world, server)
    content = world.some_bytes(5 * MIB + 12345)
    single, parts = there.upload(content), there.multipart(content, 2 * MIB)
    assert there.retrieve(single) == there.retrieve(parts) == content
    job = there.start_retrieval(single)
    answer = there.client.get_job_output(vaultName="photos", jobId=job, range="bytes=1000-3000000")
    assert answer["body"].read() == content[1000:3000001]
    listed = json.loads(there.output(there.start_inventory()))["ArchiveList"]
    assert {each["ArchiveId"] for each in listed} == {single, parts}
    there.client.close()


def test_refusals_arrive_as_errors(world: Any, server: Server) -> None:
    """boto3 raises the service's own error, with its request id."""
    there = over_http(world, server)
    with pytest.raises(ClientError, match="Vault not found for ARN") as caught:
        there.client.describe_vault(vaultName="nowhere")
    answer: Any = caught.value.response
    assert len(answer["ResponseMetadata"]["RequestId"]) == 47
    there.client.close()


def test_connections_are_kept(world: Any, server: Server) -> None:
    """Many requests, one after the other, travel on one connection; an answer without content has no length."""
    with wired(server) as wire:
        for _ in range(3):
            assert wire.send(DESCRIBE).answer().status == 200
        deleted = wire.send(DESCRIBE.replace(b"GET", b"DELETE")).answer()
        assert (deleted.status, deleted.getheader("Content-Length")) == (204, None)
        assert wire.send(DESCRIBE).answer().status == 404


def test_requests_in_advance_are_answered_in_order(world: Any, server: Server) -> None:
    """Requests sent before their predecessor was answered are each answered, in order; empty lines between are none."""
    other = DESCRIBE.replace(b"photos", b"others")
    with wired(server, DESCRIBE + other + b"\r\n" + DESCRIBE) as wire:
        assert [wire.answer().status for _ in range(3)] == [200, 404, 200]


def test_every_answer_is_one_of_the_service(server: Server) -> None:
    """What is refused before it reaches the service has the service's headers and body all the same."""
    with wired(server, b"GET / HTTP/1.1\r\n\r\n") as wire:
        answer = wire.answer()
        assert len(answer.headers["x-amzn-RequestId"]) == 47
        assert answer.headers["Date"].endswith(" GMT")
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Connection"] == "close"
        assert json.loads(answer.content) == {
            "code": "BadRequest",
            "message": "The request cannot be read: wrong Host",
            "type": "Client",
        }
        assert wire.rest() == b""


LINE = b"GET /-/vaults/photos HTTP/1.1\r\n"
HOST = b"Host: here\r\n" + VERSION
ODD = {
    "no words": b"\r\n\r\n\0\r\n\r\n",
    "one word": b"GET\r\n\r\n",
    "no version": b"GET /-/vaults/photos\r\n\r\n",
    "HTTP/0.9": b"GET /-/vaults/photos HTTP/0.9\r\n" + HOST + b"\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "version in words": b"GET / HTTP/one\r\n" + HOST + b"\r\n",
    "two blanks": b"GET  /-/vaults/photos HTTP/1.1\r\n" + HOST + b"\r\n",
    "blank in target": b"GET /-/vaults/pho tos HTTP/1.1\r\n" + HOST + b"\r\n",
    "NUL in target": b"GET /-/vaults/\0 HTTP/1.1\r\n" + HOST + b"\r\n",
    "bytes in target": b"GET /-/vaults/\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n",
    "fragment": b"GET /-/vaults/photos#x HTTP/1.1\r\n" + HOST + b"\r\n",
    "authority": b"CONNECT here:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "no path": b"GET photos HTTP/1.1\r\n" + HOST + b"\r\n",
    "other scheme": b"GET ftp://here/-/vaults/photos HTTP/1.1\r\n" + HOST + b"\r\n",
    "method of marks": b"G(T / HTTP/1.1\r\n" + HOST + b"\r\n",
    "long method": b"G" * 1000 + b" / HTTP/1.1\r\n" + HOST + b"\r\n",
    "lower case": b"get /-/vaults/photos HTTP/1.1\r\n" + HOST + b"\r\n",
    "asterisk": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "unknown method": b"PATCH /-/vaults/photos HTTP/1.1\r\n" + HOST + b"\r\n",
    "no host": LINE + VERSION + b"\r\n",
    "two hosts": LINE + HOST + b"Host: there\r\n\r\n",
    "bare line feeds": DESCRIBE.replace(b"\r\n", b"\n"),
    "bare carriage return": LINE + HOST + b"a: b\rc: d\r\n\r\n",
    "folded": LINE + HOST + b"a: b\r\n c\r\n\r\n",
    "no colon": LINE + HOST + b"nonsense\r\n\r\n",
    "no name": LINE + HOST + b": x\r\n\r\n",
    "blank before colon": LINE + HOST + b"a : x\r\n\r\n",
    "NUL in header": LINE + HOST + b"a: \0\r\n\r\n",
    "many headers": LINE + HOST + b"a: b\r\n" * 200 + b"\r\n",
    "long header": LINE + HOST + b"a: " + b"b" * 50_000 + b"\r\n\r\n",
    "blanks": LINE + HOST + b"a:" + b" " * 30_000 + b"\0\r\n\r\n",
    "endless header": LINE + HOST + b"a: " + b"b" * 200_000,
    "endless line": b"GET /" + b"a" * 200_000,
    "two lengths": LINE + HOST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    "list of lengths": LINE + HOST + b"Content-Length: 1, 1\r\n\r\nx",
    "negative length": LINE + HOST + b"Content-Length: -1\r\n\r\n",
    "signed length": LINE + HOST + b"Content-Length: +1\r\n\r\nx",
    "hex length": LINE + HOST + b"Content-Length: 0x1\r\n\r\nx",
    "empty length": LINE + HOST + b"Content-Length:\r\n\r\n",
    "astronomic length": LINE + HOST + b"Content-Length: 9999999999999999999999\r\n\r\n",
    "digits of another script": LINE + HOST + "Content-Length: ١\r\n\r\n".encode(),
    "chunks": LINE + HOST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    "chunks and length": LINE + HOST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "other coding": LINE + HOST + b"Transfer-Encoding: gzip\r\n\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xab" * 500 + b"\n\n",
}


@pytest.mark.parametrize("name", ODD)
def test_odd_requests_are_refused(server: Server, name: str) -> None:
    """What is no proper HTTP, or not the HTTP of the service, is a client's error of the service's form."""
    with wired(server, ODD[name]) as wire:
        status, code = of(wire.answer())
    assert status == 400
    assert code in ("BadRequest", "MissingParameterValueException", "InvalidParameterValueException")
    with wired(server, DESCRIBE) as wire:
        assert wire.answer().status == 200


NAMES = {
    "percent and nonsense": (b"/-/vaults/%zz%f", 404),
    "percent and NUL": (b"/-/vaults/%00", 404),
    "percent and bytes": (b"/-/vaults/%ff%fe", 404),
    "percent and slash": (b"/-/vaults/a%2fb", 404),
    "dots": (b"/-/vaults/..%2f..%2f..", 404),
    "encoded": (b"/-/vaults/%70hotos", 200),
    "absolute": (b"http://elsewhere:80/-/vaults/photos", 200),
    "absolute, in capitals": (b"HTTP://Elsewhere/-/vaults/photos", 200),
    "absolute, without a path": (b"http://elsewhere", 400),
    "query": (b"/-/vaults/photos?a=b&%zz", 200),
    "two slashes": (b"//-/vaults/photos", 400),
    "brackets": (b"http://[/-/vaults/photos", 200),
}


@pytest.mark.parametrize("name", NAMES)
def test_targets_are_read_as_sent(server: Server, name: str) -> None:
    """Paths are taken apart before they are decoded, whatever they hold, and absolute ones are understood."""
    target, status = NAMES[name]
    with wired(server, DESCRIBE.replace(b"/-/vaults/photos", target)) as wire:
        assert wire.answer().status == status


@given(
    st.binary(max_size=200),
    st.integers(0, len(DESCRIBE)),
    st.integers(0, 30),
)
@example(b"\r\n\r\n", 40, 0)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_spoilt_requests_are_never_the_services_trouble(
    lasting_server: Server, inserted: bytes, at: int, cut: int
) -> None:
    """Whatever bytes come, the answers are refusals or successes, never 500, and the server goes on."""
    with wired(lasting_server, DESCRIBE[:at] + inserted + DESCRIBE[at + cut :]) as wire:
        wire.socket.shutdown(socket.SHUT_WR)
        said = b""
        with suppress(ConnectionResetError):
            said = wire.rest()
    assert all(int(status) < 500 for status in re.findall(rb"HTTP/1\.1 (\d+)", said))
    with wired(lasting_server, DESCRIBE) as wire:
        assert wire.answer().status == 200


@pytest.fixture(scope="module")
def lasting_server(lasting_world: Any) -> Iterator[Server]:
    with serve(lasting_world.service) as made:
        yield made


def test_the_first_version_of_http(server: Server) -> None:
    """HTTP/1.0 needs no Host; its connection ends with the answer."""
    with wired(server, b"GET /-/vaults/photos HTTP/1.0\r\n" + VERSION + b"\r\n") as wire:
        assert wire.answer().status == 200
        assert wire.rest() == b""


def test_close_ends_the_connection(server: Server) -> None:
    """A client that says it is done is answered, told so, and let go."""
    with wired(server, DESCRIBE.replace(b"\r\n\r\n", b"\r\nConnection: x, Close\r\n\r\n")) as wire:
        assert wire.answer().headers["Connection"] == "close"
        assert wire.rest() == b""


def test_head_has_no_body(server: Server) -> None:
    """HEAD, which no operation has, is refused without a body, and the next request is understood."""
    with wired(server, DESCRIBE.replace(b"GET", b"HEAD") + DESCRIBE) as wire:
        answer = wire.answer("HEAD")
        assert (answer.status, answer.content) == (400, b"")
        assert int(answer.headers["Content-Length"]) > 0
        assert wire.answer().status == 200


def test_a_body_is_asked_for_when_it_is_wanted(world: Any, server: Server) -> None:
    """A client that expects 100 Continue gets it before it sends, and the archive is stored."""
    content = world.some_bytes(3 * MIB)
    with wired(server, upload_head(world, content, b"Expect: 100-continue")) as wire:
        assert wire.file.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert wire.file.readline() == b"\r\n"
        assert wire.send(content).answer().status == 201


def test_a_body_is_not_asked_for_in_vain(world: Any, server: Server) -> None:
    """A client that expects 100 Continue for what is refused gets the refusal at once, and need not send."""
    head = upload_head(world, b"abc", b"Expect: 100-continue", vault="nowhere")
    with wired(server, head) as wire:
        assert of(wire.answer()) == (404, "ResourceNotFoundException")
        assert wire.rest() == b""


def test_a_head_that_does_not_end_times_out(quick: Server) -> None:
    """Whoever sends a head byte by byte, or part of it, is told so after a while and let go."""
    with wired(quick, b"GET /-/vaults") as wire:
        assert of(wire.answer()) == (408, "RequestTimeoutException")
        assert wire.rest() == b""


def test_a_body_that_stops_coming_times_out(world: Any, quick: Server) -> None:
    """An upload that stalls is refused with 408 as the service does, and nothing of it is kept."""
    with wired(quick, upload_head(world, b"x" * 1000) + b"x" * 999) as wire:
        answer = wire.answer()
        assert of(answer) == (408, "RequestTimeoutException")
        assert "999 of 1000 bytes" in json.loads(answer.content)["message"]
        assert wire.rest() == b""
    assert world.service.summary().archives == 0
    assert list((world.service.folder / "incoming").iterdir()) == []


def test_a_document_that_stops_coming_is_not_taken_for_whole(world: Any, quick: Server) -> None:
    """A JSON body that ends too soon, though it can be read, is refused; no job begins."""
    job = b'{"Type":"inventory-retrieval"}'
    head = b"POST /-/vaults/photos/jobs HTTP/1.1\r\n" + HOST + b"Content-Length: 40\r\n\r\n"
    with wired(quick, head + job) as wire:
        assert of(wire.answer()) == (408, "RequestTimeoutException")
    assert world.client.list_jobs(vaultName="photos")["JobList"] == []


def test_a_body_that_is_broken_off(world: Any, server: Server) -> None:
    """A client that ends its side in the middle of a body is told at once, and nothing is kept."""
    with wired(server, upload_head(world, b"x" * 1000) + b"x" * 10) as wire:
        wire.socket.shutdown(socket.SHUT_WR)
        assert of(wire.answer()) == (408, "RequestTimeoutException")
    assert world.service.summary().archives == 0


def test_quiet_connections_are_closed(quick: Server) -> None:
    """A connection on which nothing comes ends after a while, used or not."""
    with wired(quick) as unused, wired(quick, DESCRIBE) as used:
        assert used.answer().status == 200
        assert unused.rest() == used.rest() == b""


def test_a_refusal_reaches_who_is_still_sending(world: Any, server: Server) -> None:
    """An upload to no vault is refused before its body came; the client, which sends all first, hears the refusal,
    and can use the connection again."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)
    for _ in range(2):
        headers = {"x-amz-glacier-version": "2012-06-01"}
        connection.request("POST", "/-/vaults/nowhere/archives", bytes(20 * MIB), headers)
        response = connection.getresponse()
        assert response.status == 404
        assert response.getheader("Connection") is None
        response.read()
    connection.close()


def test_a_refusal_reaches_who_sends_too_much(world: Any) -> None:
    """Beyond a bound what is still sent is not waited for: the connection ends, but the refusal arrives."""
    with serve(world.service, limits=Limits(drain=10 * MIB)) as server, wired(server) as wire:
        wire.send(LINE.replace(b"GET", b"PUT") + HOST + b"Content-Length: 999999999999\r\n\r\n")
        with suppress(ConnectionError):
            while True:
                wire.send(bytes(MIB))
        answer = wire.answer()
        assert answer.status == 201
        assert answer.headers["Connection"] == "close"


def test_slow_clients_keep_only_themselves_waiting(world: Any, server: Server, dial: Any) -> None:
    """While a hundred clients say nothing, send half a head or half a body, others are answered; only those in the
    middle of a body have a thread."""
    threads = threading.active_count()
    starts = [b"", b"GET /-/vaults/", upload_head(world, b"xyz") + b"x"]
    slow = [dial(server, start) for start in starts for _ in range(35)]
    until(lambda: threading.active_count() == threads + 35)
    with wired(server, DESCRIBE) as wire:
        assert wire.answer().status == 200
    for wire in slow:
        wire.close()
    until(lambda: threading.active_count() <= threads)


def test_more_requests_than_threads_wait_their_turn(world: Any, dial: Any) -> None:
    """With all threads at work requests wait, and each is answered when there is one again."""
    with serve(world.service, limits=Limits(threads=2)) as server:
        slow = [dial(server, upload_head(world, b"xyz") + b"x") for _ in range(2)]
        until(lambda: len(list((world.service.folder / "incoming").iterdir())) == 2)
        waiting = [dial(server, DESCRIBE) for _ in range(5)]
        slow[0].send(b"yz")
        assert slow[0].answer().status == 201
        assert [wire.answer().status for wire in waiting] == [200] * 5
        assert slow[1].send(b"yz").answer().status == 201


def test_idle_connections_make_room(world: Any, dial: Any) -> None:
    """When no more connections may be open, idle ones are closed for the new."""
    with serve(world.service, limits=Limits(connections=3)) as server:
        wires = []
        for _ in range(5):
            wires.append(dial(server, DESCRIBE))
            assert wires[-1].answer().status == 200
        until(lambda: sum(wire.ended() for wire in wires) == 2)
        assert wires[4].send(DESCRIBE).answer().status == 200


def test_many_clients_at_once(world: Any, server: Server) -> None:
    """64 clients upload, in one request and in parts, and get their own bytes back."""
    there = over_http(world, server, max_pool_connections=64)

    def live(number: int) -> bool:
        content = world.some_bytes(MIB + number * 1000, number)
        archive = there.multipart(content) if number % 2 else there.upload(content)
        return bool(there.retrieve(archive) == content)

    with ThreadPoolExecutor(64) as pool:
        assert all(pool.map(live, range(64)))
    assert world.service.summary().archives == 64
    there.client.close()


def test_two_servers_of_one_folder(world: Any, server: Server) -> None:
    """What came in through one server goes out through another."""
    other = LocalGlacier(world.service.folder, clock=world.clock)
    with serve(other) as second:
        one, two = over_http(world, server), over_http(world, second)
        assert two.retrieve(one.upload(b"across")) == b"across"
        one.client.close()
        two.client.close()
    other.close()


@contextmanager
def faulty(world: Any, *faults: str) -> Iterator[Server]:
    service = LocalGlacier(world.service.folder, clock=world.clock, faults=faults)
    with serve(service) as server:
        yield server
    service.close()


@pytest.mark.parametrize("fault", ["reset-before CreateVault", "reset-after CreateVault"])
def test_an_ordered_reset_is_one(world: Any, fault: str) -> None:
    """The client sees its connection reset instead of an answer; whether the work was done is as ordered."""
    answered: list[Answered] = []
    service = LocalGlacier(world.service.folder, clock=world.clock, faults=[fault])
    with serve(service, tell=answered.append) as server:
        create = DESCRIBE.replace(b"GET", b"PUT").replace(b"photos", b"new")
        with wired(server, create) as wire, pytest.raises(ConnectionResetError):
            wire.rest()
        until(lambda: bool(answered))
    service.close()
    assert [(each.operation, each.status) for each in answered] == [("CreateVault", 0)]
    assert world.service.summary().vaults == (2 if "after" in fault else 1)


def test_an_ordered_truncation_ends_the_connection(world: Any) -> None:
    """Job output that is ordered to end early does: the client counts fewer bytes than were announced."""
    job = world.start_retrieval(world.upload(b"x" * 100_000))
    with faulty(world, "truncate GetJobOutput bytes=1000") as server:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)
        headers = {"x-amz-glacier-version": "2012-06-01"}
        connection.request("GET", f"/-/vaults/photos/jobs/{job}/output", headers=headers)
        response = connection.getresponse()
        with pytest.raises(http.client.IncompleteRead) as caught:
            response.read()
        assert caught.value.partial == b"x" * 1000
        connection.close()


def test_lost_bytes_end_the_connection(world: Any, server: Server) -> None:
    """When a stored file is gone the connection ends; that is no success, and the next request is answered."""
    job = world.start_retrieval(world.upload(b"precious"))
    for path in world.service.folder.rglob("*"):
        if path.is_file() and path.stat().st_size == 8:
            path.unlink()
    with wired(server, DESCRIBE.replace(b"photos", b"photos/jobs/%s/output" % job.encode())) as wire:
        assert wire.rest() == b""
    with wired(server, DESCRIBE) as wire:
        assert wire.answer().status == 200


def test_each_answer_is_told(world: Any) -> None:
    """Who wants to know hears of each request: what was asked, what was meant, how it ended."""
    told: list[Answered] = []
    with serve(world.service, tell=told.append) as server:
        with wired(server, DESCRIBE + DESCRIBE.replace(b"photos", b"nowhere") + b"?\r\n\r\n") as wire:
            wire.rest()
        until(lambda: len(told) == 3)
    assert [(each.method, each.path, each.status, each.operation, each.error) for each in told] == [
        ("GET", "/-/vaults/photos", 200, "DescribeVault", None),
        ("GET", "/-/vaults/nowhere", 404, "DescribeVault", "ResourceNotFoundException"),
        ("", "", 400, None, "BadRequest"),
    ]
    assert all(0 <= each.seconds < 20 for each in told)


def test_time_passes_though_nobody_asks(world: Any, server: Server) -> None:
    """An upload that nobody touched for a day goes without any request."""
    world.initiate()
    world.clock.turn(hours=25)
    until(lambda: world.service.summary().uploads == 0)


def test_stopping_lets_requests_finish(world: Any, dial: Any) -> None:
    """A server that is to stop lets nobody in, ends idle connections, and answers what is under way."""
    server = Server(world.service)
    server.start()
    idle = dial(server, DESCRIBE)
    assert idle.answer().status == 200
    under_way = dial(server, upload_head(world, b"xyz") + b"x")
    until(lambda: bool(list((world.service.folder / "incoming").iterdir())))
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    assert idle.rest() == b""
    with pytest.raises(ConnectionError):
        dial(server)
    assert server.wait(0)
    answer = under_way.send(b"yz").answer()
    assert (answer.status, answer.headers["Connection"]) == (201, "close")
    assert under_way.rest() == b""
    under_way.close()
    stopping.join(20)
    assert not stopping.is_alive()


def test_stopping_has_an_end(world: Any) -> None:
    """What is still under way when the time is over is cut off; nothing of it is kept, and no thread stays."""
    threads = threading.active_count()
    server = Server(world.service)
    server.start()
    with wired(server, upload_head(world, b"xyz") + b"x") as wire:
        until(lambda: bool(list((world.service.folder / "incoming").iterdir())))
        server.stop(0.1)
        with suppress(ConnectionResetError):
            wire.rest()
    until(lambda: threading.active_count() == threads)
    assert list((world.service.folder / "incoming").iterdir()) == []
    assert world.service.summary().archives == 0


def test_an_address_that_cannot_be_had(world: Any, server: Server) -> None:
    """A port that is taken, or a host that is none, is an error at once."""
    port = int(server.url.rpartition(":")[2])
    for host, wanted in (("127.0.0.1", port), ("host.invalid", 0), ("192.0.2.1", 0)):
        with pytest.raises(OSError, match=r".+"):
            Server(world.service, host, wanted)


@pytest.mark.parametrize(
    ("host", "url", "loopback"),
    [
        ("127.0.0.1", "http://127.0.0.1:", True),
        ("localhost", "http://", True),
        ("0.0.0.0", "http://127.0.0.1:", False),
    ],
)
def test_its_url_is_one_that_can_be_used(world: Any, host: str, url: str, loopback: bool) -> None:
    """The URL leads to the server from this machine, also where it listens everywhere."""
    with serve(world.service, host) as server:
        assert server.url.startswith(url)
        assert server.loopback is loopback
        with wired(server, DESCRIBE) as wire:
            assert wire.answer().status == 200


def test_a_folder_is_not_emptied_while_it_is_served(world: Any, tmp_path: Path) -> None:
    """Somebody who would empty the folder is told that a server is at work, and may once it has stopped."""
    from glacierkeep.local.store.occupancy import Occupied

    world.upload(b"kept")
    other = LocalGlacier(world.service.folder)
    with serve(world.service):
        assert other.served()
        with pytest.raises(Occupied):
            other.reset()
        assert other.summary().archives == 1
    assert not other.served()
    other.reset()
    assert other.summary() == LocalGlacier(tmp_path / "new").summary()
    other.close()
