"""gk local serve, reset and status, as processes and at a terminal."""

import http.client
import json
import os
import pty
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from glacierkeep.errors import Exit
from glacierkeep.local.store.treehash import tree_root
from support import process
from support.runner import Gk

MIB = 1 << 20
MOST = 150 * MIB


@dataclass
class Serving:
    """A `gk local serve` under way."""

    process: "subprocess.Popen[bytes]"
    record: dict[str, Any]

    @property
    def url(self) -> str:
        return str(self.record["url"])

    def request(
        self, method: str, path: str, body: Any = b"", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """An unsigned request on a connection of its own."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=60)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {"x-amz-glacier-version": "2012-06-01", **sent})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, content

    def client(self, **more: Any) -> Any:
        """A boto3 client that signs with the key of the server's credentials file."""
        os.environ["AWS_SHARED_CREDENTIALS_FILE"] = self.record["credentials"]
        try:
            return boto3.Session().client(
                "glacier",
                endpoint_url=self.url,
                region_name=self.record["region"],
                config=Config(retries={"total_max_attempts": 1}),
                **more,
            )
        finally:
            del os.environ["AWS_SHARED_CREDENTIALS_FILE"]

    def end(self, number: int = signal.SIGTERM) -> process.Ended:
        """Send it a signal; how it ended."""
        self.process.send_signal(number)
        return process.finish(self.process)


@contextmanager
def serving(*args: str, launch: tuple[str, ...] = (), home: Path | None = None) -> Iterator[Serving]:
    words = ("local", "serve", "--port", "0", "--json", *args)
    with process.start(*words, launch=launch, home=home) as started:
        try:
            assert started.stdout is not None
            yield Serving(started, json.loads(started.stdout.readline()))
        finally:
            started.kill()


@contextmanager
def plain(*args: str) -> Iterator["subprocess.Popen[bytes]"]:
    """One that speaks to people, on pipes."""
    with process.start("local", "serve", "--port", "0", *args) as started:
        try:
            yield started
        finally:
            started.kill()


def test_it_prints_what_clients_need(gk: Gk) -> None:
    """The text has the URL and lines for a shell, after which the AWS tools find server and key; and no secret."""
    credentials = gk.home / "local" / "credentials"
    with plain() as started:
        assert started.stdout is not None
        said = [started.stdout.readline().decode() for _ in range(5)]
        ask = "import boto3; print(boto3.client('glacier').list_vaults()['VaultList'])"
        shell = "".join(said[2:]) + f'{sys.executable} -c "{ask}"'
        answered = subprocess.run(["bash", "-e", "-c", shell], capture_output=True, text=True, check=False)
        started.terminate()
        ended = process.finish(started)
    url = said[0].split()[5]
    assert said == [
        f"the local Glacier is at {url} until Ctrl-C\n",
        "to use it from another terminal, paste there:\n",
        f"  export AWS_ENDPOINT_URL_GLACIER={url}\n",
        f"  export AWS_SHARED_CREDENTIALS_FILE={credentials}\n",
        "  export AWS_DEFAULT_REGION=us-east-1\n",
    ]
    assert answered.stdout == "[]\n", answered.stderr
    assert (ended.exit_code, ended.stdout) == (Exit.DONE, "")
    assert credentials.read_text().split()[-1] not in "".join(said) + ended.stderr
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600


def test_signatures_are_checked(gk: Gk) -> None:
    """Without more words only the holder of the key that was made may come in, and the next server has the same key."""
    with serving() as served:
        served.client().create_vault(vaultName="photos")
        status, _, content = served.request("GET", "/-/vaults")
        assert (status, json.loads(content)["code"]) == (400, "MissingAuthenticationTokenException")
        key = Path(served.record["credentials"]).read_text()
        assert served.end().exit_code == Exit.DONE
    with serving() as served:
        [vault] = served.client().list_vaults()["VaultList"]
        assert Path(served.record["credentials"]).read_text() == key
        assert vault["VaultARN"] == "arn:aws:glacier:us-east-1:000000000000:vaults/photos"


def test_another_file_of_keys(gk: Gk, tmp_path: Path) -> None:
    """With --keys its holders come in, and nobody else; none is made in GK_HOME."""
    keys = tmp_path / "keys"
    keys.write_text("[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = hush\n")
    with serving("--keys", str(keys), "--account", "111122223333", "--region", "eu-west-1") as served:
        assert served.record["credentials"] == str(keys)
        made = served.client().create_vault(vaultName="photos")
    assert made["location"] == "/111122223333/vaults/photos"
    assert not (gk.home / "local" / "credentials").exists()


def test_a_file_without_keys(gk: Gk, tmp_path: Path) -> None:
    """A file that is none, or not there, is told, with its name, and nothing is served."""
    keys = tmp_path / "keys"
    missing = gk("local", "serve", "--keys", keys)
    keys.write_text("[default]\n")
    empty = gk("local", "serve", "--keys", keys)
    assert (missing.exit_code, empty.exit_code) == (Exit.FAILED, Exit.NO_VAULT)
    assert str(keys) in missing.stderr
    assert str(keys) in empty.stderr


def test_words_that_make_no_sense(gk: Gk) -> None:
    """Contradictions, and an account, region, port or rule that is none, are wrong usage."""
    for words in (
        ("--keys", "k", "--no-signatures"),
        ("--no-signatures", "--account", "1"),
        ("--no-signatures", "--region", "nowhere!"),
        ("--port", "65536"),
        ("--no-signatures", "--fault", "explode"),
        ("--no-signatures", "--sns-endpoint-url", "ftp://here"),
    ):
        assert gk("local", "serve", *words).exit_code == Exit.USAGE, words


def test_an_address_that_cannot_be_had(gk: Gk) -> None:
    """A port that is taken, and a host that is none, are told in a sentence."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = gk("local", "serve", "--no-signatures", "--port", str(port))
    assert result.exit_code == Exit.FAILED
    assert result.stderr == f"gk: cannot listen at 127.0.0.1, port {port}: Address already in use\n"
    for host in ("host.invalid", "192.0.2.1", "a" * 80, ""):
        result = gk("local", "serve", "--no-signatures", "--port", "0", "--host", host, "--json")
        assert result.exit_code == Exit.FAILED, host
        assert result.objects[0]["code"] == "cannot-listen"


@pytest.mark.parametrize("words", [(), ("--no-signatures",)])
def test_who_can_reach_it_is_said(gk: Gk, words: tuple[str, ...]) -> None:
    """At an address that other machines reach there is a warning, the stronger one where no signature is asked for."""
    with plain("--host", "0.0.0.0", *words) as started:
        assert started.stderr is not None
        warning = started.stderr.readline().decode()
        started.terminate()
        assert process.finish(started).exit_code == Exit.DONE
    assert "other machines can reach this server" in warning
    assert "nothing is encrypted" in warning
    assert ("can read and delete everything" in warning) == bool(words)


def test_each_request_is_a_line(gk: Gk) -> None:
    """With -v requests are told on standard error, with --json -v on standard output; else not at all."""
    with plain("--no-signatures", "-v") as started:
        assert started.stdout is not None
        url = started.stdout.readline().decode().split()[5]
        Serving(started, {"url": url}).request("GET", "/-/vaults/v")
        started.terminate()
        [line] = [line for line in process.finish(started).stderr.splitlines() if "/-/" in line]
    assert line.startswith("GET /-/vaults/v 404 DescribeVault ResourceNotFoundException 0.")
    with serving("--no-signatures", "-v") as served:
        served.request("GET", "/-/vaults")
        told = served.end().the("request-answered")
    assert (told["method"], told["status"], told["operation"], told["error"]) == (
        "GET",
        200,
        "ListVaults",
        None,
    )
    with serving("--no-signatures") as served:
        served.request("GET", "/-/vaults")
        assert served.end().stdout == ""


def test_it_is_realistic_and_faulty_when_told_so(gk: Gk) -> None:
    """--realistic makes jobs take hours, --fault makes requests fail."""
    with serving("--no-signatures", "--realistic", "--fault", "throttle ListVaults count=1") as served:
        assert served.request("GET", "/-/vaults")[0] == 400
        assert served.request("GET", "/-/vaults")[0] == 200
        served.request("PUT", "/-/vaults/v")
        status, _, content = served.request("POST", "/-/vaults/v/jobs", b'{"Type":"inventory-retrieval"}')
    assert (status, json.loads(content)["code"]) == (404, "ResourceNotFoundException")
    assert served.record["realistic"] is True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_requests_finish(gk: Gk, number: signal.Signals) -> None:
    """At the first signal an upload under way is still stored, and the exit code is that of work done."""
    with serving("--no-signatures") as served:
        served.request("PUT", "/-/vaults/v")
        upload = half_an_upload(served, gk.home)
        served.process.send_signal(number)
        assert served.process.stderr is not None
        served.process.stderr.readline()
        assert b"press Ctrl-C again to stop at once" in served.process.stderr.readline()
        upload.sendall(b"yz")
        assert upload.recv(12) == b"HTTP/1.1 201"
        upload.close()
        assert process.finish(served.process).exit_code == Exit.DONE
    assert gk("local", "status", "--json").the("local-status")["archives"] == 1


def test_the_second_signal_ends_at_once(gk: Gk) -> None:
    """At the second signal what is under way is broken off; nothing of it is stored."""
    with serving("--no-signatures") as served:
        served.request("PUT", "/-/vaults/v")
        upload = half_an_upload(served, gk.home)
        served.process.send_signal(signal.SIGINT)
        assert served.process.stderr is not None
        served.process.stderr.readline()
        served.process.stderr.readline()
        ended = served.end(signal.SIGINT)
        upload.close()
    assert ended.exit_code == Exit.INTERRUPTED
    assert gk("local", "status", "--json").the("local-status")["archives"] == 0


def test_a_key_at_the_terminal_ends_it(gk: Gk) -> None:
    """At a terminal it says where it is, and Ctrl-C ends it."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-m", "glacierkeep", "local", "serve", "--port", "0"])
    shown = b""
    while b"AWS_DEFAULT_REGION" not in shown:
        shown += os.read(terminal, 4096)
    os.write(terminal, b"\x03")
    with suppress(OSError):
        while piece := os.read(terminal, 4096):
            shown += piece
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == Exit.DONE
    assert b"the local Glacier is at http://127.0.0.1:" in shown
    assert b"Traceback" not in shown


def test_what_was_acknowledged_survives_a_kill(gk: Gk) -> None:
    """Killed while clients upload, and started again: what was acknowledged is there whole, and nothing half-there."""
    enough = threading.Semaphore(0)
    acknowledged: dict[str, bytes] = {}
    with serving("--no-signatures") as served:
        served.request("PUT", "/-/vaults/v")

        def upload(name: int) -> None:
            with suppress(OSError, http.client.HTTPException):
                for number in range(1000):
                    content = b"%d %d " % (name, number) * 150_000
                    answer = served.request("POST", "/-/vaults/v/archives", content, **hashes([content]))
                    acknowledged[answer[1]["x-amz-archive-id"]] = content
                    enough.release()

        clients = [threading.Thread(target=upload, args=(name,)) for name in range(4)]
        for client in clients:
            client.start()
        for _ in range(20):
            assert enough.acquire(timeout=60)
        served.process.kill()
        for client in clients:
            client.join()
    with serving("--no-signatures") as served:
        inventory = retrieved(served, {"Type": "inventory-retrieval"})
        listed = {each["ArchiveId"]: each for each in json.loads(inventory)["ArchiveList"]}
        assert acknowledged.keys() <= listed.keys()
        assert len(listed) <= len(acknowledged) + len(clients)
        for archive in listed:
            content = retrieved(served, {"Type": "archive-retrieval", "ArchiveId": archive})
            assert hashes([content])["x_amz_sha256_tree_hash"] == listed[archive]["SHA256TreeHash"]
            assert content == acknowledged.get(archive, content)


def test_much_goes_through_little_memory(gk: Gk, tmp_path: Path) -> None:
    """Uploads and output far bigger than its memory, in one request and in parts side by side, pass through it."""
    peak = tmp_path / "peak"
    whole, part = [os.urandom(4 * MIB)] * 100, [os.urandom(4 * MIB)] * 16
    size = 64 * MIB
    with serving("--no-signatures", launch=("--peak", str(peak))) as served:
        served.request("PUT", "/-/vaults/v")
        single = served.request("POST", "/-/vaults/v/archives", iter(whole), **hashes(whole))
        begun = served.request("POST", "/-/vaults/v/multipart-uploads", x_amz_part_size=str(size))
        path = f"/-/vaults/v/multipart-uploads/{begun[1]['x-amz-multipart-upload-id']}"

        def send(number: int) -> int:
            span = f"bytes {number * size}-{(number + 1) * size - 1}/*"
            return served.request("PUT", path, iter(part), Content_Range=span, **hashes(part))[0]

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(send, range(8))) == [204] * 8
        tree = tree_root(bytes.fromhex(hashes(part)["x_amz_sha256_tree_hash"]) * 8).hex()
        whole_size = str(8 * size)
        done = served.request("POST", path, x_amz_archive_size=whole_size, x_amz_sha256_tree_hash=tree)
        for answer, sent in ((single, whole), (done, part * 8)):
            order = {"Type": "archive-retrieval", "ArchiveId": answer[1]["x-amz-archive-id"]}
            expected = sha256()
            for piece in sent:
                expected.update(piece)
            assert output_hash(served, order) == expected.hexdigest()
        assert served.end().exit_code == Exit.DONE
    assert int(peak.read_text()) < MOST


def test_status_tells_what_is_there(gk: Gk) -> None:
    """gk local status counts what is there and what waits, and says whether it is served."""
    with serving("--no-signatures", "--realistic") as served:
        served.request("PUT", "/-/vaults/v")
        archive = served.request("POST", "/-/vaults/v/archives", b"abc", **hashes([b"abc"]))[1]
        order = {"Type": "archive-retrieval", "ArchiveId": archive["x-amz-archive-id"]}
        served.request("POST", "/-/vaults/v/jobs", json.dumps(order).encode())
        served.request("POST", "/-/vaults/v/multipart-uploads", x_amz_part_size=str(MIB))
        gk("local", "faults", "add", "slow", "ListVaults", "rate=1M")
        told = gk("local", "status", "--json").the("local-status")
        shown = gk("local", "status").stdout
    known = {"vaults": 1, "archives": 1, "size": 3, "uploads": 1, "jobs": 1, "faults": 1, "served": True}
    assert {name: told[name] for name in known} == known
    assert shown.splitlines()[2:] == [
        "1 vault, 1 archive, 3 B",
        "1 upload not completed, 0 B",
        "1 job not finished",
        "1 fault ordered",
        "gk local serve is at work on it",
    ]


def test_reset_asks_and_says_what_it_means(gk: Gk) -> None:
    """Nothing is removed without a yes; the question names what goes and what the catalog will think."""
    stored(gk)
    away = gk("local", "reset")
    assert away.exit_code == Exit.FAILED
    for word in (
        "1 vault with 2 archives",
        str(gk.home / "local"),
        "not send them there again",
        "a vault of another name",
    ):
        assert word in away.stderr
    assert gk("local", "reset", tty=True, input="n\n").exit_code == Exit.FAILED
    assert gk("local", "status", "--json").the("local-status")["archives"] == 2
    assert gk("local", "reset", tty=True, input="y\n").exit_code == Exit.DONE
    assert gk("local", "status", "--json").the("local-status")["archives"] == 0


def test_reset_empties_all_but_the_keys(gk: Gk) -> None:
    """Vaults, files, faults and the turned clock go; the credentials stay; the service can be used at once."""
    with serving() as served:
        keys = Path(served.record["credentials"])
        before = keys.read_text()
        served.client().create_vault(vaultName="other")
    stored(gk)
    gk("local", "advance", "5h")
    gk("local", "faults", "add", "throttle", "ListVaults")
    told = gk("local", "reset", "--yes", "--json").the("local-reset")
    status = gk("local", "status", "--json").the("local-status")
    assert (told["vaults"], told["archives"]) == (2, 2)
    assert (status["vaults"], status["size"], status["ahead"], status["faults"]) == (0, 0, 0, 0)
    left = [path.name for path in (gk.home / "local").rglob("*") if path.is_file()]
    assert sorted(left) == ["credentials", "serving.lock", "state.db", "state.db-journal"]
    assert keys.read_text() == before
    assert gk("upload", "-V", "local:new", gk.home / "photos").exit_code == Exit.DONE


def test_reset_is_refused_while_it_is_served(gk: Gk) -> None:
    """A server's vaults are not taken away from under it; once it has ended, they are."""
    with serving("--no-signatures") as served:
        served.request("PUT", "/-/vaults/v")
        refused = gk("local", "reset", "--yes")
        assert (refused.exit_code, "gk local serve" in refused.stderr) == (Exit.FAILED, True)
        assert served.request("GET", "/-/vaults/v")[0] == 200
        served.process.kill()
        served.process.wait()
        assert gk("local", "reset", "--yes").exit_code == Exit.DONE


def test_after_a_reset_the_catalog_stays(gk: Gk) -> None:
    """What the question says is so: files count as archived there, and a vault of another name gets them all."""
    stored(gk)
    gk("local", "reset", "--yes")
    again = gk("upload", gk.home / "photos", "--json").the("upload-outcome")
    assert (again["unchanged"], again["archives"]) == (1, 0)
    anew = gk("upload", gk.home / "photos", "-V", "local:anew", "--json").the("upload-outcome")
    assert (anew["unchanged"], anew["archives"]) == (0, 1)


def test_a_folder_that_is_none_of_ours(gk: Gk) -> None:
    """A state that cannot be read is told in a sentence, whatever is to be done with it."""
    (gk.home / "local").mkdir(parents=True)
    (gk.home / "local" / "state.db").write_bytes(b"something else" * 1000)
    for words in (("status",), ("serve", "--no-signatures"), ("reset", "--yes")):
        result = gk("local", *words, "--json")
        assert result.exit_code == Exit.FAILED
        assert result.objects[0]["code"] == "local-unusable"


def test_without_anything_to_write_to(gk: Gk, tmp_path: Path) -> None:
    """Away from any terminal, in a session of its own, it works and ends as anywhere."""
    log = tmp_path / "log"
    gk_words = [
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
    with log.open("wb") as opened:
        started = subprocess.Popen(
            gk_words, stdin=subprocess.DEVNULL, stdout=opened, stderr=opened, start_new_session=True
        )
    pause = threading.Event()
    while not log.read_text().endswith("\n"):
        assert started.poll() is None
        pause.wait(0.05)
    served = Serving(started, json.loads(log.read_text()))
    assert served.request("GET", "/-/vaults")[0] == 200
    started.terminate()
    assert started.wait(60) == Exit.DONE
    assert "Traceback" not in log.read_text()


def stored(gk: Gk) -> None:
    """An archive in the vault local:photos, and a copy of the records."""
    (gk.home / "photos").mkdir(parents=True, exist_ok=True)
    (gk.home / "photos" / "a.jpg").write_bytes(b"picture" * 1000)
    assert gk("upload", "-V", "local:photos", gk.home / "photos").exit_code == Exit.DONE


def half_an_upload(served: Serving, home: Path) -> socket.socket:
    """A connection on which an upload of b"xyz" to the vault v has begun: of its bytes only the x was sent."""
    connection = socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2])), timeout=60)
    headers = {"Host": "here", "x-amz-glacier-version": "2012-06-01", **hashes([b"xyz"])}
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()]
    connection.sendall(f"POST /-/vaults/v/archives HTTP/1.1\r\n{''.join(lines)}\r\nx".encode())
    pause = threading.Event()
    while not list((home / "local" / "incoming").iterdir()):
        pause.wait(0.02)
    return connection


def hashes(pieces: list[bytes]) -> dict[str, str]:
    """The headers of a body in pieces of whole MiB, but for the last: length and both hashes."""
    linear, leaves = sha256(), b""
    for piece in pieces:
        linear.update(piece)
        leaves += b"".join(sha256(piece[at : at + MIB]).digest() for at in range(0, len(piece), MIB))
    return {
        "Content_Length": str(sum(map(len, pieces))),
        "x_amz_content_sha256": linear.hexdigest(),
        "x_amz_sha256_tree_hash": tree_root(leaves).hex(),
    }


def retrieved(served: Serving, order: dict[str, str]) -> bytes:
    """The output of a job."""
    job = served.request("POST", "/-/vaults/v/jobs", json.dumps(order).encode())[1]["x-amz-job-id"]
    status, _, content = served.request("GET", f"/-/vaults/v/jobs/{job}/output")
    assert status == 200
    return content


def output_hash(served: Serving, order: dict[str, str]) -> str:
    """SHA-256 of the output of a job, read piece by piece."""
    job = served.request("POST", "/-/vaults/v/jobs", json.dumps(order).encode())[1]["x-amz-job-id"]
    connection = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=60)
    headers = {"x-amz-glacier-version": "2012-06-01"}
    connection.request("GET", f"/-/vaults/v/jobs/{job}/output", headers=headers)
    response, seen = connection.getresponse(), sha256()
    while piece := response.read(MIB):
        seen.update(piece)
    connection.close()
    return seen.hexdigest()
