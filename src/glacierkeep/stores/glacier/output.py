"""A job's output, being read."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from glacierkeep.domain.parts import ByteRange
from glacierkeep.errors import ServiceError, ServiceUnreachable
from glacierkeep.stores.glacier.faults import translated
from glacierkeep.stores.glacier.replies import to_content_range, to_hash


class GlacierOutput:
    """Bytes *start* to *stop* of the output, *stop* None if the service does not say how long it is."""

    def __init__(self, stream: Any, start: int, stop: int | None, tree_hash: bytes | None) -> None:
        self.start = start
        self.stop = stop
        self.tree_hash = tree_hash
        self._stream = stream
        self._at = start

    def read(self, size: int) -> bytes:
        """At most *size* more bytes, b"" at the end. Raises ServiceUnreachable if the answer breaks off."""
        with translated("read the job's output"):
            piece: bytes = self._stream.read(size) if size > 0 else b""
        self._at += len(piece)
        if self.stop is not None and self._at > self.stop:
            raise ServiceError(f"the answer is longer than the {self.stop - self.start} bytes it announced")
        if size > 0 and not piece and self.stop not in (None, self._at):
            raise ServiceUnreachable(f"the answer ended at byte {self._at} of {self.stop}")
        return piece


@contextmanager
def opened_output(reply: Mapping[str, Any], wanted: ByteRange | None) -> Iterator[GlacierOutput]:
    """The answer to GetJobOutput, closed in the end: a connection that is not read out is not used again."""
    stream = reply["body"]
    with closing(stream):
        start, stop = _extent(reply, wanted)
        yield GlacierOutput(stream, start, stop, to_hash("checksum", reply.get("checksum")))


def _extent(reply: Mapping[str, Any], wanted: ByteRange | None) -> tuple[int, int | None]:
    """Where the answer begins and ends."""
    spelled = reply.get("contentRange")
    if reply.get("status") == 206 and spelled:
        told = to_content_range(spelled)
        return told.start, told.stop
    if reply.get("status") == 206 and wanted:
        return wanted.start, wanted.stop
    return 0, _announced(reply)


def _announced(reply: Mapping[str, Any]) -> int | None:
    headers = reply.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else None
