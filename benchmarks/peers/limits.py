"""The least there is to do: `limits.py TELL hash FILE [PART_MIB]` or `limits.py TELL read FILE`.

Hashing: MD5 of the whole, SHA-256 of each part and of each MiB, by as many threads as there are cores, over bytes that
are in memory and mapped already; MD5 is one chain and begins first. Reading: once, in pieces of a MiB. To the file TELL
goes, as JSON, when it began and ended (seconds of CLOCK_MONOTONIC), and the CPU seconds used by then.
"""

import hashlib
import json
import mmap
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

MIB = 1024 * 1024


def main() -> None:
    told, what, path, *more = sys.argv[1:]
    with Path(path).open("rb") as file:
        populate = getattr(mmap, "MAP_POPULATE", 0)
        mapped = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_SHARED | populate, prot=mmap.PROT_READ)
        piece = bytearray(MIB)
        began, before = time.perf_counter(), time.process_time()
        if what == "hash":
            hash_all(memoryview(mapped), int(more[0]) * MIB if more else 32 * MIB)
        else:
            read_all(file.fileno(), piece)
        ended = {"ended": time.perf_counter(), "used_then": time.process_time()}
    Path(told).write_text(json.dumps({"opened": began, "used": before, **ended}))


def hash_all(content: memoryview, part: int) -> None:
    def leaves(start: int) -> list[bytes]:
        stop = min(start + part, len(content))
        return [hashlib.sha256(content[at : min(at + MIB, stop)]).digest() for at in range(start, stop, MIB)]

    with ThreadPoolExecutor(os.cpu_count()) as cores:
        work = [cores.submit(hashlib.md5, content, usedforsecurity=False)]
        for start in range(0, len(content), part):
            work += [cores.submit(hashlib.sha256, content[start : start + part]), cores.submit(leaves, start)]
        for each in work:
            each.result()


def read_all(fd: int, piece: bytearray) -> None:
    while os.readv(fd, [piece]):
        pass


main()
