"""The page about leaving is followed word by word, with the real aws, tar, zstd and age, and no gk."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support import process
from support.compare import differences
from support.keys import make_pair
from support.oddities import make_odd_files, make_odd_names
from support.runner import Gk

if TYPE_CHECKING:
    from conftest import Docs

PAGE = "docs/how-to/without-gk.md"
MIB = 1 << 20
FORMS = {
    "plain": (False, "off"),
    "compressed": (False, "always"),
    "sealed": (True, "off"),
    "both": (True, "always"),
}
"""Whether there are recipients, and what --compression is."""

WHOLE = ("yours", "words", "inventory", "find", "all")
PARTS = ("yours", "words", "inventory", "ends", "wanted", "one")
"""The two ways through the page: everything, and one file."""

CONFIG = """
[vault.photos]
url = "local:photos"
volume_size = "16MiB"
bundle_threshold = "1MiB"
bundle_members = 120
"""
BIG = b"\xff big\nand not UTF-8 " + b"n" * 230


FORETOLD = (b"hdrcharset", b"time stamp", b"Cannot hard link", b"due to previous errors")
"""What the page says that tar may say."""


@dataclass(frozen=True)
class Block:
    """A fenced block of the page: the word after its language, and its text."""

    number: int
    word: str
    text: str


def blocks_of(page: str) -> list[Block]:
    """Every fenced block of *page*, in order."""
    found, lines = [], iter(page.splitlines())
    for line in lines:
        if line.startswith("```"):
            inside = []
            for inner in lines:
                if inner == "```":
                    break
                inside.append(inner)
            found.append(Block(len(found), line.removeprefix("```sh").strip(), "\n".join(inside)))
    return found


def make_files(root: Path, chance: random.Random, *, compressible: bool) -> None:
    """Small files of some MiB, a big one and a second name of it, odd ones of every kind."""
    (root / "2019").mkdir(parents=True)
    for number in range(12):
        (root / "2019" / f"{number}.bin").write_bytes(content(chance, 300_000, compressible=compressible))
    (root / "2019" / "cat.jpg").write_bytes(content(chance, 700_001, compressible=compressible))
    (root / "2019" / "cat.jpg").chmod(0o640)
    os.utime(root / "2019" / "cat.jpg", ns=(1, 1_562_235_072_123_456_789))
    make_odd_names(root / "odd names")
    make_odd_files(root / "odd files")
    big = os.path.join(os.fsencode(root), BIG if sys.platform != "darwin" else BIG[1:])
    Path(os.fsdecode(big)).write_bytes(content(chance, 17 * MIB + 5, compressible=compressible))
    os.link(big, root / "~ second name of the big one")
    os.link(root / "2019" / "0.bin", root / "~ second name of a small one")
    os.utime(big, ns=(1, -1_500_000_001))


def content(chance: random.Random, size: int, *, compressible: bool) -> bytes:
    """*size* bytes that nothing else has."""
    noise = chance.randbytes(size if not compressible else size // 4)
    return noise if not compressible else noise + noise[:1024] * ((size - len(noise)) // 1024 + 1)


@contextmanager
def served(home: Path) -> Iterator[dict[str, str]]:
    """What `gk local serve` asks to export, and programs on the PATH of which gk is none."""
    with process.start("local", "serve", "--port", "0", home=home) as started:
        assert started.stdout is not None
        said = [started.stdout.readline().decode().rstrip() for _ in range(5)]
        variables = dict(line.removeprefix("  export ").partition("=")[::2] for line in said[2:])
        programs, gnu = home / "programs", map(str, Path("/opt/homebrew/opt").glob("*/libexec/gnubin"))
        programs.mkdir()
        (programs / "aws").symlink_to(Path(sys.executable).parent / "aws")
        try:
            yield {
                **os.environ,
                **variables,
                "PATH": os.pathsep.join([str(programs), *gnu, os.environ["PATH"]]),
            }
        finally:
            started.terminate()
            process.finish(started)


def follow(desk: Path, blocks: list[Block], environment: dict[str, str], shell: str) -> str:
    """Run *blocks* one after the other in one *shell*, in the folder *desk*; what they print."""
    script = "".join(f"{block.text}\necho {block.number} >> ../ran\n" for block in blocks)
    ran = subprocess.run(
        [shell, "-c", script],
        stdin=subprocess.DEVNULL,
        cwd=desk,
        env=environment,
        capture_output=True,
        timeout=120,
        check=False,
    )
    troubles = [line for line in ran.stderr.splitlines() if not any(word in line for word in FORETOLD)]
    assert (ran.returncode, troubles) == (0, []), ran.stdout
    return ran.stdout.decode()


@pytest.mark.parametrize("form", FORMS)
def test_what_is_stored_is_opened_without_gk(docs: "Docs", gk: Gk, tmp_path: Path, form: str) -> None:
    """In every form all comes back as it was by the page's own commands, and one file by a range; each block is run."""
    sealed, compression = FORMS[form]
    source, piped = (
        tmp_path / "photos",
        content(random.Random(9), 18 * MIB, compressible=compression == "always"),
    )
    make_files(source, random.Random(4), compressible=compression == "always")
    gk.home.mkdir()
    (gk.home / "config.toml").write_text(CONFIG)
    pair = make_pair(tmp_path, "age")
    if sealed:
        assert gk("key", "add", pair.public, "-V", "photos").exit_code == 0
        assert gk("key", "check", "-V", "photos", "--identity", pair.file).exit_code == 0
    assert gk("upload", "-V", "photos", "--compression", compression, source).exit_code == 0
    words = ("upload", "-V", "photos", "--compression", compression, "-", "--as", "all.sql")
    assert gk(*words, input=piped).exit_code == 0
    blocks = blocks_of(docs.read(PAGE))
    said = {}
    with served(gk.home) as environment:
        for way in (WHOLE, PARTS):
            desk = tmp_path / way[-1]
            desk.mkdir()
            shutil.copy(pair.file, desk / "key.txt")
            chosen = [block for block in blocks if block.word in way]
            said[way] = follow(desk, chosen, environment, "sh" if way is WHOLE else "bash")
    opened = tmp_path / "all" / "opened"
    assert differences(source, opened / "photos") == []
    assert (opened / "stdin" / "all.sql").read_bytes() == piped
    assert not [line for line in said[WHOLE].splitlines() if "is not as" in line or "does not" in line]
    one = tmp_path / "one" / "one-file"
    assert one.read_bytes() == (source / "2019/cat.jpg").read_bytes()
    assert one.stat().st_mtime_ns == (source / "2019/cat.jpg").stat().st_mtime_ns
    assert one.stat().st_mode == (source / "2019/cat.jpg").stat().st_mode
    assert 1 <= (tmp_path / "one" / "needed.txt").read_text().count("\n") <= 2
    for listed in (tmp_path / "all" / "manifests").iterdir():
        assert listed.read_bytes() == (tmp_path / "one" / "manifests" / listed.name).read_bytes()
    assert {int(number) for number in (tmp_path / "ran").read_text().split()} == {
        block.number for block in blocks
    }
