"""A service over HTTP that says what a test tells it to say."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; content that is a dictionary goes as JSON."""

    status: int
    content: bytes | dict[str, Any] = b""
    headers: dict[str, str] = field(default_factory=dict)


def refusal(status: int, code: str, message: str) -> Answer:
    """An error as the vault service spells it."""
    body = {"code": code, "message": message, "type": "Client"}
    return Answer(status, body, {"x-amzn-RequestId": "REQUEST-1"})


@dataclass
class Stub:
    """Gives *answers* in turn, the last one for ever. *asked* are the requests so far: method and path."""

    port: int
    answers: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def say(self, *answers: Answer) -> None:
        """What is answered from now on."""
        self.answers[:] = answers

    def next(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class _Speaker(BaseHTTPRequestHandler):
    stub: Stub

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.stub.asked.append((self.command, self.path))
        self.close_connection = True
        answer = self.stub.next()
        content = answer.content if isinstance(answer.content, bytes) else json.dumps(answer.content).encode()
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(len(content)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@contextmanager
def a_stub() -> Iterator[Stub]:
    """A stub on a free loopback port."""
    verbs = dict.fromkeys(("do_GET", "do_PUT", "do_POST", "do_DELETE"), _Speaker.answer)
    speaker = type("Speaking", (_Speaker,), verbs)
    with ThreadingHTTPServer(("127.0.0.1", 0), speaker) as server:
        speaker.stub = stub = Stub(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield stub
        finally:
            server.shutdown()
            thread.join()
