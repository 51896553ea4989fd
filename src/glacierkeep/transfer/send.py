"""Sending something in parts: read once in order, hashed on the way, sent by several threads."""

import hashlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import MappingProxyType, TracebackType
from typing import Self

from glacierkeep.domain.hashes import Hashes
from glacierkeep.domain.limits import DEFAULT_PART_SIZE
from glacierkeep.domain.parts import ByteRange, is_part_size, split
from glacierkeep.domain.treehash import combine
from glacierkeep.errors import GlacierkeepError, SourceChanged, Stopped
from glacierkeep.transfer.hashing import Lane, hash_streamed, sha256_of
from glacierkeep.transfer.parts import PartBody, PartSink, PartSource, part_body
from glacierkeep.transfer.stopped import never, untold

NONE_YET: Mapping[int, bytes] = MappingProxyType({})


def send_parts(
    source: PartSource,
    part_size: int,
    sink: PartSink,
    *,
    jobs: int = 4,
    already: Mapping[int, bytes] = NONE_YET,
    progress: Callable[[int], None] = untold,
    stop: Callable[[], bool] = never,
    held: int = DEFAULT_PART_SIZE,
) -> Hashes:
    """Send all of *source* to *sink* in parts of *part_size* bytes; the hashes of the whole.

    *jobs* threads hash and send; at most jobs + 1 parts of up to *held* bytes are in memory, bigger ones are
    read twice instead. *already* gives the tree hashes of parts the service has, by start: one that agrees is
    not sent again. *progress* is told the bytes the service has so far, by one thread at a time. *stop* is
    asked before each part.

    Raises Stopped, SourceChanged, or what the sink raised first; parts under way are finished before.
    """
    if not is_part_size(part_size):
        raise ValueError(f"{part_size} is no part size")
    with _Sending(source, sink, already, progress, jobs) as sending:
        for part in split(source.size, part_size):
            if sending.failure:
                break
            if stop():
                raise Stopped(sending.finish())
            sending.feed(part, is_held=part_size <= held)
        source.check()
    if part_size > held:
        source.check()
    return sending.result()


class _Sending:
    """One run: what is under way, what failed first, what the service has."""

    def __init__(
        self,
        source: PartSource,
        sink: PartSink,
        already: Mapping[int, bytes],
        progress: Callable[[int], None],
        jobs: int,
    ) -> None:
        self.failure: BaseException | None = None
        self._source = source
        self._sink = sink
        self._already = already
        self._progress = progress
        self._workers = ThreadPoolExecutor(max_workers=jobs)
        self._free = threading.Semaphore(jobs + 1)
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._lanes = (Lane(), Lane())
        self._lock = threading.Lock()
        self._done = 0
        self._tree_hashes: dict[int, bytes] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for all that is under way. Raises what failed first."""
        if error:
            self._fail(error)
        self.finish()
        if self.failure and self.failure is not error:
            raise self.failure

    def feed(self, part: ByteRange, *, is_held: bool) -> None:
        """Read *part* and leave the rest to the workers; waits while too many are under way."""
        self._free.acquire()
        try:
            work = self._start_held(part) if is_held else self._start_streamed(part)
        except BaseException:
            self._free.release()
            raise
        work.add_done_callback(self._ended)

    def _start_held(self, part: ByteRange) -> "Future[None]":
        content = self._source.read_part(part)
        fed = self._lanes[0].feed(self._md5, content)
        return self._workers.submit(self._work, part, [content], fed)

    def _start_streamed(self, part: ByteRange) -> "Future[None]":
        body = hash_streamed(self._source, part, self._md5, self._lanes)
        return self._workers.submit(self._work_streamed, part, body)

    def _ended(self, work: "Future[None]") -> None:
        if error := work.exception():
            self._fail(error)
        self._free.release()

    def _fail(self, error: BaseException) -> None:
        """*error* is why this run ends, unless another came first."""
        with self._lock:
            self.failure = self.failure or error

    def finish(self) -> int:
        """Wait for all that is under way; the bytes that the service has."""
        self._workers.shutdown()
        for lane in self._lanes:
            lane.close()
        return self._done

    def result(self) -> Hashes:
        """The hashes of the whole, when all parts were sent."""
        tree_hash = combine(self._tree_hashes[start] for start in sorted(self._tree_hashes))
        return Hashes(self._source.size, self._md5.digest(), tree_hash)

    def _work(self, part: ByteRange, box: list[bytes], fed: "Future[None]") -> None:
        # The box is emptied so that the bytes are gone when the next part is read: a thread pool keeps
        # the arguments of a call until after it has ended.
        content = box.pop()
        try:
            if not self.failure:
                self._deliver(part, part_body(content))
        finally:
            fed.result()

    def _work_streamed(self, part: ByteRange, body: PartBody) -> None:
        if self.failure:
            return
        try:
            self._deliver(part, body)
        except GlacierkeepError as error:
            if sha256_of(self._source, part) == body.sha256:
                raise
            what = f"bytes {part.start} to {part.stop} changed between hashing and sending"
            raise SourceChanged(what) from error

    def _deliver(self, part: ByteRange, body: PartBody) -> None:
        known = self._already.get(part.start) == body.tree_hash
        if not known:
            self._sink.send(part.start, body)
        with self._lock:
            if not known:
                self._sink.sent(part.start, part.length, body.tree_hash)
            self._tree_hashes[part.start] = body.tree_hash
            self._done += part.length
            self._progress(self._done)
