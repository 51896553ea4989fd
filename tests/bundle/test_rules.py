"""Exclude rules, compared with git's own reading of them."""

import os
import subprocess
from pathlib import Path

import pytest

from glacierkeep.bundle.rules import Rules
from glacierkeep.errors import UsageError

TREE = [
    b"a.o",
    b"keep.o",
    b"build/x",
    b"sub/build/y",
    b"sub/a.o",
    b"sub/deep/a.txt",
    b"sub/deep/er/b.txt",
    b"foo/a",
    b"foo/bar/b",
    b"x/foo/c",
    b"x/foo/bar/d",
    b"#hash",
    b"!bang",
    b"trailing ",
    b"[x]",
    b"new\nline.o",
    b"a.o\n",
    b"\xff\xfe.o",
    b"dir\xff/a",
    b"Caps.O",
    b"node_modules/p/q",
]
PATTERNS = [
    ["*.o"],
    ["*.o", "!keep.o"],
    ["build"],
    ["build/"],
    ["/build/"],
    ["sub/build"],
    ["foo/**"],
    ["foo/**", "!foo/bar"],
    ["**/foo/**"],
    ["**/foo"],
    ["sub/**/b.txt"],
    ["*", "!*/", "!*.txt"],
    ["**", "!foo/", "!foo/a"],
    ["*/", "!sub/"],
    ["**/"],
    ["/*/*"],
    ["*/**/"],
    ["a/**/"],
    ["sub/*", "!sub/deep"],
    ["sub/", "!sub/deep"],
    ["*.o", "!/sub/"],
    [r"\#hash", r"\!bang", "trailing\\ "],
    ["# a comment", "", "   ", "*.txt   "],
    [r"\[x\]", "[ab].o", "[!a-j]*"],
    ["?.o"],
    ["*\n"],
    ["node_modules", "*.O"],
    ["foo/bar", "!foo/bar/b"],
    ["fo?/ba*/"],
]


def _git_leaves(folder: Path, patterns: list[str]) -> set[bytes]:
    """The files that git would not ignore."""
    (folder / "rules").write_bytes(b"\n".join(os.fsencode(pattern) for pattern in patterns) + b"\n")
    command = ["git", "ls-files", "-z", "--others", f"--exclude-from={folder / 'rules'}"]
    return set(subprocess.check_output(command, cwd=folder / "tree").split(b"\0")) - {b""}


def _rules_leave(rules: Rules) -> set[bytes]:
    return {path for path in TREE if not _is_left_out(rules, path)}


def _is_left_out(rules: Rules, path: bytes) -> bool:
    parts = path.split(b"/")
    folders = [b"/".join(parts[:depth]) for depth in range(1, len(parts))]
    return any(rules.excludes(folder, True) for folder in folders) or rules.excludes(path, False)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tree, which git takes for a repository."""
    folder = tmp_path_factory.mktemp("rules")
    (folder / "tree").mkdir()
    for name in TREE:
        path = os.fsencode(folder / "tree") + b"/" + name
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb"):
            pass
    subprocess.check_call(["git", "init", "-q", folder / "tree"])
    return folder


@pytest.mark.parametrize("patterns", PATTERNS, ids=" ".join)
def test_as_git(repository: Path, patterns: list[str]) -> None:
    """What is left out is what git ignores."""
    if "\n" in "".join(patterns):
        assert Rules(patterns).excludes(b"a.o\n", False)
    else:
        assert _rules_leave(Rules(patterns)) == _git_leaves(repository, patterns)


def test_no_rules() -> None:
    """Without rules nothing is left out."""
    assert Rules().empty
    assert not Rules(["# only a comment"]).excludes(b"anything", False)


def test_files_then_patterns(tmp_path: Path) -> None:
    """Patterns given by themselves win over those in files; files may have a BOM and Windows line ends."""
    (tmp_path / "rules").write_bytes(b"\xef\xbb\xbf*.jpg\r\n*.png\r\n# note\r\n\r\nraw\xff*\r\n")
    rules = Rules(["!keep.jpg"], [tmp_path / "rules"])
    left_out = [
        name for name in (b"a.jpg", b"b.png", b"keep.jpg", b"raw\xff1") if rules.excludes(name, False)
    ]
    assert left_out == [b"a.jpg", b"b.png", b"raw\xff1"]


@pytest.mark.parametrize("bad", ["!", "a\\", "[z-a]", "/"])
def test_bad_patterns(tmp_path: Path, bad: str) -> None:
    """A pattern that means nothing is refused, with the file and the line."""
    (tmp_path / "rules").write_text(f"*.jpg\n{bad}\n")
    with pytest.raises(UsageError, match=r"rules, line 2"):
        Rules(files=[tmp_path / "rules"])
    with pytest.raises(UsageError, match="exclude pattern"):
        Rules([bad])


def test_unreadable_file(tmp_path: Path) -> None:
    """A file of rules that is not there is an error, not an empty one."""
    with pytest.raises(UsageError, match="missing"):
        Rules(files=[tmp_path / "missing"])
