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
        assert running.stdout is not None
        printed = running.stdout.read(LONGEST + 1)
        if len(printed) > LONGEST:
            running.kill()
            raise CommandFailed("printed too much")
    if running.returncode:
        raise CommandFailed(f"ended with exit code {running.returncode}")
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
