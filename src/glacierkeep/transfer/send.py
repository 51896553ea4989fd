"""Sending something in parts: read once in order, hashed on the way, sent by the threads of a crew."""

import functools
import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType, TracebackType
from typing import BinaryIO, Self, cast

from glacierkeep.domain.cutting import pieces
from glacierkeep.domain.hashes import Hashes
from glacierkeep.domain.limits import BLOCK
from glacierkeep.domain.parts import ByteRange, is_part_size, split
from glacierkeep.domain.treehash import combine
from glacierkeep.errors import GlacierkeepError, SourceChanged, Stopped
from glacierkeep.transfer.crew import Crew
from glacierkeep.transfer.hashing import Md5, PartHashing, sha256_of
from glacierkeep.transfer.leaving import Leaving
from glacierkeep.transfer.pace import Paced, Take, freely
from glacierkeep.transfer.parts import Digests, PartBody, PartSink, PartSource
from glacierkeep.transfer.reader import open_held
from glacierkeep.transfer.stopped import never, untold

NONE_YET: Mapping[int, bytes] = MappingProxyType({})


def send_parts(
    source: PartSource,
    part_size: int,
    sink: PartSink,
    *,
    crew: Crew,
    already: Mapping[int, bytes] = NONE_YET,
    progress: Callable[[int], None] = untold,
    leaving: Callable[[int], None] = untold,
    stop: Callable[[], bool] = never,
    take: Take = freely,
) -> Hashes:
    """Send all of *source* to *sink* in parts of *part_size* bytes; the hashes of the whole.

    Parts of up to `crew.held` bytes are held from their reading until they are acknowledged; of bigger ones only blocks
    that are not hashed yet, and they are read again when they are sent. All sendings of the crew hold at most
    `crew.jobs` + 1 blocks.

    *already* gives the tree hashes of parts the service has, by start: one that agrees is not sent again. *progress* is
    told the bytes the service has so far, *leaving* those of parts under way that have left by now, each by one thread
    at a time. *stop* is asked before each part. *take* lets bytes go.

    Raises Stopped, SourceChanged, or what the sink raised first; parts under way are finished before.
    """
    if not is_part_size(part_size):
        raise ValueError(f"{part_size} is no part size")
    with _Sending(source, part_size, sink, crew, already, progress, leaving, take) as sending:
        for part in split(source.size, part_size):
            if sending.failure:
                break
            if stop():
                raise Stopped(sending.finish())
            sending.feed(part)
        source.check()
    if part_size > crew.held:
        source.check()
    return sending.result()


class _Sending:
    """One archive: what is under way, what failed first, what the service has."""

    def __init__(
        self,
        source: PartSource,
        part_size: int,
        sink: PartSink,
        crew: Crew,
        already: Mapping[int, bytes],
        progress: Callable[[int], None],
        leaving: Callable[[int], None],
        take: Take,
    ) -> None:
        self.failure: BaseException | None = None
        self._source, self._sink, self._crew = source, sink, crew
        self._already, self._progress, self._freely = already, progress, take
        self._leaving = Leaving(leaving)
        self._holds = part_size <= crew.held
        self._slots = threading.Semaphore(crew.jobs + 1)
        self._md5 = Md5(crew)
        self._lock = threading.Lock()
        self._finished = False
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
            if not isinstance(error, Exception):
                self._crew.break_off()
        self.finish()
        if self.failure and self.failure is not error:
            raise self.failure

    def feed(self, part: ByteRange) -> None:
        """Read *part* and leave the rest to the crew; waits while too many are under way."""
        self._slots.acquire()
        try:
            self._read(part)
        except BaseException:
            self._slots.release()
            raise

    def finish(self) -> int:
        """Wait for all that is under way; the bytes that the service has."""
        if not self._finished:
            for _ in range(self._crew.jobs + 1):
                self._slots.acquire()
            self._finished = True
        return self._done

    def result(self) -> Hashes:
        """The hashes of the whole, when all parts were sent."""
        tree_hash = combine(self._tree_hashes[start] for start in sorted(self._tree_hashes))
        return Hashes(self._source.size, self._md5.digest(), tree_hash)

    def _read(self, part: ByteRange) -> None:
        held = list[memoryview]()
        hashing = PartHashing(
            self._crew,
            self._md5,
            part.length,
            released=self._released,
            done=functools.partial(self._hashed, part, held),
            failed=self._fail,
        )
        for index, block in enumerate(pieces(part, BLOCK)):
            content = self._read_block(block)
            if self._holds:
                held.append(content)
            hashing.feed(index, content)

    def _read_block(self, block: ByteRange) -> memoryview:
        buffer = self._crew.room.take()
        view = memoryview(buffer)[: block.length]
        try:
            self._source.read_into(block.start, view)
        except BaseException:
            self._crew.room.give_back(buffer)
            raise
        return view

    def _released(self, block: memoryview) -> None:
        if not self._holds:
            self._give_back(block)

    def _give_back(self, block: memoryview) -> None:
        self._crew.room.give_back(cast(bytearray, block.obj))

    def _hashed(self, part: ByteRange, held: list[memoryview], digests: Digests) -> None:
        self._crew.move(lambda: self._move(part, held, digests))

    def _move(self, part: ByteRange, held: list[memoryview], digests: Digests) -> None:
        try:
            if not self.failure:
                self._deliver(part, self._body(part, held, digests))
        except BaseException as error:  # noqa: BLE001 - raised in the thread that reads
            self._fail(error)
        finally:
            self._leaving.end(part.start)
            self._source.let_go(part)
            for block in held:
                self._give_back(block)
            self._slots.release()

    def _fail(self, error: BaseException) -> None:
        """*error* is why this run ends, unless another came first."""
        with self._lock:
            self.failure = self.failure or error

    def _body(self, part: ByteRange, held: list[memoryview], digests: Digests) -> PartBody:
        """The part as it is sent: as it is *held*, or else read again."""

        def opened() -> BinaryIO:
            self._leaving.begin(part.start)
            inside = open_held(held[0], part) if self._holds else self._source.open_part(part)
            return cast(BinaryIO, Paced(inside, functools.partial(self._take, part.start)))

        return PartBody(opened, part.length, digests.sha256, digests.tree_hash)

    def _take(self, start: int, size: int) -> bool | None:
        is_free = self._freely(size)
        if self._crew.broken_off:
            raise Stopped(self._done)
        self._leaving.add(start, size)
        return is_free

    def _deliver(self, part: ByteRange, body: PartBody) -> None:
        known = self._already.get(part.start) == body.tree_hash
        if not known:
            self._send(part, body)
            self._sink.sent(part.start, part.length, body.tree_hash)
        self._leaving.end(part.start)
        with self._lock:
            self._tree_hashes[part.start] = body.tree_hash
            self._done += part.length
            self._progress(self._done)

    def _send(self, part: ByteRange, body: PartBody) -> None:
        """Raises SourceChanged where the sink refuses bytes that are others than those that were hashed."""
        try:
            self._sink.send(part.start, body)
        except Stopped:
            raise
        except GlacierkeepError as error:
            if self._holds or self._sha256_now(part) == body.sha256:
                raise
            what = f"bytes {part.start} to {part.stop} changed between hashing and sending"
            raise SourceChanged(what) from error

    def _sha256_now(self, part: ByteRange) -> bytes:
        buffer = self._crew.room.take()
        try:
            return sha256_of(self._source, part, buffer)
        finally:
            self._crew.room.give_back(buffer)
