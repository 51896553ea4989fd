"""How fast bundles are packed beside tarfile, compressed beside the zstd program, and sealed beside age alone.

    python benchmarks/packing.py [--runs 5] [--files 2000] [--size 100] [--corpus 256] [--level 3] [--folder /dev/shm]

Packing: the same files are written by a BundleWriter, by tarfile with the same two
hashes over the same reading (MD5 and tree hash), by tarfile alone, and hashed only. All end with fsync.
Compressing: one file of this Python's own library and packages, repeated as often as it takes, becomes a compressed
archive (frames of 4 MiB, probed and hashed), and goes through `zstd -T1`, both to nowhere.
Sealing: random bytes become a sealed archive (segments of 8 MiB, probed and hashed), and go through pyrage alone in
the same pieces. Who begins changes from run to run. Prints medians, and the medians of the ratios within the runs.
"""

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from statistics import median
from typing import BinaryIO

import pyrage

from glacierkeep.bundle.entries import restat
from glacierkeep.bundle.folder import open_root, open_source
from glacierkeep.bundle.pack import BundleWriter
from glacierkeep.bundle.storing import FramedStoring, SealedStoring
from glacierkeep.domain.forms import Compression, Squeeze
from glacierkeep.domain.hashes import ContentHasher
from glacierkeep.domain.segments import MOST_IN_FRAME, MOST_IN_SEALED

KIB, MIB = 1024, 1024 * 1024
Contestants = dict[str, Callable[[], object]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", default=5, type=int)
    parser.add_argument("--files", default=2000, type=int)
    parser.add_argument("--size", default=100, type=int, help="KiB of each file")
    parser.add_argument("--corpus", default=256, type=int, help="MiB that are compressed")
    parser.add_argument("--level", default=3, type=int)
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where all files go")
    said = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=said.folder, prefix="gk-bench-"))
    try:
        pack(folder, said.files, said.size * KIB, said.runs)
        squeeze(folder / "corpus", said.corpus * MIB, said.level, said.runs)
        seal(said.corpus * MIB, said.runs)
    finally:
        shutil.rmtree(folder)


def pack(folder: Path, files: int, size: int, runs: int) -> None:
    """The packing half."""
    source = folder / "source"
    source.mkdir()
    names = [b"%06d" % number for number in range(files)]
    for name in names:
        (source / name.decode()).write_bytes(os.urandom(size))
    root = open_root(os.fsencode(source))
    contestants: Contestants = {
        "BundleWriter": lambda: by_bundle(folder / "bundle", root, names),
        "tarfile, same hashes": lambda: by_tarfile(folder / "tar", source, names, Hashing),
        "tarfile": lambda: by_tarfile(folder / "tar", source, names, lambda file: file),
        "hashes alone": lambda: hash_all(source, names),
    }
    print(f"packing {files} files of {size / KIB:.0f} KiB")
    report(race(contestants, runs), "BundleWriter", files * size)
    os.close(root)


def by_bundle(path: Path, root: int, names: list[bytes]) -> None:
    with BundleWriter(path) as writer:
        for name in names:
            writer.add_file(b"r/" + name, restat(root, name), lambda name=name: open_source(root, name))  # type: ignore[misc]
        writer.finish()
    path.unlink()


class Hashing:
    """A file that is hashed as it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.hasher = file, ContentHasher()

    def read(self, length: int = -1) -> bytes:
        piece = self.file.read(length)
        self.hasher.update(piece)
        return piece


def by_tarfile(path: Path, source: Path, names: list[bytes], wrapped: Callable[[BinaryIO], object]) -> None:
    with path.open("wb") as out:
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for name in names:
                with (source / name.decode()).open("rb") as file:
                    member = tar.gettarinfo(arcname="r/" + name.decode(), fileobj=file)
                    tar.addfile(member, wrapped(file))  # type: ignore[arg-type]
        out.flush()
        os.fsync(out.fileno())
    path.unlink()


def hash_all(source: Path, names: list[bytes]) -> None:
    for name in names:
        hasher = ContentHasher()
        hasher.update((source / name.decode()).read_bytes())
        hasher.result()


def squeeze(corpus: Path, size: int, level: int, runs: int) -> None:
    """The compressing half."""
    write_corpus(corpus, size)
    stored: dict[str, int] = {}

    def ours() -> None:
        squeeze = Squeeze(Compression.AUTO, level)
        with (
            corpus.open("rb") as file,
            open(os.devnull, "wb") as nowhere,
            closing(FramedStoring(nowhere, squeeze)) as storing,
        ):
            for piece in pieces(file):
                storing.add(piece)
            storing.finish()
        stored["our frames"] = sum(segment.stored_length for segment in storing.segments)

    def theirs() -> None:
        with open(os.devnull, "wb") as nowhere:
            subprocess.run(["zstd", "-q", "-T1", f"-{level}", "-c", corpus], stdout=nowhere, check=True)

    print(f"compressing {size // MIB} MiB at level {level}")
    report(race({"our frames": ours, "zstd -T1": theirs}, runs), "our frames", size)
    whole = corpus.with_suffix(".zst")
    subprocess.run(["zstd", "-q", "-T1", f"-{level}", corpus, "-o", whole], check=True)
    print(
        f"  stored: {stored['our frames'] / size:.3f} in our frames, {whole.stat().st_size / size:.3f} by zstd"
    )


def seal(size: int, runs: int) -> None:
    """The sealing part."""
    recipient = pyrage.x25519.Identity.generate().to_public()
    segments = [os.urandom(MOST_IN_SEALED)] * (size // MOST_IN_SEALED)

    def by_age(plain: bytes) -> bytes:
        return bytes(pyrage.encrypt(plain, [recipient]))

    def ours() -> None:
        with open(os.devnull, "wb") as nowhere, closing(SealedStoring(nowhere, Squeeze(), by_age)) as storing:
            for plain in segments:
                storing.add(plain)
            storing.finish()

    def theirs() -> None:
        for plain in segments:
            by_age(plain)

    print(f"sealing {size // MIB} MiB")
    report(race({"sealed archive": ours, "pyrage alone": theirs}, runs), "sealed archive", size)


def pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(MOST_IN_FRAME):
        yield piece


def write_corpus(path: Path, size: int) -> None:
    """Sources, bytecode, libraries and texts of this Python; from the second time on, each with a line before it."""
    places = [Path(sysconfig.get_path(which)) for which in ("stdlib", "purelib")]
    found = sorted({each for place in places for each in place.rglob("*") if each.is_file()})
    with path.open("wb") as corpus:
        for time_over in count():
            for each in found:
                corpus.write(b"# %d %d\n" % (time_over, corpus.tell()) if time_over else b"")
                corpus.write(each.read_bytes()[: size - corpus.tell()])
                if corpus.tell() >= size:
                    corpus.truncate(size)
                    return


def race(contestants: Contestants, runs: int) -> dict[str, list[float]]:
    """Seconds of each in each run, after one that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for name in contestants:
        contestants[name]()
    for run in range(runs):
        for name in list(contestants)[:: 1 if run % 2 else -1]:
            began = time.perf_counter()
            contestants[name]()
            seconds[name].append(time.perf_counter() - began)
    return seconds


def report(seconds: dict[str, list[float]], ours: str, size: int) -> None:
    """A line of medians for each; how fast ours is beside it."""
    for name, theirs in seconds.items():
        rate = median(size / MIB / each for each in theirs)
        ratio = median(their / our for their, our in zip(theirs, seconds[ours], strict=True))
        beside = "" if name == ours else f"  {ours}: {ratio:.2f} of its speed"
        print(f"  {name:22} {median(theirs):7.3f} s  {rate:6.0f} MiB/s{beside}")


if __name__ == "__main__":
    sys.exit(main())
