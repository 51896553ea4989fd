"""Commands that give out a secret on their standard output."""

import subprocess
from collections.abc import Callable

from glacierkeep.keys.identity import LONGEST


class CommandFailed(ValueError):
    """A command did not give what it was run for; says why, never what it printed."""


def output_of(command: str) -> bytes:
    """What *command*, a line for /bin/sh, prints. It is given nothing to read. Raises CommandFailed."""
    try:
        running = subprocess.Popen(  # noqa: S603 - a person's own line, from their configuration
            ["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
    except OSError as error:
        raise CommandFailed(f"cannot be run: {error.strerror}") from error
    with running:
        try:
            printed = _read(running)
        except BaseException:  # a second Ctrl-C, too: nobody waits for a command that hangs
            running.kill()
            raise
    if running.returncode:
        raise CommandFailed(f"ended with exit code {running.returncode}")
    return printed


def _read(running: subprocess.Popen[bytes]) -> bytes:
    """All that it prints. Raises CommandFailed if that is more than any identity file holds."""
    assert running.stdout is not None
    printed = running.stdout.read(LONGEST + 1)
    if len(printed) > LONGEST:
        raise CommandFailed("printed too much")
    return printed


def passphrase_by(command: str) -> Callable[[str], str]:
    """Asks *command* instead of a person: the first line it prints is the passphrase. Asking raises CommandFailed."""

    def ask(question: str) -> str:
        try:
            lines = output_of(command).decode("utf-8").splitlines()
        except UnicodeDecodeError:
            raise CommandFailed("printed what is not UTF-8") from None  # the cause repeats it
        if not lines or not lines[0]:
            raise CommandFailed("printed no passphrase")
        return lines[0]

    return ask
