"""The report of a bug: Markdown, ready for an issue. No content of files, no credentials."""

import os
import platform
import re
import sys
import traceback
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from glacierkeep import __version__
from glacierkeep.clock import SystemClock
from glacierkeep.config.paths import find_homes, make_private
from glacierkeep.errors import GlacierkeepError
from glacierkeep.keys.secrecy import without_secret_keys

_SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID")
_KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b")
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")
_LIBRARIES = ("click", "rich", "pyrage", "sqlalchemy", "alembic", "boto3", "botocore", "tomlkit")


def write_report(error: BaseException, words: list[str]) -> Path | None:
    """Write down how *error* came about; the file, or None where nothing can be written."""
    try:
        log = make_private(find_homes(os.environ).log)
        stamp = SystemClock().now().strftime("%Y%m%dT%H%M%SZ")
        file = log / f"bug-{stamp}-{os.getpid()}.md"
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as opened:
            opened.write(without_secrets(report_of(error, words), os.environ))
    except (OSError, GlacierkeepError):
        return None
    return file


def report_of(error: BaseException, words: list[str]) -> str:
    """The report's text."""
    versions = "\n".join(f"- {name} {version}" for name, version in _versions())
    trace = "".join(traceback.format_exception(error))
    return (
        f"# gk {__version__}: {type(error).__name__}\n\n"
        f"Command:\n\n```\ngk {' '.join(map(repr, words))}\n```\n\n"
        f"Versions:\n\n- Python {sys.version.split()[0]}\n- {platform.platform()}\n{versions}\n\n"
        f"Traceback:\n\n```\n{trace}```\n"
    )


def without_secrets(text: str, environment: Mapping[str, str]) -> str:
    """*text* with the credentials it might hold taken out."""
    for name in _SECRETS:
        if environment.get(name):
            text = text.replace(environment[name], f"<{name}>")
    return _USER_INFO.sub("<user>@", _KEY_ID.sub("<key id>", without_secret_keys(text)))


def _versions() -> list[tuple[str, str]]:
    found = []
    for name in _LIBRARIES:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            found.append((name, "absent"))
    return found
