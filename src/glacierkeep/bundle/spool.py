"""A long list of our own records on disk instead of in memory."""

import os
import pickle
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar

from glacierkeep.errors import DiskTrouble

Record = TypeVar("Record")

_BATCH = 512
"""Records written at once: they share what their pickles have in common."""


class Spool(Generic[Record]):
    """Records in the order they were appended, in a private file in *folder* that has no name.

    Memory grows by some bytes per 512 records. Raises DiskTrouble when the disk is full.
    """

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by close()
        self._starts: list[int] = []
        self._fresh: list[Record] = []

    def append(self, record: Record) -> None:
        """Put *record* last."""
        self._fresh.append(record)
        if len(self._fresh) >= _BATCH:
            self._write()

    def __len__(self) -> int:
        return len(self._starts) * _BATCH + len(self._fresh)

    def __iter__(self) -> Iterator[Record]:
        """The records, first to last."""
        for start in self._starts:
            yield from self._batch(start)
        yield from self._fresh

    def backwards(self) -> Iterator[Record]:
        """The records, last to first."""
        yield from reversed(self._fresh)
        for start in reversed(self._starts):
            yield from reversed(self._batch(start))

    def close(self) -> None:
        """Forget everything."""
        self._file.close()

    def __enter__(self) -> "Spool[Record]":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self) -> None:
        try:
            start = self._file.seek(0, os.SEEK_END)
            pickle.dump(self._fresh, self._file, protocol=pickle.HIGHEST_PROTOCOL)
            self._file.flush()
        except OSError as error:
            raise DiskTrouble(f"a plan cannot be written: {error.strerror}") from error
        self._starts.append(start)
        self._fresh = []

    def _batch(self, start: int) -> list[Record]:
        self._file.seek(start)
        records: list[Record] = pickle.load(self._file)  # noqa: S301 - a file without a name, written by us
        return records
