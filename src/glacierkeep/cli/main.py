"""gk: the root of all commands."""

import contextlib
import gc
import os
import sys
from collections.abc import Mapping, Sequence
from typing import ClassVar, NoReturn, TextIO

import click

from glacierkeep import __version__
from glacierkeep.cli import options
from glacierkeep.cli.groups import LazyGroup
from glacierkeep.cli.problems import problem_of, tell_problem, wants_json
from glacierkeep.cli.signals import watched

_HERE = "glacierkeep.cli"

BETWEEN_LOOKS = 20_000
"""New objects between two looks for cycles among them. Names and rows come by the million and make none: at Python's
own 700, looking takes a quarter of the time of recording."""


class Root(LazyGroup):
    """The commands, by what they are for."""

    sections: ClassVar[Mapping[str, Mapping[str, tuple[str, str]]]] = {
        "Archive and get back": {
            "upload": (f"{_HERE}.upload:command", "Archive files, folders or standard input."),
            "retrieve": (f"{_HERE}.retrieve:command", "Get files back."),
            "delete": (f"{_HERE}.delete:command", "Retire versions; delete archives nothing needs any more."),
            "verify": (f"{_HERE}.verify:command", "Compare local files with the catalog."),
        },
        "Keep up with the service": {
            "poll": (f"{_HERE}.poll:command", "Move everything outstanding on by one pass."),
            "status": (f"{_HERE}.status:command", "Show what is in flight, waiting, ready or wrong."),
            "jobs": (f"{_HERE}.jobs:command", "List jobs, with times of completion and expiry."),
            "sync-inventory": (
                f"{_HERE}.sync_inventory:command",
                "Request and collect inventories; reconcile the catalog with them.",
            ),
        },
        "Read the catalog, offline": {
            "ls": (f"{_HERE}.ls:command", "List what is archived."),
            "find": (f"{_HERE}.find:command", "Search for names."),
            "show": (f"{_HERE}.show:command", "Show all that is known of a file or an archive."),
            "du": (f"{_HERE}.du:command", "Show how much is archived."),
        },
        "Administration": {
            "vault": (f"{_HERE}.vault:command", "Create, list, show, choose and delete vaults."),
            "key": (f"{_HERE}.key:command", "Make, list, choose, print and check encryption keys."),
            "catalog": (
                f"{_HERE}.catalog:command",
                "Bring the catalog up to date with this gk, or have its records back from a vault.",
            ),
            "config": (f"{_HERE}.config:command", "Show, change and check the configuration."),
            "local": (
                f"{_HERE}.local:command",
                "Serve, show, turn the clock of and empty the local Glacier.",
            ),
            "completion": (f"{_HERE}.completion:command", "Print a completion script for a shell."),
        },
    }


@click.group(
    cls=Root,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": "GK",
        "max_content_width": 100,
    },
    epilog="gk COMMAND --help shows examples and exit codes.",
)
@options.vault
@options.everywhere
@click.version_option(__version__, prog_name="gk", message="%(prog)s %(version)s", allow_from_autoenv=False)
def root() -> None:
    """Keep files in Amazon Glacier for decades, and know at any moment what is kept and how surely."""


def run(args: Sequence[str]) -> int:
    """Run gk with *args* in this process; the exit code. Prints; never raises an Exception."""
    words = list(args)
    _mend_streams()
    try:
        with watched() as stop, root.make_context("gk", list(words), obj=stop) as context:
            root.invoke(context)
        code = 0
    except click.exceptions.Exit as leave:
        code = leave.exit_code
    except BrokenPipeError:
        return _closed_quietly(0)
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - the outermost: whatever it is becomes a sentence
        code = _told(error, words)
    return _flushed(code, words)


def main() -> NoReturn:
    """The process: `gk` and `python -m glacierkeep`."""
    gc.set_threshold(BETWEEN_LOOKS)
    if "_GK_COMPLETE" in os.environ:
        root.main(prog_name="gk")
    code = run(sys.argv[1:])
    if code in (130, 143):
        # Threads that move bytes may still be at it; what they do is safe to break off anywhere.
        os._exit(code)
    sys.exit(code)


def _told(error: BaseException, words: list[str]) -> int:
    problem = problem_of(error, words)
    try:
        return tell_problem(problem, json=wants_json(words, os.environ))
    except BrokenPipeError:
        return _closed_quietly(problem.exit)


def _flushed(code: int, words: list[str]) -> int:
    """*code*, once everything is out; a disk that is full shows only now."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _closed_quietly(code)
    except OSError as error:
        problem = problem_of(error, words)
        _closed_quietly(code)
        return code or tell_problem(problem, json=False)
    return _closed_quietly(code)


def _closed_quietly(code: int) -> int:
    """*code*; a stream that nobody reads any more goes nowhere, so that the interpreter's own last flush succeeds."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            _lead_nowhere(stream)
    return code


def _lead_nowhere(stream: TextIO) -> None:
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _mend_streams() -> None:
    """Streams that were closed lead nowhere; those that are open take every name."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - until the process ends
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
