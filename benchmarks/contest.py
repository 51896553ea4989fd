"""Programs that send the same bytes to the same sink, one after the other: started, measured, and put side by side."""

import json
import os
import platform
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any

MIB = 1024 * 1024
HERE = Path(__file__).parent
PEERS = HERE / "peers"


@dataclass(frozen=True)
class Contestant:
    """A Python program with its words; *ends* names the operation whose last answer ends it, otherwise any does.

    *watched*: its first reading is seen from outside; otherwise it tells its times to the file its first word names.
    """

    name: str
    program: str
    words: Sequence[str]
    ends: str = ""
    watched: bool = True
    environment: dict[str, str] = field(default_factory=dict)

    def command(self, told: Path) -> list[str]:
        if self.watched:
            return [sys.executable, str(PEERS / "watched.py"), str(told), self.program, *self.words]
        return [sys.executable, self.program, str(told), *self.words]


@dataclass(frozen=True)
class Run:
    """One process. *seconds* and *cpu* from the first reading to the last answer; *whole* from its start to its end.

    *memory*: the most that was resident, in bytes.
    """

    seconds: float
    cpu: float
    whole: float
    whole_cpu: float
    memory: int
    requests: dict[str, int]
    sent: int


class Sink:
    """A running sink."""

    def __init__(self, url: str) -> None:
        self.url = url

    def tally(self) -> dict[str, Any]:
        """What it was asked since it was asked this."""
        told: dict[str, Any] = json.loads(self._ask("GET", "/tally"))
        return told

    def watch(self, pid: int) -> None:
        """Let it note this process' CPU time with its answers, where the system tells."""
        if sys.platform == "linux":
            self._ask("PUT", f"/client/{pid}")

    def _ask(self, method: str, path: str) -> bytes:
        connection = HTTPConnection(self.url.removeprefix("http://"))
        connection.request(method, path)
        with closing(connection), connection.getresponse() as answer:
            return answer.read()


@contextmanager
def sink(latency: float = 0, rate: float = 0) -> Iterator[Sink]:
    """A sink in a process of its own."""
    command = [sys.executable, str(HERE / "sink.py"), "--latency", str(latency), "--rate", str(int(rate))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        yield Sink(process.stdout.readline().strip())
        process.stdin.close()


def race(contestants: Sequence[Contestant], far: Sink, runs: int) -> dict[str, list[Run]]:
    """The runs of each, after one that does not count; who begins changes from run to run."""
    found: dict[str, list[Run]] = {each.name: [] for each in contestants}
    for number in range(runs + 1):
        for each in contestants[:: -1 if number % 2 else 1]:
            one = measured(each, far)
            if number:
                found[each.name].append(one)
    return found


def measured(contestant: Contestant, far: Sink) -> Run:
    """Start it, in a home of its own, and wait for its end. Anything but success ends this program."""
    home = Path(tempfile.mkdtemp(prefix="gk-bench-"))
    told, log = home / "told", home / "log"
    far.tally()
    try:
        began = time.perf_counter()
        with log.open("wb") as out:
            process = subprocess.Popen(
                contestant.command(told), env=environment(contestant, home, far), stdout=out, stderr=out
            )
            far.watch(process.pid)
            _, status, used = os.wait4(process.pid, 0)
        whole = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{contestant.name} ended with {process.returncode}: {log.read_text()[-2000:]}")
        times, tally = json.loads(told.read_text()), far.tally()
    finally:
        shutil.rmtree(home)
    whole_cpu = used.ru_utime + used.ru_stime
    if contestant.watched:
        last = contestant.ends or max(tally["answered"], key=tally["answered"].__getitem__)
        ended, used_then = tally["answered"][last], tally["used"].get(last, whole_cpu)
    else:
        ended, used_then = times["ended"], times["used_then"]
    return Run(
        seconds=ended - times["opened"],
        cpu=used_then - times["used"],
        whole=whole,
        whole_cpu=whole_cpu,
        memory=used.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        requests=tally["requests"],
        sent=tally["bodies"],
    )


def environment(contestant: Contestant, home: Path, far: Sink) -> dict[str, str]:
    """Nothing of the user's AWS or gk settings, no proxy, and the sink for Amazon."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GK_"))}
    return {
        **kept,
        "NO_PROXY": "*",
        "no_proxy": "*",
        "AWS_ENDPOINT_URL_GLACIER": far.url,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "GK_HOME": str(home / "home"),
        **contestant.environment,
    }


def report(found: dict[str, list[Run]], ours: str) -> None:
    """A line for each: medians, extremes, and how ours compares within the runs."""
    width = max(map(len, found))
    print(f"  {'':{width}}  first reading to last answer     whole process    peak  {ours} takes")
    print(f"  {'':{width}}  wall s (min-max)      CPU s   wall s  CPU s     MiB  of its wall  of its CPU")
    for name, runs in found.items():
        seconds = [run.seconds for run in runs]
        print(
            f"  {name:{width}}  {median(seconds):6.2f} ({min(seconds):.2f}-{max(seconds):.2f})"
            f"{median(run.cpu for run in runs):11.2f}{median(run.whole for run in runs):9.2f}"
            f"{median(run.whole_cpu for run in runs):7.2f}{max(run.memory for run in runs) / MIB:8.0f}"
            + ("" if name == ours else beside(found[ours], runs))
        )
    print(f"  {ours} sent {found[ours][-1].sent:,} bytes in {requests(found[ours][-1])}")


def beside(ours: list[Run], theirs: list[Run]) -> str:
    """The medians of the ratios within the runs, with the extremes."""
    walls = [our.seconds / their.seconds for our, their in zip(ours, theirs, strict=True)]
    cpu = median(our.cpu / their.cpu for our, their in zip(ours, theirs, strict=True))
    return f"  {median(walls):5.2f} ({min(walls):.2f}-{max(walls):.2f}) {cpu:5.2f}"


def requests(run: Run) -> str:
    """How many there were, and of what."""
    each = ", ".join(f"{count} {name}" for name, count in run.requests.items())
    return f"{sum(run.requests.values())} requests ({each})"


def machine() -> str:
    """What all this ran on."""
    model = platform.processor() or platform.machine()
    if (told := Path("/proc/cpuinfo")).exists():
        lines = [line for line in told.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else model
    return (
        f"{model}, {os.cpu_count()} cores; {platform.system()} {platform.release()};"
        f" Python {platform.python_version()}; {ssl.OPENSSL_VERSION}; load {os.getloadavg()[0]:.1f} at the start"
    )
