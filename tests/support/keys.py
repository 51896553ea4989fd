"""Keys by other programs: age-keygen and ssh-keygen make them, age seals and opens; and a keyring in memory."""

import contextlib
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import keyring
from keyring.backend import KeyringBackend

_AT_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Makes the terminal on standard input the program's own, so that it finds it at /dev/tty too."""

KINDS = ("age", "ssh-ed25519", "ssh-rsa")


@dataclass(frozen=True)
class Pair:
    """A secret key in *file*, and the text of its public key."""

    file: Path
    public: str

    @property
    def secret(self) -> str:
        """The line with the secret of an age identity."""
        return self.file.read_text().splitlines()[-1]


def make_pair(folder: Path, kind: str, name: str = "key") -> Pair:
    """A new pair of *kind*, as its own program makes it."""
    file = folder / f"{name}-{kind}"
    if kind == "age":
        subprocess.run(["age-keygen", "-o", file], check=True, capture_output=True)
        public = subprocess.run(["age-keygen", "-y", file], check=True, capture_output=True, text=True).stdout
        return Pair(file, public.strip())
    words = ["ssh-keygen", "-q", "-t", kind.removeprefix("ssh-"), "-N", "", "-C", "ada@home", "-f", file]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    return Pair(file, file.with_name(f"{file.name}.pub").read_text().strip())


def age_opens(sealed: bytes, identity: Path) -> bytes:
    """What `age -d -i` makes of *sealed*."""
    return subprocess.run(["age", "-d", "-i", identity], input=sealed, check=True, capture_output=True).stdout


def age_seals(plain: bytes, *publics: str, armored: bool = False) -> bytes:
    """*plain* as `age -r` seals it."""
    words = ["age", *(["-a"] if armored else []), *(word for one in publics for word in ("-r", one))]
    return subprocess.run(words, input=plain, check=True, capture_output=True).stdout


def age_at_terminal(words: list[str | Path], typed: list[str]) -> bytes:
    """Run age at a pseudo terminal of its own, and type a line at each question; its standard output."""
    out_read, out_write = os.pipe()
    typed_at_terminal(["age", *map(str, words)], typed, stdout=out_write)
    with open(out_read, "rb") as opened:
        return opened.read()


def typed_at_terminal(words: list[str], typed: list[str], *, stdout: int | None = None) -> str:
    """Run a program at a pseudo terminal of its own, and type a line at each question; what the terminal shows.

    *stdout*, a descriptor that is closed here, gets its standard output instead, which must fit into a pipe.
    """
    terminal, slave = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", _AT_TERMINAL, *words],
        stdin=slave,
        stdout=slave if stdout is None else stdout,
        stderr=slave,
    )
    for descriptor in (slave, *([] if stdout is None else [stdout])):
        os.close(descriptor)
    shown = b""
    for line in typed:
        asked = len(shown)
        while not re.search(rb"(: |\] )[\x1b\[0-9;KJ]*$", shown[asked:]):
            shown += os.read(terminal, 1024)
        os.write(terminal, f"{line}\n".encode())
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 1024):
            shown += piece
    os.close(terminal)
    assert child.wait() == 0, shown
    return shown.decode(errors="replace").replace("\r\n", "\n")


class MemoryRing(KeyringBackend):
    """A keyring that forgets."""

    priority = 0.1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


@contextmanager
def keyring_of(ring: KeyringBackend) -> Iterator[None]:
    """*ring* is the keyring meanwhile."""
    before = keyring.get_keyring()
    keyring.set_keyring(ring)
    try:
        yield
    finally:
        keyring.set_keyring(before)
