"""The page about leaving is followed word by word, with the real aws, tar, zstd and age, and no gk."""

import os
import random
import re
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
from support.keys import Pair, make_pair
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


COMPLAINT = re.compile(
    r"is not as it was stored|is not as it was archived|does not hold what its manifest says"
)
CHECKS = tuple(
    f"while read -r date id size hash said; do\n    {line}"
    for line in ('[ "$(tree_hash', '[ -e "manifests/$id.jsonl" ] || continue')
)
"""How the page's blocks begin that compare what came."""

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
        (root / "2019" / f"{number}.bin").write_bytes(content(chance, 900_000, compressible=compressible))
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


def follow(
    desk: Path, blocks: list[Block], environment: dict[str, str], shell: str
) -> tuple[str, list[bytes]]:
    """Run *blocks* one after the other in one *shell*, in the folder *desk*; what they print, and what went wrong."""
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
    assert ran.returncode == 0, troubles
    return ran.stdout.decode(), troubles


def damage(file: Path) -> None:
    """Change one bit in the middle of *file*."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def change(root: Path) -> None:
    """A file gets shorter, another a new mode, a third a second name; the big one is the only one of its name."""
    (root / "2019" / "cat.jpg").write_bytes((root / "2019" / "cat.jpg").read_bytes()[:-1])
    (root / "odd files" / "one byte").write_bytes(b"21")
    (root / "odd files" / "one byte").chmod(0o604)
    os.link(root / "2019" / "1.bin", root / "2019" / "a second name, later")
    (root / "~ second name of the big one").unlink()
    (root / "~ second name of the big one").write_bytes(b"not any more")


def archive(gk: Gk, form: str, source: Path, piped: bytes, pair: Pair) -> None:
    """Fill the vault with *source* and, from standard input, *piped*."""
    sealed, compression = FORMS[form]
    gk.home.mkdir()
    (gk.home / "config.toml").write_text(CONFIG)
    if sealed:
        assert gk("key", "add", pair.public, "-V", "photos").exit_code == 0
        assert gk("key", "check", "-V", "photos", "--identity", pair.file).exit_code == 0
    words = ("upload", "-V", "photos", "--compression", compression)
    assert gk(*words, source).exit_code == 0
    assert gk("local", "advance", "1d").exit_code == 0
    change(source)
    assert gk(*words, source).exit_code == 0
    assert gk(*words, "-", "--as", "all.sql", input=piped).exit_code == 0


@pytest.mark.parametrize("form", FORMS)
def test_what_is_stored_is_opened_without_gk(docs: "Docs", gk: Gk, tmp_path: Path, form: str) -> None:
    """In every form all comes back as it was by the page's own commands, and one file by a range; each block is run."""
    compressible = FORMS[form][1] == "always"
    source, piped = tmp_path / "photos", content(random.Random(9), 18 * MIB, compressible=compressible)
    make_files(source, random.Random(4), compressible=compressible)
    pair, blocks = make_pair(tmp_path, "age"), blocks_of(docs.read(PAGE))
    archive(gk, form, source, piped, pair)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    with served(gk.home) as environment:
        for desk, words, shell in ((whole, WHOLE, "sh"), (parts, PARTS, "bash")):
            desk.mkdir()
            shutil.copy(pair.file, desk / "key.txt")
            said, troubles = follow(desk, [each for each in blocks if each.word in words], environment, shell)
            assert (COMPLAINT.findall(said), troubles) == ([], [])
        assert sorted({*map(int, (tmp_path / "ran").read_text().split())}) == [each.number for each in blocks]
        assert differences(source, whole / "opened" / "photos") == []
        assert (whole / "opened" / "stdin" / "all.sql").read_bytes() == piped
        one_file_is_back(source / "2019" / "cat.jpg", whole, parts)
        damage_is_noticed(whole, blocks, environment)


def one_file_is_back(wanted: Path, whole: Path, parts: Path) -> None:
    """It has content, time and mode, came by a part of its bundle, and the ends gave the same manifests."""
    one = parts / "one-file"
    assert one.read_bytes() == wanted.read_bytes()
    assert (one.stat().st_mtime_ns, one.stat().st_mode) == (wanted.stat().st_mtime_ns, wanted.stat().st_mode)
    needed = (parts / "needed.txt").read_text().splitlines()
    assert len(needed) < max(len(file.read_text().splitlines()) for file in (parts / "segments").iterdir())
    manifests = {file.name: file.read_bytes() for file in (parts / "manifests").iterdir()}
    assert manifests == {file.name: file.read_bytes() for file in (whole / "manifests").iterdir()}


def damage_is_noticed(whole: Path, blocks: list[Block], environment: dict[str, str]) -> None:
    """With one bit wrong in each archive, the page's checks complain of all of them, and of what they hold."""
    damaged = list((whole / "archives").iterdir())
    for file in damaged:
        damage(file)
    checks = [each for each in blocks if each.word in ("yours", "words") or each.text.startswith(CHECKS)]
    said, _ = follow(whole, checks, environment, "sh")
    complaints = COMPLAINT.findall(said)
    assert complaints.count("is not as it was stored") == len(damaged)
    assert "does not hold what its manifest says" in complaints
