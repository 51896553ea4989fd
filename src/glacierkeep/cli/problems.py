"""Errors become a sentence, a hint and an exit code: the only place that writes about them."""

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass

import click

from glacierkeep.cli.signals import Terminated
from glacierkeep.errors import Exit, GlacierkeepError

_DISK = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EIO: "the disk failed",
}
_AFTER_DISK = "make room on it, or look after it, and run the same command again"
_ACCESS = (errno.EACCES, errno.EPERM)
_OTHER = (
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.EMFILE,
    errno.ENFILE,
)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is told of an error. *usage* stands before the sentence, for people."""

    exit: int
    code: str
    message: str
    hint: str | None = None
    usage: str = ""


def problem_of(error: BaseException, words: list[str]) -> Problem:
    """What to tell of *error*, met while doing *words*. A bug leaves a report file."""
    if isinstance(error, GlacierkeepError):
        return Problem(int(error.exit), error.code, str(error), error.hint)
    if isinstance(error, click.ClickException):
        return _of_usage(error)
    if isinstance(error, Terminated):
        return Problem(Exit.TERMINATED, "terminated", "terminated")
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return Problem(Exit.INTERRUPTED, "interrupted", "interrupted")
    if isinstance(error, OSError):
        return _of_system(error) or _of_bug(error, words)
    return _of_bug(error, words)


def tell_problem(problem: Problem, *, json: bool) -> int:
    """Print *problem*: an object on standard output with *json*, else lines on standard error. Its exit code."""
    if json:
        from glacierkeep.cli.render.machine import error_line

        click.echo(error_line(problem.code, problem.message, problem.hint, int(problem.exit)))
        return problem.exit
    if problem.usage:
        click.echo(problem.usage, err=True)
    if problem.message:
        click.echo(f"gk: {_one_line(problem.message)}", err=True)
    if problem.hint:
        click.echo(f"hint: {_one_line(problem.hint)}", err=True)
    return problem.exit


def wants_json(words: list[str], environment: Mapping[str, str]) -> bool:
    """Whether --json was said, even where the words could not be understood."""
    said = words[: words.index("--")] if "--" in words else words
    return "--json" in said or environment.get("GK_JSON", "").lower() in ("1", "true", "yes", "on", "t", "y")


def _of_usage(error: click.ClickException) -> Problem:
    context = getattr(error, "ctx", None)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return Problem(Exit.USAGE, "usage", "", usage=context.get_help() if context else "")
    usage = context.get_usage() if context else ""
    hint = f"{context.command_path} --help says more" if context else None
    return Problem(error.exit_code, "usage", error.format_message(), hint, usage)


def _of_system(error: OSError) -> Problem | None:
    name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else None
    place = f"{name}: " if name else ""
    if error.errno in _DISK:
        return Problem(Exit.FAILED, "disk", f"{place}{_DISK[error.errno]}", _AFTER_DISK)
    if error.errno in _ACCESS:
        return Problem(Exit.FAILED, "access", f"{place}access denied")
    if error.errno in _OTHER and name:
        return Problem(Exit.FAILED, "file", f"{place}{error.strerror}")
    return None


def _of_bug(error: BaseException, words: list[str]) -> Problem:
    from glacierkeep.cli.report import write_report

    file = write_report(error, words)
    sentence = f"a bug in gk: {type(error).__name__}: {error}"
    hint = f"what happened is written in {file}; please report it" if file else "no report could be written"
    return Problem(Exit.BUG, "bug", sentence, hint)


def _one_line(text: str) -> str:
    from glacierkeep.cli.render.words import safe

    return safe(text)
