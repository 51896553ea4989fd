"""What a program did to the files below a folder, in order, as strace saw it."""

import os
import re
import stat
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_CALLS = (
    "openat,open,creat,write,pwrite64,read,readv,lseek,close,dup,dup2,dup3,fcntl,ftruncate,truncate,fsync,fdatasync,"
    "rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,symlink,symlinkat,utimensat,chmod,"
    "fchmod,fchmodat,sendfile,copy_file_range,writev,pwritev,fallocate,syncfs,sync"
)
_UNKNOWN = {"sendfile", "copy_file_range", "writev", "pwritev", "fallocate", "syncfs", "sync"}
"""Were one of them used on our files, this reader would have to learn it."""
_LINE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+)")
_UNFINISHED = re.compile(r"(\d+) +(.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)$")
_FILE = re.compile(r"(AT_FDCWD|\d+)(?:<([^>]*)>)?")
_TIME = re.compile(r"tv_sec=(-?\d+)[^,}]*, tv_nsec=(\d+)")


@dataclass(frozen=True)
class Deed:
    """One thing done: *kind* to the file or folder number *node*, or to a name.

    Kinds: write (at, content), truncate (at), times (at: ns), mode (at), sync; and of names: make (a file or symlink
    *node*, or a folder), remove, rename (from *path* to *other*).
    """

    kind: str
    path: str
    node: int = -1
    at: int = 0
    content: bytes = b""
    other: str = ""


@dataclass
class _Open:
    node: int
    path: str
    offset: int = 0
    appends: bool = False


@dataclass
class Before:
    """What was there: content of files, by number; numbers by path. A folder has a number and no content."""

    numbers: dict[str, int] = field(default_factory=dict)
    contents: dict[int, bytes] = field(default_factory=dict)
    targets: dict[int, bytes] = field(default_factory=dict)
    times: dict[int, int] = field(default_factory=dict)
    modes: dict[int, int] = field(default_factory=dict)


def record(command: Sequence[str], folder: Path, trace: Path, stdin: Path) -> tuple[Before, list[Deed], int]:
    """Run *command*, which reads *stdin*; what was below *folder* before, what it did there, and its exit code."""
    before = _snapshot(folder)
    strace = ["strace", "-f", "-y", "-xx", "-s", "100000000", "--seccomp-bpf", "-e", "raw=read,readv"]
    with stdin.open("rb") as opened:
        ended = subprocess.run(
            [*strace, "-e", f"trace={_CALLS}", "-o", trace, *command],
            check=False,
            capture_output=True,
            stdin=opened,
        )
    assert trace.exists(), ended.stderr
    return before, list(_Reader(str(folder), before).read(trace)), ended.returncode


def _snapshot(folder: Path) -> Before:
    before = Before()
    for number, path in enumerate([folder, *sorted(folder.rglob("*"))]):
        status = path.lstat()
        before.numbers[str(path)] = number
        before.times[number], before.modes[number] = status.st_mtime_ns, stat.S_IMODE(status.st_mode)
        if path.is_symlink():
            before.targets[number] = os.fsencode(path.readlink())
        elif path.is_file():
            before.contents[number] = path.read_bytes()
    return before


class _Reader:
    """Follows file descriptors and names, so that each deed knows its file whatever that is called by then."""

    def __init__(self, folder: str, before: Before) -> None:
        self._folder, self._names = folder, dict(before.numbers)
        self._next = len(self._names)
        self._opened: dict[int, _Open] = {}

    def read(self, trace: Path) -> Iterator[Deed]:
        begun: dict[str, str] = {}
        with trace.open(encoding="ascii") as lines:
            for line in lines:
                if match := _UNFINISHED.match(line):
                    begun[match[1]] = match[2]
                elif match := _RESUMED.match(line):
                    yield from self._line(f"{match[1]} {begun.pop(match[1])}{match[2]}")
                else:
                    yield from self._line(line)

    def _line(self, line: str) -> Iterator[Deed]:
        match = _LINE.match(line)
        if not match or match[4].startswith("-"):
            return
        name, words, result = match[2], match[3].split(", "), int(match[4], 0)
        if name in _UNKNOWN:
            assert self._folder.encode().hex() not in match[3].replace("\\x", ""), line
            return
        yield from getattr(self, f"_{name}")(words, result)

    # Descriptors

    def _openat(self, words: list[str], result: int) -> Iterator[Deed]:
        path, flags = self._path(words[0], words[1]), words[2]
        self._opened.pop(result, None)
        if not self._ours(path):
            return
        if path not in self._names and "O_CREAT" in flags:
            yield self._make(path)
            yield Deed("mode", path, self._names[path], int(words[3], 8) & ~0o022)
        elif "O_TRUNC" in flags:
            yield Deed("truncate", path, self._names[path])
        self._opened[result] = _Open(self._names[path], path, appends="O_APPEND" in flags)

    def _open(self, words: list[str], result: int) -> Iterator[Deed]:
        yield from self._openat(["AT_FDCWD", *words], result)

    def _creat(self, words: list[str], result: int) -> Iterator[Deed]:
        yield from self._openat(["AT_FDCWD", words[0], "O_CREAT|O_TRUNC", words[1]], result)

    def _close(self, words: list[str], result: int) -> Iterator[Deed]:
        self._opened.pop(self._number(words[0]), None)
        yield from ()

    def _dup(self, words: list[str], result: int) -> Iterator[Deed]:
        self._opened.pop(result, None)
        if opened := self._opened.get(self._number(words[0])):
            self._opened[result] = opened
        yield from ()

    _dup2 = _dup3 = _dup

    def _fcntl(self, words: list[str], result: int) -> Iterator[Deed]:
        if words[1].startswith("F_DUPFD"):
            yield from self._dup(words, result)

    def _lseek(self, words: list[str], result: int) -> Iterator[Deed]:
        if opened := self._opened.get(self._number(words[0])):
            opened.offset = result
        yield from ()

    def _read(self, words: list[str], result: int) -> Iterator[Deed]:
        if opened := self._opened.get(int(words[0], 0)):
            opened.offset += result
        yield from ()

    _readv = _read

    # Content

    def _write(self, words: list[str], result: int) -> Iterator[Deed]:
        if opened := self._opened.get(self._number(words[0])):
            assert not opened.appends, "the end of the file would have to be known"
            yield Deed("write", opened.path, opened.node, opened.offset, _bytes(words[1])[:result])
            opened.offset += result

    def _pwrite64(self, words: list[str], result: int) -> Iterator[Deed]:
        if opened := self._opened.get(self._number(words[0])):
            yield Deed("write", opened.path, opened.node, int(words[3]), _bytes(words[1])[:result])

    def _ftruncate(self, words: list[str], result: int) -> Iterator[Deed]:
        if opened := self._opened.get(self._number(words[0])):
            yield Deed("truncate", opened.path, opened.node, int(words[1]))

    def _truncate(self, words: list[str], result: int) -> Iterator[Deed]:
        yield from self._of_path("truncate", self._path("AT_FDCWD", words[0]), int(words[1]))

    def _fsync(self, words: list[str], result: int) -> Iterator[Deed]:
        if opened := self._opened.get(self._number(words[0])):
            yield Deed("sync", opened.path, opened.node)

    _fdatasync = _fsync

    def _utimensat(self, words: list[str], result: int) -> Iterator[Deed]:
        moments = _TIME.findall(", ".join(words))
        assert len(moments) == 2, words
        at = int(moments[1][0]) * 10**9 + int(moments[1][1])
        if words[1] == "NULL":
            yield from self._of_open("times", words[0], at)
        else:
            yield from self._of_path("times", self._path(words[0], words[1]), at)

    def _fchmod(self, words: list[str], result: int) -> Iterator[Deed]:
        yield from self._of_open("mode", words[0], int(words[1], 8))

    def _chmod(self, words: list[str], result: int) -> Iterator[Deed]:
        yield from self._of_path("mode", self._path("AT_FDCWD", words[0]), int(words[1], 8))

    def _fchmodat(self, words: list[str], result: int) -> Iterator[Deed]:
        yield from self._of_path("mode", self._path(words[0], words[1]), int(words[2], 8))

    # Names

    def _renameat(self, words: list[str], result: int) -> Iterator[Deed]:
        old, new = self._path(words[0], words[1]), self._path(words[2], words[3])
        if self._ours(old) or self._ours(new):
            node = self._names.pop(old)
            assert not any(path.startswith(old + "/") for path in self._names), "folders are not renamed"
            self._names[new] = node
            yield Deed("rename", old, node, other=new)

    _renameat2 = _renameat

    def _rename(self, words: list[str], result: int) -> Iterator[Deed]:
        yield from self._renameat(["AT_FDCWD", words[0], "AT_FDCWD", words[1]], result)

    def _linkat(self, words: list[str], result: int) -> Iterator[Deed]:
        old, new = self._path(words[0], words[1]), self._path(words[2], words[3])
        if self._ours(new):
            self._names[new] = self._names[old]
            yield Deed("make", new, self._names[new])

    def _link(self, words: list[str], result: int) -> Iterator[Deed]:
        yield from self._linkat(["AT_FDCWD", words[0], "AT_FDCWD", words[1]], result)

    def _unlinkat(self, words: list[str], result: int) -> Iterator[Deed]:
        path = self._path(words[0], words[1])
        if self._ours(path):
            yield Deed("remove", path, self._names.pop(path))

    def _unlink(self, words: list[str], result: int) -> Iterator[Deed]:
        yield from self._unlinkat(["AT_FDCWD", words[0]], result)

    _rmdir = _unlink

    def _mkdirat(self, words: list[str], result: int) -> Iterator[Deed]:
        path = self._path(words[0], words[1])
        if self._ours(path):
            yield self._make(path, b"folder")
            yield Deed("mode", path, self._names[path], int(words[2], 8) & ~0o022)

    def _mkdir(self, words: list[str], result: int) -> Iterator[Deed]:
        yield from self._mkdirat(["AT_FDCWD", *words], result)

    def _symlinkat(self, words: list[str], result: int) -> Iterator[Deed]:
        path = self._path(words[1], words[2])
        if self._ours(path):
            yield self._make(path, b"symlink " + _bytes(words[0]))

    def _symlink(self, words: list[str], result: int) -> Iterator[Deed]:
        yield from self._symlinkat([words[0], "AT_FDCWD", words[1]], result)

    # Small change

    def _make(self, path: str, what: bytes = b"file") -> Deed:
        self._names[path], self._next = self._next, self._next + 1
        return Deed("make", path, self._names[path], content=what)

    def _of_open(self, kind: str, word: str, at: int) -> Iterator[Deed]:
        if opened := self._opened.get(self._number(word)):
            yield Deed(kind, opened.path, opened.node, at)

    def _of_path(self, kind: str, path: str, at: int) -> Iterator[Deed]:
        if self._ours(path):
            yield Deed(kind, path, self._names[path], at)

    def _ours(self, path: str) -> bool:
        return path.startswith(self._folder + "/") or path == self._folder

    def _path(self, folder: str, word: str) -> str:
        match = _FILE.match(folder)
        assert match, folder
        start = os.fsdecode(_bytes(f'"{match[2] or ""}"'))
        return os.path.normpath(os.path.join(start, os.fsdecode(_bytes(word))))

    @staticmethod
    def _number(word: str) -> int:
        match = re.match(r"-?\d+", word)
        return int(match[0]) if match else -1


def _bytes(word: str) -> bytes:
    return bytes.fromhex(word.strip('"').replace("\\x", ""))
