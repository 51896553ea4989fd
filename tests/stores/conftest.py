"""Vaults of every implementation, behind one interface; and a service that says what a test tells it to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from glacierkeep.domain.patience import Patience
from glacierkeep.domain.vault import parse_address
from glacierkeep.events import nobody
from glacierkeep.local import LocalGlacier
from glacierkeep.local.attach import attach
from glacierkeep.stores.glacier.client import connect
from glacierkeep.stores.glacier.store import GlacierStore
from glacierkeep.stores.patient import PatientStore
from glacierkeep.stores.store import Body, Store
from glacierkeep.transfer.parts import part_body
from support.clock import TurnedClock

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def noon() -> datetime:
    """A clock that stands still."""
    return NOON


def body_of(content: bytes) -> Body:
    """*content* as a store takes it."""
    part = part_body(content)
    return Body(part.content, part.length, part.sha256, part.tree_hash)


@pytest.fixture
def as_body() -> Callable[[bytes], Body]:
    """From bytes to a body."""
    return body_of


@pytest.fixture
def content_body() -> Body:
    """A small body."""
    return body_of(b"something to keep")


@dataclass
class World:
    """A vault that is there, one that is not, and a way to have a job finished."""

    store: Store
    missing: Store
    finish: Callable[[str], None]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An AWS configuration of the test's own: keys in the environment, empty files."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_GLACIER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return monkeypatch


@pytest.fixture
def service(tmp_path: Path) -> Iterator[LocalGlacier]:
    """The embedded service in a folder of its own."""
    service = LocalGlacier(tmp_path / "local")
    yield service
    service.close()


@pytest.fixture
def local(service: LocalGlacier) -> World:
    """The embedded service, in this process."""

    def open_store(name: str) -> GlacierStore:
        address = parse_address(f"local:{name}")
        return connect(address, attach=lambda client: attach(client, service), now=service.now)

    world = World(open_store("photos"), open_store("nowhere"), lambda job_id: None)
    world.store.create_vault()
    return world


@pytest.fixture
def patient(local: World) -> World:
    """The embedded service, through a store that repeats what fails."""

    def with_patience(store: Store) -> Store:
        things = {"patience": Patience(retry_for=1.0), "clock": TurnedClock(), "stop": lambda: False}
        return PatientStore(store, tell=nobody, **things)

    return World(with_patience(local.store), with_patience(local.missing), local.finish)


@pytest.fixture(scope="session")
def moto_port() -> Iterator[int]:
    """moto's server, an imitation of the service by others, on a free loopback port."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


@pytest.fixture
def moto(moto_port: int, aws: pytest.MonkeyPatch) -> Iterator[World]:
    """moto over HTTP. It has vaults, archives of one request, jobs; neither uploads nor checks."""
    from moto.glacier.models import glacier_backends

    def open_store(name: str) -> GlacierStore:
        address = parse_address(f"glacier://eu-west-1/{name}")
        return connect(address, endpoint_url=f"http://127.0.0.1:{moto_port}", now=noon)

    def finish(job_id: str) -> None:
        vault = glacier_backends["123456789012"]["eu-west-1"].vaults["photos"]
        vault.jobs[job_id].et -= timedelta(seconds=60)

    stores = open_store("photos"), open_store("nowhere")
    stores[0].create_vault()
    yield World(*stores, finish)
    for store in stores:
        store.close()


@pytest.fixture(params=["local", "patient", "moto"])
def world(request: pytest.FixtureRequest) -> World:
    """Every implementation there is."""
    world: World = request.getfixturevalue(request.param)
    return world


@pytest.fixture(params=["local", "patient"])
def whole_world(request: pytest.FixtureRequest) -> World:
    """Every implementation that has all of the vault API."""
    world: World = request.getfixturevalue(request.param)
    return world


@dataclass
class Answer:
    """What the scripted service says: *announced* bytes are promised, *content* comes."""

    status: int
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    announced: int | None = None


@dataclass
class Script:
    """A service on a loopback port that gives *answers* in turn, the last one for ever; None hangs up."""

    port: int
    answers: list[Answer | None] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def say(self, status: int, content: bytes | dict[str, Any] = b"", **more: Any) -> None:
        """One more answer; a dictionary is sent as JSON."""
        sent = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.answers.append(Answer(status, sent, **more))

    def refuse(self, status: int, code: str, message: str) -> None:
        """One more answer, an error in the service's spelling."""
        headers = {"x-amzn-RequestId": "REQUEST-1"}
        self.say(status, {"code": code, "message": message, "type": "Client"}, headers=headers)

    def hang_up(self) -> None:
        """One more request that gets no answer."""
        self.answers.append(None)

    def next(self) -> Answer | None:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def open_store(self, **more: Any) -> GlacierStore:
        address = parse_address("glacier://eu-west-1/photos")
        return connect(address, endpoint_url=f"http://127.0.0.1:{self.port}", now=noon, **more)


class Speaker(BaseHTTPRequestHandler):
    """Notes what was asked and answers as the script says."""

    script: Script

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        received = self.rfile.read(length)
        self.script.asked.append((self.command, self.path, dict(self.headers.items()), received))
        self.close_connection = True
        answer = self.script.next()
        if answer is None:
            return
        self.send_response(answer.status)
        announced = len(answer.content) if answer.announced is None else answer.announced
        for name, value in {"Content-Length": str(announced), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        # A client that has seen enough hangs up.
        with suppress(ConnectionError):
            self.wfile.write(answer.content)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def script(aws: pytest.MonkeyPatch) -> Iterator[Script]:
    """A service that says what the test puts into its *answers*."""
    verbs = dict.fromkeys(("do_GET", "do_PUT", "do_POST", "do_DELETE"), Speaker.answer)
    speaker = type("Speaking", (Speaker,), verbs)
    with ThreadingHTTPServer(("127.0.0.1", 0), speaker) as server:
        speaker.script = script = Script(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield script
        server.shutdown()
        thread.join()
