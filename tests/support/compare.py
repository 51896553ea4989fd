"""Whether two folders are the same: our own oracle, which uses nothing of glacierkeep."""

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

_PIECE = 1 << 20
_PERMISSIONS = 0o777
"""Set-uid, set-gid and sticky bits are not given back, by contract."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is to be the same of one path: *twin* is the first path of the same file, itself if it has but one."""

    kind: str
    mode: int
    mtime_ns: int
    size: int = 0
    digest: bytes = b""
    target: bytes = b""
    twin: bytes = b""


def facts_of(folder: Path) -> dict[bytes, Facts]:
    """All below *folder*, itself as b"", by relative path. Works for paths of any length; follows no symlink."""
    found: dict[bytes, Facts] = {}
    twins: dict[tuple[int, int], bytes] = {}
    top = os.fsencode(folder)
    for walked, folders, files, opened in os.fwalk(top, follow_symlinks=False):
        here = os.path.relpath(walked, top)
        prefix = b"" if here == b"." else here + b"/"
        found[prefix[:-1]] = _folder(os.fstat(opened))
        folders.sort()
        for name in sorted([*files, *folders]):
            status = os.stat(name, dir_fd=opened, follow_symlinks=False)
            if not stat.S_ISDIR(status.st_mode):
                found[prefix + name] = _leaf(prefix + name, name, opened, status, twins)
    return found


def differences(one: Path, other: Path) -> list[str]:
    """What is not the same below the two: content, kind, time to the nanosecond, mode, links, emptiness."""
    ones, others = facts_of(one), facts_of(other)
    said = [f"only in {one.name}: {path!r}" for path in ones.keys() - others.keys()]
    said += [f"only in {other.name}: {path!r}" for path in others.keys() - ones.keys()]
    for path in ones.keys() & others.keys():
        if ones[path] != others[path]:
            said.append(f"{path!r}: {ones[path]} became {others[path]}")
    return sorted(said)


def _folder(status: os.stat_result) -> Facts:
    return Facts("folder", status.st_mode & _PERMISSIONS, status.st_mtime_ns)


def _leaf(
    path: bytes, name: bytes, folder: int, status: os.stat_result, twins: dict[tuple[int, int], bytes]
) -> Facts:
    mode, mtime_ns = status.st_mode & _PERMISSIONS, status.st_mtime_ns
    if stat.S_ISLNK(status.st_mode):
        return Facts("symlink", mode, mtime_ns, target=os.readlink(name, dir_fd=folder))
    if not stat.S_ISREG(status.st_mode):
        return Facts(f"special {stat.S_IFMT(status.st_mode):o}", mode, mtime_ns)
    twin = twins.setdefault((status.st_dev, status.st_ino), path)
    return Facts("file", mode, mtime_ns, status.st_size, _digest(name, folder), twin=twin)


def _digest(name: bytes, folder: int) -> bytes:
    digest = hashlib.blake2b(digest_size=32)
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    try:
        while piece := os.read(descriptor, _PIECE):
            digest.update(piece)
    finally:
        os.close(descriptor)
    return digest.digest()
