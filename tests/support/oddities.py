"""Files, folders and names that break careless programs. A file system that refuses a name just does not get it."""

import errno
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

ODD_NAMES = (
    b"\xff\xfe not utf-8 \xe9.jpg",
    b"\x80",
    b"two\nlines\n.txt",
    b"-rf",
    b"--to=elsewhere",
    b"-",
    b"tab\tand\rreturn",
    b"\x1b[31mred\x1b[0m \x07 bell \x7f del",
    b"\x1b]0;title\x07",
    "c1 control \x9b31m, format \u202e\u200b\u2028\ufeff".encode(),
    b"[bold red]markup[link=x] [reset] [[ ]] :smile:",
    b"[bold]x[",
    b"{braces} %s %(x)d $HOME `id` ; & | < > ' \"",
    b" leading and trailing ",
    b"*",
    b"[a-z]?",
    b"back\\slash\\n",
    b"~root",
    b"archive:id",
    b"con.txt.",
    b"n" * 255,
    b"\xe2\x98\x83" * 85,
    "caf\u00e9".encode(),
    "cafe\u0301".encode(),
    b"Case",
    b"cASE",
    "\U0001f4a9".encode(),
    b".hidden",
    b"..two dots",
    b"...",
    b"1234567890",
    b"manifest.jsonl",
)
"""Names of one component each."""

LONG_PATH = b"/".join([b"%c" % code * 249 for code in range(97, 97 + 15)] + [b"z" * 250])
"""4,000 bytes: more than any system call takes once a folder stands before it."""

_REFUSED = (errno.EILSEQ, errno.EINVAL, errno.ENAMETOOLONG)


def make_odd_names(folder: Path) -> list[bytes]:
    """A file for each of the odd names, and a folder with a file in it for each; the names that were taken."""
    top = os.fsencode(folder)
    os.makedirs(top + b"/folders", exist_ok=True)
    for number, name in enumerate(ODD_NAMES):
        try:
            _write(os.path.join(top, name), b"content %d" % number)
            os.mkdir(os.path.join(top, b"folders", name))
            _write(os.path.join(top, b"folders", name, name), b"inside %d" % number)
            if name == b"[bold]x[":
                _write(os.path.join(top, b"folders", name, b"bold]"), b"a closing tag")
        except OSError as error:
            if error.errno not in (*_REFUSED, errno.EEXIST):
                raise
    return sorted(set(os.listdir(top)) - {b"folders"})


def make_long_path(folder: Path, path: bytes = LONG_PATH) -> None:
    """A file at *path*, longer than a system call takes, below *folder*."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    *above, name = path.split(b"/")
    for component in above:
        with suppress(FileExistsError):
            os.mkdir(component, dir_fd=opened)
        below = os.open(component, os.O_RDONLY | os.O_DIRECTORY, dir_fd=opened)
        os.close(opened)
        opened = below
    file = os.open(name, os.O_WRONLY | os.O_CREAT, 0o640, dir_fd=opened)
    os.write(file, b"deep")
    os.close(file)
    os.close(opened)


def make_odd_files(folder: Path) -> None:
    """Files and folders of odd kinds, none of which gk must skip."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (
        ("empty", b""),
        ("one byte", b"1"),
        ("mode", b"m"),
        ("past", b"p"),
        ("future", b"f"),
    ):
        (folder / name).write_bytes(content)
    (folder / "mode").chmod(0o751)
    (folder / "read only").write_bytes(b"r")
    (folder / "read only").chmod(0o400)
    os.utime(folder / "past", ns=(1, -1_500_000_001))
    os.utime(folder / "future", ns=(1, 4_102_444_800_123_456_789))
    _sparse(folder / "sparse", 5 << 20)
    _make_links(folder)
    (folder / "empty folder" / "empty too").mkdir(parents=True)
    (folder / "empty folder" / "private").mkdir(mode=0o700)
    (folder / "closed").mkdir()
    (folder / "closed" / "inside").write_bytes(b"i")
    (folder / "closed").chmod(0o500)
    os.utime(folder / "empty folder" / "empty too", ns=(1, 1_234_567_890_987_654_321))
    os.utime(folder / "empty folder", ns=(1, 987_654_321_123_456_789))


def make_specials(folder: Path) -> list[str]:
    """What has no content to keep: a FIFO, a socket and, for root, devices; their names."""
    os.mkfifo(folder / "fifo")
    opened = os.open(folder, os.O_RDONLY)
    before = os.open(".", os.O_RDONLY)
    try:
        os.fchdir(opened)  # a socket's path is short
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("socket")
    finally:
        os.fchdir(before)
        os.close(opened)
        os.close(before)
    made = ["fifo", "socket"]
    with suppress(PermissionError):
        os.mknod(folder / "device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
        made.append("device")
    return made


def _make_links(folder: Path) -> None:
    os.symlink("nowhere/at all", folder / "dangling")
    os.symlink("loop", folder / "loop")
    os.symlink("ping", folder / "pong")
    os.symlink("pong", folder / "ping")
    os.symlink(".", folder / "to this folder")
    os.symlink("/", folder / "to the top")
    os.symlink(b"\xff\n\x1b[31m", os.fsencode(folder / "to an odd name"))
    (folder / "linked").write_bytes(b"one file")
    (folder / "deeper").mkdir()
    os.link(folder / "linked", folder / "another name")
    os.link(folder / "linked", folder / "deeper" / "third name")
    os.link(folder / "empty", folder / "empty again")


def _sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)
        file.seek(size // 2)
        file.write(b"in the middle")


def _write(path: bytes, content: bytes) -> None:
    with open(path, "xb") as file:
        file.write(content)
