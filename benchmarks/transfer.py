"""How fast and how frugally `gk upload` sends, beside boto3, the AWS CLI and the hashing alone.

    python benchmarks/transfer.py [all|big|small|latency|memory]... [--runs 5] [--size 1024] [--files 2000]

All send to a sink (sink.py), a process of its own that answers as Glacier does and throws the bytes away. Every
client is a process that begins with nothing: gk with an empty home. Measured are the time from the first opening of a
file to be sent to the last answer, and the whole process, imports and all.

big      one file of random bytes: gk, boto3 with 4 threads and parts of 8 MiB, `aws glacier upload-archive`, and the
         limits: hashing alone (MD5, SHA-256 of the parts and of each MiB) on all cores, and reading alone
small    2,000 files of 100 KiB: gk with its catalog, and boto3 one by one; and the requests, each of which is billed;
         once beside the sink, and once with 10 ms to every answer, which is nearer than Amazon is to most
latency  every answer takes 50 ms, the line carries 100 Mbit/s or 1 Gbit/s: how much of it 8 jobs fill
memory   20 GiB of zeros from a sparse file, sent as they are, and as gk does it unasked (compressed): the peak

Files lie in --folder, which should be in memory. Who begins changes from run to run; medians are printed, and the
medians of the ratios within the runs.
"""

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from contest import MIB, PEERS, Contestant, Run, machine, measured, race, report, requests, sink

GIB = 1024 * MIB
KIB = 1024
MEGABIT = 1_000_000 / 8
LINES = {
    # Megabits per second, and what is sent over it: files of so many million bytes.
    100: [(1, 200), (10, 20)],
    1000: [(1, 2000), (100, 20)],
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenes", nargs="*", default=["all"], choices=["all", *SCENES])
    parser.add_argument("--runs", default=5, type=int)
    parser.add_argument("--size", default=1024, type=int, help="MiB of the big file")
    parser.add_argument("--files", default=2000, type=int, help="how many small files")
    parser.add_argument("--sparse", default=20 * 1024, type=int, help="MiB of the sparse file")
    parser.add_argument("--part", default=32, type=int, help="MiB of a part in the hashing alone")
    parser.add_argument("--shorter", default=1, type=int, help="send so many times less over slow lines")
    parser.add_argument(
        "--folder", default="/dev/shm" if Path("/dev/shm").is_dir() else tempfile.gettempdir()
    )
    said = parser.parse_args()
    print(machine())
    for name in SCENES if "all" in said.scenes else said.scenes:
        folder = Path(tempfile.mkdtemp(dir=said.folder, prefix="gk-bench-"))
        try:
            SCENES[name](folder, said)
        finally:
            shutil.rmtree(folder)


def big(folder: Path, said: argparse.Namespace) -> None:
    """One big file."""
    file = folder / "big.bench"
    write(file, said.size * MIB)
    aws = ["glacier", "upload-archive", "--account-id", "-", "--vault-name", "bench", "--body", str(file)]
    contestants = [
        gk("gk", file, ends="CompleteMultipartUpload"),
        Contestant("boto3, 4 threads", str(PEERS / "naive.py"), ["parts", str(file)]),
        Contestant("aws upload-archive", "awscli", aws),
        Contestant(
            "hashing alone", str(PEERS / "limits.py"), ["hash", str(file), str(said.part)], watched=False
        ),
        Contestant("reading alone", str(PEERS / "limits.py"), ["read", str(file)], watched=False),
    ]
    print(f"one file of {said.size} MiB")
    with sink() as far:
        report(race(contestants, far, said.runs), "gk")


def small(folder: Path, said: argparse.Namespace) -> None:
    """Many small files."""
    for number in range(said.files):
        write(folder / f"{number:06}.bench", 100 * KIB)
    contestants = [
        gk("gk", folder),
        gk("gk, no copy of its records", folder, GK_CATALOG_COPY_TO_VAULT="false"),
        Contestant("boto3, one by one", str(PEERS / "naive.py"), ["archives", str(folder)]),
    ]
    for far_away in (0, 0.01):
        print(f"{said.files} files of 100 KiB, {far_away * 1000:.0f} ms to an answer")
        with sink(latency=far_away) as far:
            found = race(contestants, far, said.runs)
        report(found, "gk")
        print(f"  without the copy: {requests(found['gk, no copy of its records'][-1])}")


def latency(folder: Path, said: argparse.Namespace) -> None:
    """Far away, over a line that carries so much."""
    for megabits, cases in LINES.items():
        for files, size in cases:
            if files == 1:
                over_line(folder, megabits, 1, max(size // said.shorter, 20), said.runs)
            else:
                over_line(folder, megabits, max(files // said.shorter, 2), size, said.runs)


def over_line(folder: Path, megabits: int, files: int, size: int, runs: int) -> None:
    """So many files of *size* million bytes."""
    place = folder / f"{megabits}-{files}"
    place.mkdir()
    for number in range(files):
        write(place / f"{number:06}.bench", size * 1_000_000)
    with sink(latency=0.05, rate=megabits * MEGABIT) as far:
        found = [measured(gk("gk", place, "--jobs", "8"), far) for _ in range(runs)]
    shutil.rmtree(place)
    print(f"{files} x {size} MB over {megabits} Mbit/s, 50 ms a request, 8 jobs")
    print(f"  of the line, first reading to last answer: {shares(found, lambda run: run.seconds, megabits)}")
    print(f"  of the line, whole process:                {shares(found, lambda run: run.whole, megabits)}")
    print(f"  peak {max(run.memory for run in found) / MIB:.0f} MiB; {requests(found[-1])}")


def shares(runs: list[Run], seconds: Callable[[Run], float], megabits: int) -> str:
    """How much of what the line could carry was carried."""
    found = [run.sent / seconds(run) / (megabits * MEGABIT) for run in runs]
    return f"{median(found):.1%} ({min(found):.1%}-{max(found):.1%})"


def memory(_: Path, said: argparse.Namespace) -> None:
    """A file far bigger than what may be held. On a disk: reading a hole of a file in memory may fill it."""
    folder = Path(tempfile.mkdtemp(prefix="gk-bench-"))
    try:
        file = folder / "sparse.bench"
        with file.open("wb") as out:
            out.truncate(said.sparse * MIB)
        print(f"{said.sparse} MiB from a sparse file")
        plain = gk("gk --compression off", file, "--compression", "off")
        with sink() as far:
            report({each.name: [measured(each, far)] for each in (plain, gk("gk", file))}, plain.name)
    finally:
        shutil.rmtree(folder)


SCENES: dict[str, Callable[[Path, argparse.Namespace], None]] = {
    "big": big,
    "small": small,
    "latency": latency,
    "memory": memory,
}


def gk(name: str, path: Path, *words: str, ends: str = "", **environment: str) -> Contestant:
    """`gk upload` of *path*, as it comes."""
    command = ["upload", "--yes", "--quiet", "-V", "glacier://us-east-1/bench", *words, str(path)]
    return Contestant(name, "glacierkeep", command, ends, environment=environment)


def write(path: Path, size: int) -> None:
    """*size* random bytes."""
    with path.open("wb") as file:
        for start in range(0, size, MIB):
            file.write(os.urandom(min(MIB, size - start)))


if __name__ == "__main__":
    main()
