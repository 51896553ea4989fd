"""Hang a service below a boto3 client, in this process: nothing is sent, everything above is genuine."""

from collections.abc import Iterator
from io import BytesIO, RawIOBase
from typing import Any
from urllib.parse import SplitResult, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError

from glacierkeep.local.service import LocalGlacier
from glacierkeep.local.wire.messages import ConnectionLost, Headers, Readable, Request, Response

_STREAM_PIECE = 1024 * 1024


def attach(client: Any, service: LocalGlacier) -> None:
    """Let *service* answer whatever the boto3 Glacier *client* would send.

    Bodies are read from where their stream stands; job output is streamed from disk as it is read. A connection
    that is lost by order is lost as botocore tells of real ones, and counts as an attempt.
    """

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        try:
            response = service(to_request(request))
        except ConnectionLost as error:
            raise ConnectionClosedError(error=error, request=request, endpoint_url=request.url) from error
        headers = HTTPHeaders.from_dict(response.headers)
        return AWSResponse(request.url, response.status, headers, RawBody(response))

    client.meta.events.register("before-send.glacier", answer)


def to_request(prepared: AWSPreparedRequest) -> Request:
    """A prepared botocore request as the service takes it."""
    url = urlsplit(prepared.url)
    pairs = list(prepared.headers.items())
    if "Host" not in prepared.headers:
        pairs.append(("Host", _host(url)))
    return Request(prepared.method, url.path, url.query, Headers(pairs), _readable(prepared.body))


class RawBody(RawIOBase):
    """A response's body with the methods botocore expects of urllib3's."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self._response = response

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """At most *size* bytes, everything when it is None or negative."""
        if size is None or size < 0:
            return b"".join(self.stream())
        return self._response.body.read(size) or b""

    def readinto(self, buffer: Any) -> int:
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def stream(self, size: int = _STREAM_PIECE, decode_content: bool | None = None) -> Iterator[bytes]:
        """What is left, in pieces; *decode_content* means nothing here."""
        while piece := self.read(size):
            yield piece

    def close(self) -> None:
        self._response.close()
        super().close()


def _host(url: SplitResult) -> str:
    """The Host header the HTTP client would add, which is signed: without the scheme's own port."""
    host = url.netloc.rpartition("@")[2].lower()
    return host.removesuffix(":443" if url.scheme == "https" else ":80")


def _readable(body: Any) -> Readable:
    if body is None:
        return BytesIO()
    if isinstance(body, str):
        return BytesIO(body.encode("utf-8"))
    if isinstance(body, (bytes, bytearray)):
        return BytesIO(body)
    readable: Readable = body
    return readable
