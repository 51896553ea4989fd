"""What of a partial file is on the disk for good: a line for each range, written once the range's bytes are durable.

A line is a claim. Whoever goes on hashes the bytes again and compares, so that a line that is wrong, torn, lost or
older than the bytes costs another download and nothing else.
"""

import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from glacierkeep.domain.parts import ByteRange
from glacierkeep.transfer.partial import PartialFile, disk_trouble, sync_content

_LINE = re.compile(rb"([0-9]{1,14}) ([0-9]{1,14}) ([0-9a-f]{64})")
_MOST_READ = 16 * 1024 * 1024
"""Bytes of it that are looked at: ten times what the most ranges take, each claimed once."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The bytes *range* are on the disk, with that tree hash."""

    range: ByteRange
    tree_hash: bytes


class Journal:
    """The claims about *file*, kept in the open file *fd*, or nowhere if that is None. For several threads at once."""

    def __init__(self, fd: int | None, file: PartialFile) -> None:
        self._fd = fd
        self._file = file
        self._lock = threading.Lock()
        self._fresh: list[Claim] = []
        self._syncing = False

    def claims(self) -> dict[int, Claim]:
        """The last claim for each range, by the range's start. What stands there is not to be believed."""
        return {claim.range.start: claim for line in self._lines() if (claim := _read(line)) is not None}

    def add(self, claim: Claim) -> None:
        """Write down *claim*, once the bytes are on the disk. Raises DiskTrouble.

        Several threads share a sync: who comes while another syncs leaves its claim to that one.
        """
        with self._lock:
            self._fresh.append(claim)
            if self._syncing:
                return
            self._syncing = True
        try:
            while claims := self._taken():
                self._file.sync()
                self._write(claims)
        except BaseException:
            self._syncing = False
            raise

    def _taken(self) -> list[Claim]:
        with self._lock:
            claims, self._fresh = self._fresh, []
            self._syncing = bool(claims)
            return claims

    def _lines(self) -> Iterator[bytes]:
        """The lines; a torn one at the end is cut off, so that the next one begins afresh."""
        if self._fd is None:
            return
        with disk_trouble():
            content = os.pread(self._fd, min(os.fstat(self._fd).st_size, _MOST_READ), 0)
            whole = content.rfind(b"\n") + 1
            os.ftruncate(self._fd, whole)
        yield from content[:whole].splitlines()

    def _write(self, claims: list[Claim]) -> None:
        if self._fd is None:
            return
        lines = b"".join(
            b"%d %d %s\n" % (claim.range.start, claim.range.stop, claim.tree_hash.hex().encode())
            for claim in claims
        )
        with disk_trouble():
            os.lseek(self._fd, 0, os.SEEK_END)
            while lines:
                lines = lines[os.write(self._fd, lines) :]
            sync_content(self._fd)


def _read(line: bytes) -> Claim | None:
    found = _LINE.fullmatch(line)
    if found is None or int(found[1]) >= int(found[2]):
        return None
    return Claim(ByteRange(int(found[1]), int(found[2])), bytes.fromhex(found[3].decode()))
