"""Words of the command line as values. What is wrong with a word is Click's usage error, exit 2."""

import os
import re
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import click
from click.shell_completion import CompletionItem

from glacierkeep.clock import SystemClock
from glacierkeep.config.quantities import duration, read_duration, read_size

if TYPE_CHECKING:
    _Type: TypeAlias = click.ParamType[Any]
else:
    # Older releases of Click have no parameters here.
    _Type = click.ParamType


class ByteSize(_Type):
    """A size such as 16MiB: int bytes."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return read_size(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Duration(_Type):
    """A length of time such as 90m or 1d12h: timedelta."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        try:
            return read_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Seconds(_Type):
    """A length of time, or a bare number of seconds: float seconds."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float | int):
            return float(value)
        try:
            return duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Moment(_Type):
    """A day (its end), a day and time (local unless it ends in Z or an offset), or a duration ago: aware datetime."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return read_moment(value, SystemClock().now())
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not a date such as 2026-11-22, 2026-11-22T10:00 or 3d (ago)", param, ctx)


def read_moment(text: str, now: datetime) -> datetime:
    """The moment *text* names, seen from *now*, in UTC. Raises ValueError."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        day = datetime.fromisoformat(text) + timedelta(days=1) - timedelta(microseconds=1)
        return day.astimezone(UTC)
    if re.match(r"\d{4}-\d\d-\d\d[T ]", text):
        return datetime.fromisoformat(text).astimezone(UTC)
    return now - read_duration(text.removesuffix("ago"))


class VaultText(_Type):
    """A vault's address or its name in the configuration, as text; an address is checked."""

    name = "vault"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from glacierkeep.domain.vault import looks_like_address, parse_address

        text = str(value)
        if looks_like_address(text):
            try:
                parse_address(text)
            except ValueError as error:
                self.fail(str(error), param, ctx)
        return text

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(name) for name in _configured() if name.startswith(incomplete)]


def _configured() -> Sequence[str]:
    from glacierkeep.config.load import load
    from glacierkeep.config.paths import find_homes
    from glacierkeep.errors import ConfigError

    try:
        return sorted(load(find_homes(os.environ).config_file, environment={}).settings.vaults)
    except (ConfigError, OSError):
        return []


class PathName(_Type):
    """A path on this machine: its bytes, exactly as given."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        if isinstance(value, bytes):
            return value
        if not value:
            self.fail("a path must not be empty", param, ctx)
        return os.fsencode(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(incomplete, type="file")]


class Pattern(_Type):
    """A pattern; in an environment variable several stand side by side, quoted as in a shell."""

    name = "pattern"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value)

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        return shlex.split(rv)
