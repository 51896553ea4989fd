"""The house rules no other tool checks: words, lengths, and a sentence in every test."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

UNUSED_WORDS = {
    "base",
    "common",
    "core",
    "data",
    "engine",
    "handler",
    "helper",
    "info",
    "manager",
    "misc",
    "processor",
}
LONGEST_FUNCTION = 60
LONGEST_FILE = 400

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def main() -> int:
    """Tell every trespass; 1 if there is any."""
    troubles = [
        *(trouble for path in sorted(Path("src").rglob("*.py")) for trouble in of_source(path)),
        *(trouble for path in sorted(Path("tests").rglob("test_*.py")) for trouble in of_tests(path)),
    ]
    print("\n".join(troubles) or "Every name, length and test docstring is as it should be.")
    return 1 if troubles else 0


def of_source(path: Path) -> Iterator[str]:
    """What is wrong with a module's names and lengths."""
    text = path.read_text("utf-8")
    if len(text.splitlines()) > LONGEST_FILE:
        yield f"{path}: longer than {LONGEST_FILE} lines"
    yield from of_name(path.stem, str(path))
    for found in definitions(text):
        where = f"{path}:{found.lineno}"
        yield from of_name(found.name, where)
        length = (found.end_lineno or found.lineno) - found.lineno + 1
        if not isinstance(found, ast.ClassDef) and length > LONGEST_FUNCTION:
            yield f"{where}: {found.name} is {length} lines long, more than {LONGEST_FUNCTION}"


def of_name(name: str, where: str) -> Iterator[str]:
    """The words in *name* that we do not use."""
    words = {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}
    for word in sorted({word.removesuffix("s") for word in words} & UNUSED_WORDS):
        yield f"{where}: {name} holds the word {word!r}, which says nothing"


def of_tests(path: Path) -> Iterator[str]:
    """The tests that do not say what must hold."""
    for found in definitions(path.read_text("utf-8")):
        if found.name.startswith("test_") and not ast.get_docstring(found):
            yield f"{path}:{found.lineno}: {found.name} does not say what must hold"


def definitions(text: str) -> Iterator[Definition]:
    """The classes and functions of a module, nested ones included."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Definition):
            yield node


if __name__ == "__main__":
    sys.exit(main())
