"""Several downloads at once: they share the threads that read, and come back one by one as they end."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from glacierkeep.domain.records import Job
from glacierkeep.events import BytesReceived, Listener
from glacierkeep.operations.arrivals import Download
from glacierkeep.transfer.crew import Crew
from glacierkeep.transfer.receive import REQUEST_SIZE


def is_big(size: int) -> bool:
    """Whether an output of *size* bytes takes several requests."""
    return size > REQUEST_SIZE


class Downloads:
    """At most *jobs* small outputs, which take one request each, are under way at once, and half as many big ones: so
    small ones go on beside the biggest, and big ones beside ever so many small ones. *jobs* requests are read at once.

    For the thread that has the target. Leaving it ends what is under way.
    """

    def __init__(self, jobs: int) -> None:
        most_big = max(1, jobs // 2)
        self._room = {False: jobs, True: most_big}
        self._crew = Crew(jobs)
        self._bringing = ThreadPoolExecutor(max_workers=jobs + most_big, thread_name_prefix="bring")
        self._under_way: dict[Future[None], tuple[Download, bool]] = {}
        self._ended: queue.SimpleQueue[Future[None]] = queue.SimpleQueue()
        self.names: set[str] = set()
        """The partial files that are being filled."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._under_way:
            self._crew.break_off()
        self._bringing.shutdown()
        self._crew.close()

    def has_room(self, *, big: bool) -> bool:
        """Whether another one, big or small, may be started now."""
        return self._room[big] > 0

    def start(self, download: Download, *, big: bool) -> None:
        """Let *download* begin."""
        self._room[big] -= 1
        self.names.add(download.name)
        work = self._bringing.submit(download.bring, self._crew)
        self._under_way[work] = (download, big)
        work.add_done_callback(self._ended.put)

    def next(self) -> tuple[Download, BaseException | None] | None:
        """Wait for one to end; what it ended with, None for well. None at once if none is under way."""
        if not self._under_way:
            return None
        ended = self._ended.get()
        download, big = self._under_way.pop(ended)
        self._room[big] += 1
        self.names.remove(download.name)
        return download, ended.exception()


class Receipts:
    """Tells how many bytes came, of each job and of all together."""

    def __init__(self, tell: Listener) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._total = 0
        self.moving = False
        """Whether anything came since somebody set this to False."""

    def of(self, job: Job, size: int) -> Callable[[int], None]:
        """What is told the bytes so far of *job*, which brings *size*."""
        before = 0

        def report(received: int) -> None:
            nonlocal before
            with self._lock:
                self._total += received - before
                self.moving |= received > before
                before = received
                self._tell(BytesReceived(job.job_id or "", received, size, self._total))

        return report
