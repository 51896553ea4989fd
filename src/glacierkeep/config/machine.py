"""This machine's id: random, made once. The catalog uses it to tell that it was moved."""

import os
import re
from collections.abc import Callable
from pathlib import Path

from glacierkeep.config.atomic import create_new
from glacierkeep.config.paths import make_private
from glacierkeep.errors import ConfigError

_ID = re.compile(r"[0-9a-f]{32}\n?")


def machine_id(file: Path, *, random: Callable[[int], bytes] = os.urandom) -> str:
    """The 32 hexadecimal digits in *file*, which is made if absent; two processes at once agree.

    Raises ConfigError for a file that holds anything else.
    """
    if not file.exists():
        make_private(file.parent)
        create_new(file, random(16).hex().encode("ascii") + b"\n")
    text = file.read_bytes().decode("ascii", "replace")
    if not _ID.fullmatch(text):
        raise ConfigError(
            f"{file} does not hold a machine's id",
            hint="if this is still the same machine, restore the file; if not, remove it",
        )
    return text.strip()
