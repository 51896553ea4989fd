"""The page about testing with the local Glacier is followed word by word, beside a server."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support import process

if TYPE_CHECKING:
    from conftest import Docs

PAGE = "docs/how-to/test-with-the-local-glacier.md"


@pytest.fixture
def served(docs: "Docs", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What `gk local serve` printed; the lines it says to paste are in the environment, as is the place of `aws`."""
    with process.start("local", "serve", "--port", "0", home=tmp_path / "gk") as started:
        assert started.stdout is not None
        said = [started.stdout.readline().decode().rstrip() for _ in range(5)]
        for line in said[2:]:
            name, _, value = line.removeprefix("  export ").partition("=")
            monkeypatch.setenv(name, value)
        programs = Path(sys.executable).parent
        monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
        yield said
        started.terminate()
        assert process.finish(started).exit_code == 0


def test_what_serve_prints_is_what_is_shown(docs: "Docs", served: list[str]) -> None:
    """The page shows the output of `gk local serve`, but for the port and the home."""
    shown = next(block for block in docs.blocks(docs.read(PAGE), "") if "gk local serve" in block)
    command, *lines = shown.splitlines()
    assert command == "$ gk local serve"
    port = served[0].split()[5].rpartition(":")[2]
    home = os.environ["AWS_SHARED_CREDENTIALS_FILE"].removesuffix("/credentials")
    ours = [
        line.replace(f":{port}", ":8440").replace(home, "/home/you/.local/share/glacierkeep/local")
        for line in served
    ]
    assert lines == ours


@pytest.mark.usefixtures("served")
def test_what_aws_is_shown_to_print_it_prints(play: Callable[[str], None]) -> None:
    """The commands of `aws` answer as the page shows, with nothing but what `gk local serve` said to paste."""
    play(PAGE)
