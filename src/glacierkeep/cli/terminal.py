"""What the process is attached to, and asking the person there."""

import os
import sys

from glacierkeep.errors import NeedsYes, NoIdentity


def someone_there() -> bool:
    """Whether a person can be asked: standard input and standard error are a terminal."""
    return _is_terminal(sys.stdin) and _is_terminal(sys.stderr)


def someone_watching() -> bool:
    """Whether a person sees what is printed."""
    return _is_terminal(sys.stdout) or _is_terminal(sys.stderr)


def err_is_terminal() -> bool:
    """Whether standard error is a terminal: bars may be drawn there, even if standard input is a pipe."""
    return _is_terminal(sys.stderr)


def out_is_terminal() -> bool:
    """Whether standard output is a terminal."""
    return _is_terminal(sys.stdout)


def in_color(wish: str, *, terminal: bool) -> bool:
    """Whether to use colours, *wish* being auto, always or never; NO_COLOR counts for auto."""
    if wish == "auto":
        return terminal and not os.environ.get("NO_COLOR")
    return wish == "always"


def ask(question: str) -> None:
    """Return if the person at the terminal says yes. Raises NeedsYes if not, or if nobody is there."""
    if not someone_there():
        raise NeedsYes(f"not confirmed: {question}", hint="give --yes to do it without asking")
    sys.stderr.write(f"gk: {question} [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if answer.strip().lower() not in ("y", "yes"):
        raise NeedsYes("not confirmed; nothing was changed")


def secret(question: str) -> str:
    """What the person at the terminal types, which is not shown.

    Raises NoIdentity if nobody is there, nothing came, or it is not UTF-8, as passphrases of age are.

    Unlike getpass it reads where `ask` reads, and never behind the back of a redirection.
    """
    if not someone_there():
        raise NoIdentity(
            f"nobody is here to be asked for the {question}",
            hint="keys.passphrase_command can name a command that prints it",
        )
    import termios

    shown = termios.tcgetattr(sys.stdin)
    hidden = [*shown]
    hidden[3] &= ~termios.ECHO
    try:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, hidden)
        sys.stderr.write(f"gk: {question}: ")
        sys.stderr.flush()
        typed = _line()
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, shown)
        sys.stderr.write("\n")
    if not typed:
        raise NoIdentity("no passphrase was given")
    return typed


def _line() -> str:
    try:
        typed = sys.stdin.readline().rstrip("\r\n")
        typed.encode("utf-8")
    except UnicodeError:
        raise NoIdentity("what was typed is not UTF-8") from None  # the cause repeats it
    return typed


def _is_terminal(stream: object) -> bool:
    try:
        return bool(stream is not None and stream.isatty())  # type: ignore[attr-defined]
    except ValueError:
        return False
