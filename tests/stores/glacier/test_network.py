"""What networks do: slow and stuck connections, proxies that hang up, wrong clocks, keys that change."""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import pytest

from glacierkeep.clock import SystemClock
from glacierkeep.domain.limits import MIB
from glacierkeep.domain.patience import Patience, may_have_been_done
from glacierkeep.domain.vault import parse_address
from glacierkeep.errors import ClockWrong, CredentialsTrouble, Exit, NoConnection, ServiceUnreachable
from glacierkeep.local.testing import Key, Keys, local_glacier
from glacierkeep.stores.glacier.client import connect
from glacierkeep.stores.glacier.sessions import Timeouts
from glacierkeep.stores.patient import PatientStore
from glacierkeep.stores.store import Body
from support.clock import TurnedClock

ADDRESS = parse_address("glacier://us-east-1/photos")
NOW = SystemClock().now
BUFFER = 64 * 1024


@contextmanager
def sink(serve):
    """A listener with small buffers that hands each connection to *serve*, in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        threads = []

        def accept():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
                threads[-1].start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    accepting.join()
    for thread in threads:
        thread.join()


def head_of(connection):
    """The head of a request, the length of its body, and what came of that already."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, rest = received.partition(b"\r\n\r\n")
    (length,) = [
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    ]
    return length, rest


@pytest.mark.parametrize("held", [True, False], ids=["held", "opened"])
def test_a_slow_line_gets_a_part_through(aws, as_body, held):
    """A body takes as long as it takes: a connection is given up only if nothing moves for the time-out."""
    pause, ended = threading.Event(), []

    def slowly(connection):
        with connection:
            length, rest = head_of(connection)
            missing = length - len(rest)
            while missing:
                missing -= len(connection.recv(min(missing, 128 * 1024)))
                pause.wait(0.04)
            ended.append(length)
            connection.sendall(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")

    body = as_body(bytes(8 * MIB))
    if not held:
        body = Body(lambda: BytesIO(bytes(8 * MIB)), body.length, body.sha256, body.tree_hash)
    with sink(slowly) as port:
        timeouts = Timeouts(sending=0.5, answer=5.0)
        store = connect(ADDRESS, endpoint_url=f"http://127.0.0.1:{port}", now=NOW, timeouts=timeouts)
        begun = NOW()
        store.upload_part("U", 0, body)
        store.close()
    assert ended == [8 * MIB]
    assert (NOW() - begun).total_seconds() > 2 * timeouts.sending


@pytest.mark.parametrize("takes", [0, 8 * MIB], ids=["in the body", "for the answer"])
def test_a_stuck_connection_is_noticed(aws, as_body, takes):
    """A service that reads or answers no more is given up after the time-out; what was asked may have been done."""
    over = threading.Event()

    def stuck(connection):
        with connection:
            _, rest = head_of(connection)
            missing = takes - len(rest)
            while missing > 0:
                missing -= len(connection.recv(min(missing, 65536)))
            over.wait(10)

    with sink(stuck) as port:
        timeouts = Timeouts(sending=0.3, answer=0.3)
        store = connect(ADDRESS, endpoint_url=f"http://127.0.0.1:{port}", now=NOW, timeouts=timeouts)
        begun = NOW()
        with pytest.raises(ServiceUnreachable) as caught:
            store.upload_part("U", 0, as_body(bytes(8 * MIB)))
        lasted = NOW() - begun
        over.set()
        store.close()
    assert may_have_been_done(caught.value)
    assert lasted < timedelta(seconds=5)


class HangingUp(BaseHTTPRequestHandler):
    """A proxy that takes a request and hangs up without an answer."""

    taken: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.taken.append(self.path)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def a_proxy() -> Iterator[tuple[int, list[str]]]:
    taken: list[str] = []
    speaker = type("Proxy", (HangingUp,), {"taken": taken})
    with ThreadingHTTPServer(("127.0.0.1", 0), speaker) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1], taken
        server.shutdown()
        thread.join()


def test_a_proxy_that_hangs_up_after_the_request(aws, as_body):
    """What a proxy took may have been passed on: an archive is not sent a second time."""
    with a_proxy() as (port, taken):
        aws.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        aws.setenv("NO_PROXY", "")
        store = patient(connect(ADDRESS, endpoint_url="http://glacier.invalid", now=NOW))
        with pytest.raises(ServiceUnreachable) as caught:
            store.upload_archive(as_body(b"x"), "")
    assert may_have_been_done(caught.value)
    assert len(taken) == 1


def test_a_proxy_that_is_not_there(aws, as_body):
    """Where not even the proxy is reached, nothing was sent."""
    aws.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    aws.setenv("NO_PROXY", "")
    with pytest.raises(NoConnection):
        connect(ADDRESS, endpoint_url="http://glacier.invalid", now=NOW).upload_archive(as_body(b"x"), "")


def test_something_that_speaks_no_tls(aws, as_body, script):
    """TLS that fails is no proof that nothing was sent."""
    script.hang_up()
    with pytest.raises(ServiceUnreachable) as caught:
        connect(ADDRESS, endpoint_url=f"https://127.0.0.1:{script.port}", now=NOW).upload_archive(
            as_body(b"x"), ""
        )
    assert not isinstance(caught.value, NoConnection)


def patient(store, told=None, **more):
    """*store* with patience on a turned clock."""
    things = {"patience": Patience(retry_for=60.0), "clock": TurnedClock(), "stop": lambda: False, **more}
    return PatientStore(store, tell=(told if told is not None else []).append, **things)


def keys_of(key):
    return Keys([key])


GOOD = Key("AKIAGOOD", "right", "012345678901")


@pytest.fixture
def glacier(tmp_path, aws):
    """A local Glacier over HTTP that judges signatures."""
    aws.setenv("AWS_ACCESS_KEY_ID", GOOD.id)
    aws.setenv("AWS_SECRET_ACCESS_KEY", GOOD.secret)
    with local_glacier(tmp_path / "glacier", keys=keys_of(GOOD)) as served:
        yield served


@pytest.mark.parametrize(("minutes", "side"), [(10, "10 minutes ahead of"), (-10, "10 minutes behind")])
def test_a_wrong_clock(glacier, as_body, minutes, side):
    """With a clock ten minutes off everything works, by the service's clock, and it is told once by how much."""
    told = []
    store = patient(
        connect(ADDRESS, endpoint_url=glacier.url, now=lambda: NOW() + timedelta(minutes=minutes)), told
    )
    store.create_vault()
    archive = store.upload_archive(as_body(b"x"), "once")
    upload = store.initiate_upload(MIB, "two")
    store.upload_part(upload, 0, as_body(bytes(MIB)))
    assert archive
    assert len(list(store.list_uploads())) == 1
    assert len(told) == 1
    assert (told[0].code, side in told[0].sentence) == ("clock-wrong", True)


def test_a_clock_that_cannot_be_believed(glacier):
    """If the service refuses the time it told of, it is an error that says how far off the clock is: exit 13."""
    minutes = iter((10, 10, 300, 300, 300, 300, 300, 300))
    store = patient(
        connect(ADDRESS, endpoint_url=glacier.url, now=lambda: NOW() + timedelta(minutes=next(minutes)))
    )
    with pytest.raises(ClockWrong, match="300 minutes ahead of") as caught:
        store.create_vault()
    assert caught.value.exit is Exit.CREDENTIALS
    assert caught.value.ahead == pytest.approx(300 * 60, abs=60)


def test_a_right_clock_is_left_alone(script):
    """Requests are signed by the clock that is handed over, to the second."""
    script.say(201)
    script.open_store().create_vault()
    assert script.asked[0][2]["X-Amz-Date"] == "20260301T120000Z"


def test_a_skew_told_by_the_answers_date(script):
    """Where the message gives no time, the Date of the answer does."""
    script.say(403, {"code": "RequestTimeTooSkewed", "message": "too far"})
    script.say(201)
    patient(script.open_store()).create_vault()
    stamps = [headers["X-Amz-Date"] for _, _, headers, _ in script.asked]
    assert stamps[0] == "20260301T120000Z"
    second = datetime.strptime(stamps[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert abs(second - NOW()) < timedelta(minutes=2)


@pytest.fixture
def keys_file(aws, tmp_path):
    """Writes the AWS credentials file; there are none in the environment."""
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")

    def write(key):
        lines = ["[default]", f"aws_access_key_id = {key.id}", f"aws_secret_access_key = {key.secret}"]
        if key.token:
            lines.append(f"aws_session_token = {key.token}")
        (tmp_path / "aws-credentials").write_text("\n".join(lines))

    return write


def test_keys_that_were_replaced(glacier, keys_file):
    """When keys are refused they are read again from their file, once, without a pause."""
    keys_file(GOOD)
    clock = TurnedClock()
    store = patient(connect(ADDRESS, endpoint_url=glacier.url, now=NOW), clock=clock)
    store.create_vault()
    keys_file(Key("AKIAOLD", "old", GOOD.account))
    other = patient(connect(ADDRESS, endpoint_url=glacier.url, now=NOW), clock=clock)
    with pytest.raises(CredentialsTrouble):
        other.describe_vault()
    keys_file(GOOD)
    assert other.describe_vault().name == "photos"
    assert clock.now() == TurnedClock().now()


def test_keys_that_expire_while_it_works(tmp_path, aws, keys_file):
    """A session that expires and is renewed in the credentials file goes on; --retry-for waits for that."""
    old = Key("ASIAOLD", "s", GOOD.account, token="old", expires=NOW() + timedelta(hours=1))
    gone = Key("ASIAGONE", "s", GOOD.account, token="gone", expires=NOW() - timedelta(hours=1))
    clock, told = TurnedClock(), []
    keys = Keys([old, gone])

    def tell(event):
        told.append(event)
        if len(told) == 3:
            keys_file(old)

    with local_glacier(tmp_path / "glacier", keys=keys) as served:
        keys_file(gone)
        plain = connect(ADDRESS, endpoint_url=served.url, now=NOW)
        with pytest.raises(CredentialsTrouble):
            patient(plain, clock=clock).create_vault()
        patience = Patience(retry_for=3600.0, for_credentials=True)
        PatientStore(plain, patience=patience, clock=clock, tell=tell, stop=lambda: False).create_vault()
    assert [event.code for event in told] == ["credentials"] * 3


def test_keys_of_a_program(glacier, keys_file, aws, tmp_path):
    """A credential_process that gives other keys is asked again when the first ones are refused."""
    (tmp_path / "aws-config").write_text(
        f"[default]\ncredential_process = {sys.executable} {tmp_path}/give.py\n"
    )
    (tmp_path / "give.py").write_text(
        "import json, pathlib\n"
        f"asked = pathlib.Path({str(tmp_path / 'asked')!r})\n"
        "again = asked.exists()\n"
        "asked.touch()\n"
        f"key = ({GOOD.id!r}, {GOOD.secret!r}) if again else ('AKIAOLD', 'old')\n"
        "print(json.dumps({'Version': 1, 'AccessKeyId': key[0], 'SecretAccessKey': key[1]}))\n"
    )
    patient(connect(ADDRESS, endpoint_url=glacier.url, now=NOW)).create_vault()


def test_a_wish_to_be_left_alone(script):
    """Retry-After is obeyed, where it is longer than our own pause."""
    script.say(
        503, {"code": "ServiceUnavailableException", "message": "later"}, headers={"Retry-After": "17"}
    )
    script.say(201)
    clock = TurnedClock()
    patient(script.open_store(), clock=clock).create_vault()
    assert clock.now() - TurnedClock().now() == timedelta(seconds=17)
